"""Which marks are settled before the model is asked.

A mark of the recogniser's is evidence of how something was said. It counts for more than what the
model makes of the words where

    numbers     it parts two numbers, or a sentence ends in one: «Мне двадцать. Пять лет назад…»
    commands    it sets a spoken command off: «Список. Новый пункт. Молоко.»
    short       a sentence beside it is too short to judge: «Глава первая. Детство.»
    lists       it parts two short things, or two that are counted: «ЭКГ, МРТ», «дом пять, квартира десять»
    pairs       it is one of two commas, and the other stays: «Пациент, сорок лет, жалуется»

Between two numerals and beside the phrase of a command the model adds no mark either: «восемь девятьсот
двенадцать…» is one telephone number, and what is a command is for the person to say.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from workers.text.commands.surroundings import find
from workers.text.commands.table import Effect
from workers.text.frequent import CLAUSE_OPENERS, CONJUNCTIONS, PREPOSITIONS
from workers.text.merging.marks import ENDS, mark_of
from workers.text.numbers.counted import takes_singular
from workers.text.numbers.numerals import DIVISORS, NUMERALS, WHOLES
from workers.text.numbers.surroundings import CODES, LABELS, MEASURES, VERSIONS, ZEROS
from workers.text.rubert.labels import MARKS
from workers.text.styles import begins_farewell
from workers.text.tokens import Token

EVERY: Final = frozenset(MARKS)
_NONE: Final[frozenset[str]] = frozenset()
_STAYS: Final = EVERY - {""}
_STAYS_END: Final = frozenset(ENDS)
_SHORT: Final = 2
"""Words of a sentence, or of a part between two marks, that say too little about a mark beside it."""
_AMOUNT: Final = 4
"""Words of a part that has a numeral and may be one of a list."""
_APPOSITION: Final = 4
"""So many words two commas enclose that go together."""
_GOES_ON: Final = PREPOSITIONS | CONJUNCTIONS
"""No sentence ends in these, however short."""
_NAMES_OF_LETTERS: Final = frozenset(
    "бэ вэ гэ дэ жэ зэ эл эль эм эн пэ эр эс тэ эф цэ икс игрек зет".split()
)
_CORRECTS: Final = frozenset(("нет", "да"))
"""After a comma these go on: «в Воронеж, нет, в Ростов»."""
_PARTED: Final = frozenset(
    "час часа часов часу минута минуты минут минуту рубль рубля рублей градус градуса градусов метр метра метров".split()
)
"""Units that a number of smaller ones follows: «пять часов двадцать минут»."""
_OF_A_FEW: Final = ("а", "я", "ы", "и")
_OF_MANY: Final = (
    "ов", "ев", "ей", "вольт", "ампер", "ватт", "герц", "бит", "байт", "грамм", "копеек", "тонн", "минут", "секунд",
    "часов", "миль", "крон", "йен", "евро",
)  # fmt: skip
"""Ends of what 2, 3 and 4 count, and of what the others do."""
_MOST_OF_PARTS: Final = 5
"""Words from «целых» to «тысячных»: «и двести тридцать одна тысячная»."""
_SHARES: Final = frozenset("третья трети третьих четверть четверти четвертых пятая пятых".split())
"""Of which a mixed number can have some: «пять целых одна третья»."""
_SHORTENED: Final = frozenset("млн млрд трлн тыс".split())
"""Written without a full stop by the recogniser; one of the model's would be the abbreviation's, which «млн» has not."""
_SIGNS_IN_NUMBERS: Final = frozenset(("дробь",))
_NAMES: Final = LABELS | CODES | VERSIONS
"""Words that a number belongs to: «дом пять», «код один два», «версия три»."""
_BEGIN_A_LINE: Final = frozenset({Effect.BREAK, Effect.ITEM})
_ACT_ON_THE_NEXT: Final = frozenset({Effect.CAPITALS, Effect.CAPITAL, Effect.JOIN, Effect.SPACE})


def allowed_marks(tokens: Sequence[Token], *, bare: bool) -> list[frozenset[str]]:
    """Give for each word the marks that the model may put after it, instead of what is there.

    Args:
        tokens: the recogniser's text.
        bare: whether it has no marks at all, so that the model gives them.
    """
    allowed = [EVERY] * len(tokens)
    decimals = _within_decimals(tokens)
    for place, (token, following) in enumerate(pairwise(tokens)):
        if (
            place in decimals
            or _is_named(token, following, bare=bare)
            or parts_numbers(token, following)
        ):
            allowed[place] = _NONE
        elif token.key in _SHORTENED and not token.trail:
            allowed[place] = EVERY - {"."}
        elif token.ends_sentence and is_numeral(token):
            allowed[place] = _STAYS_END
        elif token.trail == "," and following.key in _CORRECTS:
            allowed[place] = _STAYS - _STAYS_END
        elif _is_letter(token) and not token.ends_sentence:
            allowed[place] = EVERY - _STAYS_END
    if bare and tokens:  # nothing follows that we know of
        allowed[-1] -= {",", "…"} if is_numeral(tokens[-1]) else {","}
    if not bare:
        _keep_ends(tokens, allowed)
        _keep_last(tokens, allowed)
        _keep_lists(tokens, allowed)
    _keep_commands(tokens, allowed, bare=bare)
    return allowed


def parts_numbers(token: Token, following: Token) -> bool:
    """Whether what stands between two words stands between two numerals: «раз, два» as well."""
    if not is_numeral(following):
        return False
    return is_numeral(token) or (token.key == "раз" and following.key == "два")


def _within_decimals(tokens: Sequence[Token]) -> frozenset[int]:
    """Give the places on both sides of «целых»: «сто двадцать целых пять десятых»."""
    within: set[int] = set()
    for place, token in enumerate(tokens):
        if token.key not in WHOLES or token.trail or not 0 < place < len(tokens) - 1:
            continue
        said = [after.key for after in tokens[place + 1 : place + 1 + _MOST_OF_PARTS]]
        if is_numeral(tokens[place - 1]) and any(key in DIVISORS or key in _SHARES for key in said):
            within |= {place} if tokens[place - 1].trail else {place - 1, place}
    return frozenset(within)


def _is_named(token: Token, following: Token, *, bare: bool) -> bool:
    """Whether a number belongs to the word before it, or the word after to the number: «дом пять», «пять рублей»."""
    if token.trail:
        return False
    if not is_numeral(following):
        return is_numeral(token) and (
            following.key in _SIGNS_IN_NUMBERS or _is_measured(token, following)
        )
    if token.key in _NAMES or token.key in _SIGNS_IN_NUMBERS:
        return True
    is_price = token.key in MEASURES and following.key in ZEROS  # «пять долларов ноль пять центов»
    return bare and (is_price or token.key in _PARTED or _is_letter(token))


def _is_measured(token: Token, following: Token) -> bool:
    """Whether a unit has the form in which the numeral before counts it: «пять рублей», not «…пять. Рубль упал»."""
    numeral = NUMERALS.get(token.key)
    if following.key not in MEASURES or (numeral is not None and numeral.is_ordinal):
        return False
    # The last two digits decide; `int` refuses more than 4,300.
    value = int(token.key[-2:]) if token.key.isdecimal() else numeral.value if numeral else 0
    if takes_singular(value):
        return value % 10 > 1 and following.key.endswith(_OF_A_FEW)
    return following.key.endswith(_OF_MANY)


def _is_letter(token: Token) -> bool:
    """Whether a word is the name of one letter, or no sentence ends in it: «ГОСТ Р», «к», not «я»."""
    is_one = len(token.key) == 1 and token.key.isalpha() and token.key != "я"
    return is_one or token.key in _NAMES_OF_LETTERS


def command_words(tokens: Sequence[Token]) -> frozenset[int]:
    """Give the places of words that can be a spoken command: in what case they are tells whether."""
    return frozenset(place for found in find(tokens) for place in range(found.start, found.end))


def paired(tokens: Sequence[Token], marked: Sequence[Token]) -> list[Token]:
    """Give the commas back that lost the one they go together with.

    Args:
        tokens: the recogniser's text.
        marked: the same words with the model's marks.
    """
    whole = list(marked)
    for places in _enclosing(tokens):
        if any(marked[place].trail for place in places):
            for place in places:
                if not marked[place].trail:
                    whole[place] = tokens[place]
    return whole


def _enclosing(tokens: Sequence[Token]) -> list[list[int]]:
    """Give the places of commas in rows, each close to the next and nothing but words between them.

    A comma before a clause goes with no other: «Но, я думаю, что ты прав», «Он сказал, что, придёт».
    """
    rows: list[list[int]] = []
    last, parted_clause = None, False
    for place, token in enumerate(tokens[:-1]):
        if not token.trail:
            continue
        if token.trail != ",":
            last = None
            continue
        near = last is not None and place - last <= _APPOSITION
        parts_clause = tokens[place + 1].key in CLAUSE_OPENERS
        if near and not parts_clause and not parted_clause:
            rows[-1].append(place)
        else:
            rows.append([place])
        last, parted_clause = place, parts_clause
    return rows


def _keep_ends(tokens: Sequence[Token], allowed: list[frozenset[str]]) -> None:
    for left, right in pairwise(_spans(tokens, lambda token: token.ends_sentence)):
        token, following = tokens[left[-1]], tokens[right[0]]
        if mark_of(token.trail) != "." or token.key in _GOES_ON or following.key in CLAUSE_OPENERS:
            continue
        is_farewell = begins_farewell([tokens[place].key for place in right])
        if min(len(left), len(right)) <= _SHORT or is_farewell:
            allowed[left[-1]] &= _STAYS_END


def _keep_last(tokens: Sequence[Token], allowed: list[frozenset[str]]) -> None:
    """Keep the end after the last word where it is a number, a command, or one of a very short sentence."""
    if not tokens or not tokens[-1].ends_sentence:
        return
    last, sentence = tokens[-1], _spans(tokens, lambda token: token.ends_sentence)[-1]
    is_short = len(sentence) <= _SHORT and last.key not in _GOES_ON
    if is_short or is_numeral(last) or any(found.end == len(tokens) for found in find(tokens)):
        allowed[-1] &= _STAYS_END


def _keep_lists(tokens: Sequence[Token], allowed: list[frozenset[str]]) -> None:
    for left, right in pairwise(_spans(tokens, lambda token: bool(token.trail))):
        begins = left[0] == 0 or tokens[left[0] - 1].ends_sentence
        ends = right[-1] == len(tokens) - 1 or tokens[right[-1]].ends_sentence
        longest = max(len(left), len(right))
        counts = all(any(is_numeral(tokens[place]) for place in part) for part in (left, right))
        if (begins and ends and longest <= _SHORT) or (counts and longest <= _AMOUNT):
            allowed[left[-1]] &= _STAYS


def _spans(tokens: Sequence[Token], ends: Callable[[Token], bool]) -> list[range]:
    """Cut a text after each word of which something is true."""
    cuts = [place + 1 for place, token in enumerate(tokens[:-1]) if ends(token)]
    return [range(*span) for span in pairwise([0, *cuts, len(tokens)])]


def _keep_commands(tokens: Sequence[Token], allowed: list[frozenset[str]], *, bare: bool) -> None:
    """Let the model neither make nor break a command; in bare text it may set one off."""
    for found in find(tokens):
        before, last, after = found.start - 1, found.end - 1, found.end
        effect = found.phrase.command.effect
        begins = found.start == 0 and effect not in _BEGIN_A_LINE  # «Запятая лишняя»
        for place in range(max(before, 0), min(after, len(tokens) - 1)):
            setting_off = _NONE
            if (
                bare
                and not begins
                and place in {before, last}
                and not _is_in_number(tokens, before, after)
            ):
                setting_off = _setting_off(effect, before=place == before)
            allowed[place] &= setting_off


def _is_in_number(tokens: Sequence[Token], before: int, after: int) -> bool:
    """Whether a phrase stands between numerals: «три точка один»."""
    inside = before >= 0 and after < len(tokens)
    return inside and is_numeral(tokens[before]) and is_numeral(tokens[after])


def _setting_off(effect: Effect, *, before: bool) -> frozenset[str]:
    """Give the marks that set a command off and never tell against it."""
    if before:
        return EVERY - {"—"} if effect in _BEGIN_A_LINE else frozenset({","})
    return _NONE if effect in _ACT_ON_THE_NEXT else _STAYS_END


def is_ordinal(token: Token) -> bool:
    """Whether a word is an ordinal: «второго» may be a king's."""
    numeral = NUMERALS.get(token.key)
    return numeral is not None and numeral.is_ordinal


def is_numeral(token: Token) -> bool:
    """Whether a word is a number or part of one, in words or digits: «пять», «пятого», «5», «пять-шесть»."""
    if token.key.lstrip("+")[:1].isdigit():
        return True
    return all(part in NUMERALS for part in token.key.split("-"))
