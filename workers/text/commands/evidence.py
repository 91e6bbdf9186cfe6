"""What speaks for a command: marks and pauses around its words, and whether they are enough.

A mark or a pause that sets the words off, the end of the text, another command beside them, a word after
them that begins sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workers.text.commands.refusals import RELATIVES
from workers.text.commands.table import Effect, Phrase, Surety
from workers.text.frequent import FREQUENT, PERSONS, PREPOSITIONS, SENTENCE_OPENERS
from workers.text.letters import is_title
from workers.text.pauses import is_pause
from workers.text.tokens import Token

SETS_OFF: Final = frozenset(".,!?…:;")
DASHES: Final = frozenset("—–-")
MARKS: Final = frozenset({Effect.MARK, Effect.DASH})
SIGNS: Final = MARKS | {Effect.SPACE, Effect.JOIN}
"""What these write has a name, of which people talk."""
LINES: Final = frozenset({Effect.BREAK, Effect.ITEM})
DESTROY: Final = frozenset({Effect.DELETE_WORD, Effect.DELETE_SENTENCE})
_IMPERATIVES: Final = frozenset({"открой", "закрой"})
_NEAR: Final = 6
"""Words in which a preposition would make a sentence of which the phrase is the subject."""
_COMPLETE: Final = frozenset("слово предложение word sentence that".split())
"""After these nothing can follow that they belong to, as in «отмени встречу», «удали последнее фото»."""
_JOINED_TO: Final = frozenset("не ни пол по в на из за от с до под кое экс вице".split())
_FAREWELLS: Final = frozenset("уважением приветом любовью благодарностью наилучшими".split())
_BEFORE_A_COLON: Final = frozenset("следующее следующие следующий список такое".split())


_FAR: Final = 30
"""Words within which a sentence begins, or sentences are looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of a command, at a place."""

    start: int
    end: int
    phrase: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What stands around a phrase."""

    left: bool
    """Set off from what is before."""
    starts: bool
    """What is before ended by itself: there was no pause, and no other command."""
    follows: bool
    """Another phrase of a command is right before it."""
    leads: bool
    """Another one is right after it."""
    right: bool
    right_end: bool
    opens: bool
    """A sentence seems to begin after it."""
    is_first: bool
    has_next: bool


def signs_of(tokens: Sequence[Token], found: Sequence[Found], place: int) -> Signs:
    """See what stands around one of all phrases of a text."""
    here = found[place]
    before = tokens[here.start - 1] if here.start else None
    after = tokens[here.end] if here.end < len(tokens) else None
    last = tokens[here.end - 1]
    is_english = here.phrase.is_english
    follows = place > 0 and found[place - 1].end == here.start
    leads = place + 1 < len(found) and found[place + 1].start == here.end
    is_object = leads and found[place + 1].phrase.surety is Surety.ALONE  # «Новый пункт отменить.»
    paused = before is not None and is_pause(before, tokens[here.start])
    pauses = after is not None and is_pause(last, after)
    relative = _is_relative(tokens, here) and (
        here.phrase.command.name == "period" or here.phrase.command.effect in LINES
    )
    return Signs(
        left=before is None
        or follows
        or paused
        or bool(set(before.trail) & (SETS_OFF | DASHES))
        or "\n" in before.gap,
        follows=follows,
        leads=leads,
        starts=before is None or (before.ends_sentence and not paused and not follows),
        right=after is None
        or (leads and not is_object)
        or pauses
        or (bool(set(last.trail) & SETS_OFF) and not relative),
        right_end=after is None or (leads and not is_object) or pauses or last.ends_sentence,
        opens=after is not None
        and not is_english
        and not relative
        and (
            after.key in SENTENCE_OPENERS
            or closes_a_letter(tokens, here)
            or (is_title(after.word) and after.key in FREQUENT and _is_no_letter(after.key))
        ),
        is_first=before is None,
        has_next=after is not None and not last.ends_sentence,
    )


def sentence_before(tokens: Sequence[Token], start: int) -> Sequence[Token]:
    """Give the sentence that ends where a phrase starts; of a very long one its end."""
    first = start - 1
    while first > max(0, start - _FAR) and not tokens[first - 1].ends_sentence:
        first -= 1
    return tokens[max(0, first) : start]


