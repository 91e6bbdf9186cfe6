"""Words of a command that are said about something: an answer, one of several choices, what a dash explains.

«Какой знак нужен? Запятая.», «Варианты. Принять. Отменить.», «В конце — точка.» are sentences of their own
as commands are, so only what was said before them tells.
"""

import re
from collections.abc import Sequence
from typing import Final

from workers.text.commands.table import Effect, Phrase
from workers.text.frequent import PREPOSITIONS
from workers.text.letters import is_title
from workers.text.tokens import Token

DESTROY: Final = frozenset({Effect.DELETE_WORD, Effect.DELETE_SENTENCE})
_DASHES: Final = frozenset("—–-")
_INTO_WORDS: Final = frozenset({Effect.OPEN, Effect.CLOSE, Effect.CAPITALS, Effect.CAPITAL})
"""What they do, they do to words on one side: what a dash is before them says nothing."""
_SIGNS: Final = frozenset({Effect.MARK, Effect.DASH, Effect.SPACE, Effect.JOIN})
_LOUD: Final = frozenset({"question_mark", "exclamation_mark"})
"""Said after a question that the recogniser heard as one."""
_TALKS_OF_THEM: Final = re.compile(
    r"(?:знак|символ|препинани|клавиш|кнопк|строк|абзац|пункт|таблиц|смайл)\w{0,3}"
)
_CHOOSES: Final = re.compile(
    r"(?:вариант|кнопк|выбор|выб[еи]р|нажм|нажал|нажат|голос[оу]|предлаг|предлож)\w{0,4}"
)
_SAYS: Final = re.compile(
    r"(?:сказа|говор|пис|пиш|напис|напиш|крик|отве[тч]|прос|прош|реш|команд)\w{0,4}|слов[оа]|ему|ей|им|мне|нам"
)
"""At the end of a sentence: what follows is what was said, or to whom: «Мама пишет. Отмени.»."""
_UNDO: Final = frozenset({"отмени", "отменить"})
_PUTS: Final = re.compile(
    r"(?:по|рас|про|вы|в)?став(?:ь|ьте|ить|ят|им|лю|ил|ила|или)|добавь(?:те)?|добавить"
)
_INFINITIVE: Final = re.compile(r"\w{2,}(?:ать|ять|ить|еть|уть|оть|сти|зти|чь|ться|тись|чься)")
_INFINITIVES: Final = frozenset({"отменить", "удалить"})
_ANNOUNCES: Final = re.compile(r"так(?:ое|ие|ой|ая|ово|овы)|следующ\w{2,3}")
_PLACES: Final = frozenset({("в", "конце"), ("в", "начале")})
_AT_A_PLACE: Final = frozenset({"после", "между", "перед"})
_LONGEST_PLACE: Final = 3
_FAR: Final = 30
"""Words within which the beginning of a sentence is looked for."""


def is_explained(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether a dash before the phrase makes it what is told of something: «В конце — точка».

    Two dashes around it are how a recogniser writes a spoken one.
    """
    effect = phrase.command.effect
    if effect in _INTO_WORDS:
        return False
    before = tokens[start - 1].trail if start else ""
    is_dashed = bool((set(before) | set(tokens[start].lead)) & _DASHES)
    return is_dashed and not (effect is Effect.DASH and set(tokens[end - 1].trail) & _DASHES)


def is_named(tokens: Sequence[Token], start: int, phrase: Phrase, *, is_set_off: bool) -> bool:
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
    if any(_TALKS_OF_THEM.fullmatch(token.key) for token in _sentence_before(tokens, start)):
        return True
    if effect not in _SIGNS:
        return False
    if effect is Effect.DASH:  # «Ты придёшь? Тире. Спросил он.»
        return end == len(tokens)
    return name not in _LOUD


def is_choice(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether the phrase is one of what may be done, or what somebody said.

    «Варианты. Принять. Отменить.», «Нажмите кнопку. Отменить.», «Мама пишет. Отмени.»
    """
    if phrase.words[0] in _UNDO and start:
        told = _sentence_before(tokens, start)
        if _SAYS.fullmatch(told[-1].key) or any(_CHOOSES.fullmatch(token.key) for token in told):
            return True
    if phrase.words[0] not in _INFINITIVES:
        return False
    if end < len(tokens) and _INFINITIVE.fullmatch(tokens[end].key):
        return True
    said = _sentence_before(tokens, start)
    return bool(said) and (
        len(said) == 1
        or bool(_INFINITIVE.fullmatch(said[0].key))
        or bool(_ANNOUNCES.fullmatch(said[-1].key))
    )


def is_at_a_place(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether only a place is named before a sign, so that the sign is what is there: «В конце точка».

    Or somebody is to put it there: «Поставь в конце восклицательный знак».
    """
    if phrase.command.effect not in _SIGNS:
        return False
    clause: list[str] = []
    for place in range(start - 1, max(-1, start - 3 - _LONGEST_PLACE), -1):
        if clause and tokens[place].trail:
            break
        clause.insert(0, tokens[place].key)
    if _PUTS.fullmatch(clause[0]):
        clause = clause[1:]
        return 1 < len(clause) <= _LONGEST_PLACE and clause[0] in PREPOSITIONS
    if end < len(tokens) and not tokens[end - 1].trail:
        return False  # «После обеда запятая мы пойдём»
    return 1 < len(clause) <= _LONGEST_PLACE and (
        clause[0] in _AT_A_PLACE or (tuple(clause[:2]) in _PLACES and clause[-1] != "концов")
    )


def has_stops(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Whether the recogniser wrote sentences near the phrase: there a pause inside one says little."""
    near = tokens[max(0, start - _FAR) : min(len(tokens) - 1, end + _FAR)]
    return any(token.ends_sentence for token in near)


def _sentence_before(tokens: Sequence[Token], start: int) -> Sequence[Token]:
    first = start - 1
    while first > max(0, start - _FAR) and not tokens[first - 1].ends_sentence:
        first -= 1
    return tokens[max(0, first) : start]
