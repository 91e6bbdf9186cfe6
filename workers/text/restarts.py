"""Words said twice because the tongue stumbled are written once: «я я пошёл», «при-приходи».

Only short words of grammar are taken for a stumble, because «очень очень», «да да» and «жду жду» are
meant; so are numbers. A row said more than three times over is meant too.
"""

import re
from collections.abc import Sequence
from typing import Final

from workers.text.letters import capitalised
from workers.text.tokens import Token, one

_STUMBLES: Final = frozenset(
    "я ты он она оно мы вы они в во на с со к ко по за из от у о об для при без над под через и а "
    "но чтобы если потому i the to and in of we at for with".split()
)
"""Said again after a comma or dots too."""
_SUBJECTS: Final = frozenset("я ты он она оно мы вы они i we".split())
_REPEATED: Final = _STUMBLES | frozenset(
    "мне меня тебе тебя ему его ей ее нам нас вам вас им их это этот эта эти этого этой этих бы же "
    "ли который которая которое которые когда между перед после a my your it".split()
)
"""Said again with nothing between."""
_BEGIN_PHRASES: Final = _REPEATED - frozenset("и по за с со из о об для бы же ли".split())
""" «Снова и снова и снова», «по капле по капле»: rows with these are meant."""
_MEANT_TWICE: Final = frozenset("чем ком кем".split())
""" «В чём в чём, а в этом…»"""
_HAS_A_LETTER: Final = re.compile(
    r"(?:букв|групп|вариант|пункт|корпус|строени|подъезд|литер|лист|класс|блок|секци|сектор|категори|тип|"
    r"план|витамин|гепатит|квартал|размер)\w{0,3}"
)
"""«Вариант а, а не бэ», «буква в в начале»: the first is a letter."""
_HESITATING: Final = frozenset({"", "…", "...", "-"})
_MOST_TIMES: Final = 3
_LONGEST_PHRASE: Final = 4
_LONGEST_STUMBLE: Final = 3
_ADVERBIAL: Final = ("ски", "цки", "ому", "ему", "ьи", "ой", "ей")
_DIMINUTIVE: Final = ("онько", "енько", "хонек", "шенек", "хонько")
_MEANT: Final = ("тест", "хромосом", "вебинар", "топов", "таки", "прабаб", "прадед", "правну")
"""How words begin that a letter or a short word before them belongs to: «т-тест»."""
_SOUNDS: Final = frozenset("бах бип бум бам бом бим бац".split())
"""«Ба-бах!», «би-бип»."""
_THROUGH_AND_THROUGH: Final = ("ом", "ем", "ой", "ей")
"""«Дуб-дубом.»"""


def leave_out_restarts(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Write once what was said twice because the tongue stumbled."""
    row = _without_broken_words(tokens)
    kept: list[Token] = []
    place = 0
    while place < len(row):
        length, times = _repetition(row, place)
        if times > 1:
            last = place + length * (times - 1)
            for offset in range(length):
                said = [row[place + offset], row[last + offset]]
                kept.append(one(said, said[0].word))
        else:
            kept += row[place : place + length]
        place += length * times
    return tuple(kept)


def _repetition(row: Sequence[Token], place: int) -> tuple[int, int]:
    """Say how long the repeated phrase is that begins at a place, and how often it is said."""
    if place and len(row[place].key) == 1 and _HAS_A_LETTER.fullmatch(row[place - 1].key):
        return 1, 1
    if row[place].key in _REPEATED:
        times = 1
        begins = place == 0 or bool(row[place - 1].trail)
        while place + times < len(row) and _is_said_again(
            row[place + times - 1], row[place + times], begins=begins
        ):
            times += 1
        last = place + times - 1
        if times > _MOST_TIMES or (times > 1 and not _goes_on(row, last)):
            return times, 1
        if times > 1:
            return 1, times
    if row[place].key in _BEGIN_PHRASES:
        for length in range(_LONGEST_PHRASE, 1, -1):
            if _is_phrase_said_again(row, place, length):
                return length, 2
    return 1, 1


def _is_said_again(left: Token, right: Token, *, begins: bool) -> bool:
    """Whether a word is the one before once more.

    Args:
        left: the word before.
        right: the word.
        begins: whether a mark or nothing stands before both: else «это не я, я спал».
    """
    if left.key != right.key or right.lead or "\n" in left.gap or right.word != right.word.lower():
        return left.word == right.word == "I" and not left.trail
    if left.trail == ",":
        return left.key in _STUMBLES - _SUBJECTS or (
            begins and left.key in _SUBJECTS - {"ты", "вы"}
        )
    return left.trail == "" or (left.key in _STUMBLES and left.trail in _HESITATING)


def _goes_on(row: Sequence[Token], last: int) -> bool:
    """Whether speech goes on after a stumble; «на, на, на!» and «его его же словами» are none."""
    if last + 1 == len(row) or row[last].trail:
        return False
    follows = row[last + 1].key
    is_said_on = follows == "и" and row[last].key in _SUBJECTS and row[last - 1].trail == ","
    return follows != "же" and not is_said_on  # «Я, я и ещё раз я»


def _is_phrase_said_again(row: Sequence[Token], place: int, length: int) -> bool:
    first, again = row[place : place + length], row[place + length : place + 2 * length]
    keys = [token.key for token in first]
    return (
        len(again) == length
        and keys == [token.key for token in again]
        and len(set(keys)) == length
        and not _MEANT_TWICE.intersection(keys)
        and all(
            token.text == token.word and token.word == token.word.lower() for token in again[:-1]
        )
        and not again[-1].lead
        and not any(token.trail or "\n" in token.gap for token in first)
    )


def _without_broken_words(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Mend «при-приходи» and «при- приходи»."""
    row: list[Token] = []
    for token in tokens:
        before = row[-1] if row else None
        if before is not None and _is_broken_off(before, token):
            row[-1] = one([before, token], _as_begun(before.word, token.word))
        elif "-" in token.word and (whole := _without_stammer(token.word)) != token.word:
            row.append(one([token], whole))
        else:
            row.append(token)
    return tuple(row)


def _is_broken_off(token: Token, following: Token) -> bool:
    return (
        token.trail == "-"
        and token.word.isalpha()
        and not following.lead
        and len(token.word) < len(following.word)
        and following.key.startswith(token.key)
    )


def _without_stammer(word: str) -> str:
    """Give «приходи» for «при-приходи» and «п-п-приходи»; other words as they are."""
    *stumbles, whole = word.split("-")
    key = whole.lower().replace("ё", "е")
    if (
        len(key) < _LONGEST_STUMBLE
        or not whole.isalpha()
        or whole != whole.lower()
        or key.startswith(_MEANT)
        or key.endswith(_DIMINUTIVE)
        or key in _SOUNDS
        or ([part.lower() for part in stumbles] == ["по"] and key.endswith(_ADVERBIAL))
        or (len(stumbles[0]) == _LONGEST_STUMBLE and _is_through(stumbles[0], key))
    ):
        return word
    if all(
        0 < len(part) <= _LONGEST_STUMBLE
        and len(part) < len(key)
        and key.startswith(part.lower().replace("ё", "е"))
        and (place == 0 or part == part.lower())
        for place, part in enumerate(stumbles)
    ):
        return _as_begun(stumbles[0], whole)
    return word


def _is_through(first: str, key: str) -> bool:
    """Whether a word is the one before it in the instrumental."""
    return key in {first.lower() + ending for ending in _THROUGH_AND_THROUGH}


def _as_begun(first: str, whole: str) -> str:
    return capitalised(whole) if first[:1].isupper() else whole