def has_stops(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Whether the recogniser wrote sentences near a phrase: there a pause inside one says little."""
    near = tokens[max(0, start - _FAR) : min(len(tokens) - 1, end + _FAR)]
    return any(token.ends_sentence for token in near)


def is_set_off_after(tokens: Sequence[Token], here: Found) -> bool:
    """Whether a mark parts a phrase from what follows."""
    return bool(set(tokens[here.end - 1].trail) & SETS_OFF)


def _is_relative(tokens: Sequence[Token], here: Found) -> bool:
    """Whether a clause about the phrase follows: «точка, где», «Новый абзац, это хорошо»."""
    if tokens[here.end - 1].trail != ",":
        return False
    following = [token.key for token in tokens[here.end : here.end + 2]]
    if following[:1] == ["это"]:
        return here.start == 0 or tokens[here.start - 1].ends_sentence
    if following and following[0] in PREPOSITIONS:
        return following[-1] in RELATIVES
    return bool(following) and following[0] in RELATIVES


def closes_a_letter(tokens: Sequence[Token], here: Found) -> bool:
    """Whether «с уважением» or the like follows: it stands on a line of its own."""
    following = [token.key for token in tokens[here.end : here.end + 2]]
    return following[:1] == ["с"] and following[-1] in _FAREWELLS


def _is_no_letter(key: str) -> bool:
    return len(key) > 1 or key == "я"


def is_enough(tokens: Sequence[Token], found: Sequence[Found], place: int) -> bool:
    """Whether what stands around one of all phrases of a text is enough for it to be a command."""
    here = found[place]
    signs = signs_of(tokens, found, place)
    before = tokens[here.start - 1].key if here.start else ""
    match here.phrase.command.effect:
        case Effect.CAPITALS | Effect.CAPITAL:
            return signs.has_next and (
                signs.left
                or (
                    here.phrase.surety is Surety.SIDE
                    and not signs.right
                    and before in PREPOSITIONS | PERSONS | {"это"}
                )
            )
        case Effect.JOIN:
            return not signs.is_first and signs.has_next and _joins(here, before, signs)
        case Effect.OPEN | Effect.CLOSE:
            return _is_half(here, signs, ends=here.end == len(tokens))
        case Effect.MARK | Effect.DASH:
            return _is_a_mark(tokens, here, before, signs)
        case Effect.BREAK | Effect.ITEM if here.phrase.surety is Surety.AFTER:
            return _ends_a_line(tokens, here, signs)
        case _:
            return _satisfies(here.phrase.surety, tokens, here, signs)


def _joins(here: Found, before: str, signs: Signs) -> bool:
    both = signs.left and signs.right
    if here.phrase.words == ("слитно",):
        return both or (before in _JOINED_TO and not signs.right)
    return both or here.phrase.surety is Surety.FREE


def _is_a_mark(tokens: Sequence[Token], here: Found, before: str, signs: Signs) -> bool:
    command, surety = here.phrase.command, here.phrase.surety
    is_parted = here.end == len(tokens) or is_set_off_after(tokens, here)
    if command.effect is Effect.DASH and is_parted and not signs.left and not signs.leads:
        return False  # «В строке тире.»: a dash joins what is on both sides
    if signs.starts and not signs.right:
        return False  # «Запятая лишняя.»
    if command.name == "period" and signs.is_first and not signs.right_end:
        return False  # «Точка, пришли выписку.»
    if surety is Surety.SIDE:  # «Пунктик, запятая важнее слов.»
        return (command.name == "colon" and before in _BEFORE_A_COLON) or signs.right or signs.opens
    return _satisfies(surety, tokens, here, signs)


def _satisfies(surety: Surety, tokens: Sequence[Token], here: Found, signs: Signs) -> bool:
    match surety:
        case Surety.FREE:
            return True
        case Surety.AFTER:
            return signs.right_end or signs.opens or (signs.left and signs.right)
        case Surety.BOTH:
            return signs.left and signs.right
        case _:  # ALONE; SIDE depends on the effect
            return _is_own_sentence(tokens, here)


def _is_own_sentence(tokens: Sequence[Token], here: Found) -> bool:
    """Whether a phrase that deletes is a sentence of its own; a pause shows it only where no mark does.

    «Надо… отменить», «Отмени… встречу»: a pause inside a sentence is no end of it.
    """
    before = tokens[here.start - 1] if here.start else None
    after = tokens[here.end] if here.end < len(tokens) else None
    last = tokens[here.end - 1]
    pauses_end = not has_stops(tokens, here.start, here.end) and (
        here.phrase.words[-1] in _COMPLETE and here.phrase.words[0][-2:] != "ть"
    )
    left = before is None or before.ends_sentence
    right = after is None or last.ends_sentence
    return (
        left or (pauses_end and before is not None and is_pause(before, tokens[here.start]))
    ) and (right or (pauses_end and after is not None and is_pause(last, after)))


def _is_half(here: Found, signs: Signs, *, ends: bool) -> bool:
    """Whether a quote or bracket is meant though the text lacks its other half: it may be elsewhere.

    «Закрой скобку, компилятор ругается.» asks somebody to do it.
    """
    if signs.is_first and (ends or signs.leads):
        return True
    if here.phrase.words[0] in _IMPERATIVES:
        return False
    if signs.is_first:
        return signs.right_end
    return signs.left and signs.right and not signs.starts


def _ends_a_line(tokens: Sequence[Token], here: Found, signs: Signs) -> bool:
    """Whether a new line, paragraph or item is meant without others like it in the text.

    The end of a sentence after it is not enough: «Это новый абзац.», «Пиши всё с новой строки.»
    """
    if signs.left and signs.right:
        return True
    if here.phrase.words[0] == "с":
        return False
    if (
        here.end == len(tokens) and not tokens[-1].trail
    ):  # «спасибо новая строка», «в меню новый пункт»
        near = tokens[max(0, here.start - _NEAR) : here.start]
        return not any(token.trail or token.key in PREPOSITIONS for token in near)
    if not signs.opens or signs.right:
        return False
    if here.phrase.words[0] == "новая":
        return True
    return not signs.starts and not (  # «Завтра следующий пункт мы обсудим.»
        has_stops(tokens, here.start, here.end) or tokens[-1].ends_sentence
    )
