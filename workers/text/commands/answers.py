"""Words of a command that are said about something: an answer, a name, what is at a place.

«Какой знак нужен? Запятая.», «В конце — точка.», «Потом идёт двоеточие.» end a sentence as commands do, so
only what was said before them tells.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from workers.text.commands.evidence import DASHES, DESTROY, LINES, SIGNS, sentence_before
from workers.text.commands.refusals import GENDERS
from workers.text.commands.table import Effect, Phrase
from workers.text.frequent import PERSONS, PREPOSITIONS
from workers.text.letters import is_title
from workers.text.tokens import Token

_INTO_WORDS: Final = frozenset({Effect.OPEN, Effect.CLOSE, Effect.CAPITALS, Effect.CAPITAL})
"""What they do, they do to words on one side: what a dash is before them says nothing."""
_LOUD: Final = frozenset({"question_mark", "exclamation_mark"})
"""Said after a question that the recogniser heard as one."""
_TALKS_OF_THEM: Final = re.compile(
    r"(?:знак|символ|препинани|клавиш|кнопк|строк|абзац|пункт|таблиц|смайл)\w{0,3}"
)
_PUTS: Final = re.compile(
    r"(?:по|рас|про|вы|в)?став(?:ь|ьте|ить|ят|им|лю|ил|ила|или)|добавь(?:те)?|добавить"
)
_PLACES: Final = frozenset({("в", "конце"), ("в", "начале")})
_AT_A_PLACE: Final = frozenset({"после", "между", "перед", "вместо"})
_LONGEST_PLACE: Final = 3
_LONGEST_JUDGEMENT: Final = 7
_BESIDE: Final = frozenset(
    "тут здесь там мне тебе нам вам ему ей им не уже еще же все точно вообще совсем всегда явно как раз явно только сейчас".split()
)
"""Between a subject and its predicate."""
_BEGINS_A_CLAUSE: Final = frozenset("что чтобы если будто почему зачем когда где раз хотя".split())
"""After these words, or a mark, a mark's name can be the subject of what follows."""
_THESE: Final = frozenset(
    "этом этой этих том той таком такой моем моей нашем нашей данном данной".split()
)
_VERBS: Final = r"мешает|стоит|стояла?|ставится|требуется|пропала?|раздражает"
_JUDGED: Final[Mapping[str, re.Pattern[str]]] = {
    gender: re.compile(rf"(?:{_VERBS}|(?:не)?(?:{words}))")
    for gender, words in {
        "feminine": r"нужна|лишняя|уместна|обязательна|пропущена|поставлена|важна|верна|ошибочна",
        "masculine": r"нужен|лишний|уместен|обязателен|пропущен|поставлен|важен|верен|ошибочен",
        "neuter": r"нужно|лишнее|уместно|обязательно|пропущено|поставлено|важно|верно|ошибочно",
    }.items()
}
"""What is said of a mark, in its gender."""
_AS_A_RULE: Final = frozenset({"всегда", "обычно", "часто", "иногда"})
"""Between a place and what is there: «Перед этим союзом всегда запятая»."""
_IS_THERE: Final = re.compile(r"идет|следует|мешает|смущает|помогает|бывает|(?:встреч|попад)ается")
"""With nothing in the nominative before it: of what comes after: «Потом идёт двоеточие»."""
_WHERE: Final = PREPOSITIONS | frozenset("потом затем дальше далее тут там здесь сначала".split())
_WHOM: Final = frozenset("меня тебя его ее нас вас их".split())
_TRANSITIVE: Final = re.compile(r"\w+[еи]т")
_MISSING: Final = frozenset({"period", "colon"})
"""Said after a sentence without a subject: «Меня устраивает точка», «Нас ждёт двоеточие»."""


def is_explained(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether a dash before the phrase makes it what is told of something: «В конце — точка».

    Two dashes around it are how a recogniser writes a spoken one.
    """
    effect = phrase.command.effect
    if effect in _INTO_WORDS:
        return False
    before = tokens[start - 1].trail if start else ""
    is_dashed = bool((set(before) | set(tokens[start].lead)) & DASHES)
    return is_dashed and not (effect is Effect.DASH and set(tokens[end - 1].trail) & DASHES)


def is_a_name(tokens: Sequence[Token], start: int, phrase: Phrase, *, is_set_off: bool) -> bool:
    """Whether a capital inside a sentence makes the phrase a name: «счёт в банке Точка».

    Args:
        tokens: a text.
        start: where the phrase is; not at the beginning of the text.
        phrase: what was said.
        is_set_off: from what is before; then a phrase of several words is no name.
    """
    before = tokens[start - 1]
    return (
        not phrase.is_english
        and not (is_set_off and len(phrase.words) > 1)
        and is_title(tokens[start].word)
        and not before.ends_sentence
        and ":" not in before.trail
    )


def is_answer(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether the phrase answers the question before it, or is a question itself."""
    effect, name = phrase.command.effect, phrase.command.name
    is_asked = start > 0 and "?" in tokens[start - 1].trail
    if effect in DESTROY:
        return is_asked or bool(set(tokens[end - 1].trail) & {"?", "!"})
    if not is_asked:
        return False
    if any(_TALKS_OF_THEM.fullmatch(token.key) for token in sentence_before(tokens, start)):
        return True
    if effect not in SIGNS:
        return False
    if effect is Effect.DASH:  # «Ты придёшь? Тире. Спросил он.»
        return end == len(tokens)
    return name not in _LOUD


def is_at_a_place(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether only a place is named before a sign, so that the sign is what is there: «В конце точка».

    Or somebody is to put it there: «Поставь в конце восклицательный знак».
    """
    if phrase.command.effect not in SIGNS:
        return False
    clause = _clause_before(tokens, start)
    if _PUTS.fullmatch(clause[0]):
        clause = clause[1:]
        return 1 < len(clause) <= _LONGEST_PLACE and clause[0] in PREPOSITIONS
    if end < len(tokens) and not tokens[end - 1].trail:
        return False  # «После обеда запятая мы пойдём»
    if len(clause) > 1 and clause[-1] in _AS_A_RULE:
        clause = clause[:-1]
    if clause[0] in PREPOSITIONS and tuple(clause[2:]) in _PLACES:  # «в SQL в конце»
        return True
    if not 1 < len(clause) <= _LONGEST_PLACE or clause[-1] == "концов":
        return False
    near = [key for key in clause if key != "самом"]
    return clause[0] in _AT_A_PLACE or tuple(near[:2]) in _PLACES


def is_subject(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether a sign ends a clause that has no other subject: «Потом идёт двоеточие», «Меня смущает тире»."""
    if phrase.command.effect not in SIGNS or (end < len(tokens) and not tokens[end - 1].trail):
        return False
    *rest, verb = _clause_before(tokens, start)
    if not rest or len(rest) > _LONGEST_PLACE or PERSONS.union({"это"}).intersection(rest):
        return False
    if _IS_THERE.fullmatch(verb) and rest[0] in _WHERE:
        return True
    return (
        len(rest) == 1
        and rest[0] in _WHOM
        and _TRANSITIVE.fullmatch(verb) is not None
        and phrase.command.name not in _MISSING
    )


def is_judged(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether a clause begins whose subject is the mark or line named: «что запятая тут не нужна», «нужна ли запятая».

    Only if nothing in it could be the subject instead: «запятая мне нужна помощь», «он рядом запятая мне мешает».
    """
    command = phrase.command
    predicate = _JUDGED.get(GENDERS.get(phrase.words[0], ""))
    if predicate is None or command.effect not in SIGNS | LINES:
        return False
    before = tokens[start - 1] if start else None
    if before is not None and before.key == "ли" and start > 1:
        return predicate.fullmatch(tokens[start - 2].key) is not None
    if before is not None and not before.trail and before.key not in _BEGINS_A_CLAUSE:
        return False
    clause: list[str] = []
    for token in tokens[end : end + _LONGEST_JUDGEMENT]:
        clause.append(token.key)
        if token.trail:
            break
    else:
        if end + len(clause) < len(tokens):
            return False
    *between, last = clause or [""]
    while between and between[0] in PREPOSITIONS:
        length = 3 if between[1:2] and between[1] in _THESE else 2
        between = between[length:]
    return predicate.fullmatch(last) is not None and _BESIDE.issuperset(between)


def _clause_before(tokens: Sequence[Token], start: int) -> list[str]:
    """Give the last words before a place, up to a mark between them; more than make a place are not needed."""
    clause: list[str] = []
    for place in range(start - 1, max(-1, start - 3 - _LONGEST_PLACE), -1):
        if clause and tokens[place].trail:
            break
        clause.insert(0, tokens[place].key)
    return clause
