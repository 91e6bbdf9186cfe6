"""Whether the words of a command are meant as one, judged by what stands around them.

What speaks for a command: a mark or a pause that sets its words off, the end of the text, another
command beside it, a word after it that begins sentences, other commands in the same text. What speaks
against: a word beside it that it belongs to (`refusals`), quotes around it, an enumeration of marks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workers.text.commands.refusals import (
    IDIOMS_BEFORE,
    RELATIVES,
    refuses_after,
    refuses_before,
)
from workers.text.commands.table import PHRASES, Command, Effect, Phrase, Surety
from workers.text.frequent import FREQUENT, PERSONS, PREPOSITIONS, SENTENCE_OPENERS
from workers.text.letters import is_title
from workers.text.pauses import is_pause
from workers.text.tokens import Token

_SETS_OFF: Final = frozenset(".,!?…:;")
_DASHES: Final = frozenset("—–-")
_QUOTES: Final = frozenset('«»„“”"()')
_PAIRS_OF_MARKS: Final = frozenset(
    {
        ("comma", "dash"),
        ("question_mark", "exclamation_mark"),
        ("exclamation_mark", "exclamation_mark"),
        ("question_mark", "question_mark"),
    }
)
"""Marks that people do say one after the other; of others it is an enumeration."""
_MARKS: Final = frozenset({Effect.MARK, Effect.DASH})
_STICK: Final = _MARKS | {Effect.OPEN, Effect.CLOSE}
_BACKED: Final = frozenset({Effect.BREAK, Effect.ITEM})
_JOINED_TO: Final = frozenset("не ни пол по в на из за от с до под кое экс вице".split())
_ANNOUNCES: Final = frozenset("следующее следующие следующий список такое".split())


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of a command, at a place."""

    start: int
    end: int
    phrase: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signs:
    left: bool
    """Set off from what is before."""
    left_end: bool
    """What is before ended."""
    starts: bool
    """What is before ended by itself: there was no pause, and no other command."""
    right: bool
    right_end: bool
    opens: bool
    """A sentence seems to begin after it."""
    is_first: bool
    has_next: bool


def find(tokens: Sequence[Token]) -> tuple[Found, ...]:
    """Find the phrases of all commands; the longest where several begin, none inside another."""
    found: list[Found] = []
    place = 0
    while place < len(tokens):
        phrase = _phrase_at(tokens, place)
        if phrase is not None:
            found.append(Found(place, place + len(phrase.words), phrase))
        place += len(phrase.words) if phrase is not None else 1
    return tuple(found)


def meant(tokens: Sequence[Token], found: Sequence[Found]) -> tuple[Found, ...]:
    """Give those of the phrases that are commands; phrases that end a command are none.

    Args:
        tokens: a text.
        found: all phrases of the text, as `find` gives them.
    """
    possible = [
        place
        for place, each in enumerate(found)
        if not each.phrase.is_end and not _is_refused(tokens, found, place)
    ]
    sure = {place for place in possible if _is_enough(tokens, found, place)}
    said = Counter(found[place].phrase.command.name for place in possible)
    first = {found[place].phrase.command.name: place for place in reversed(possible)}
    last = {found[place].phrase.command.name: place for place in possible}
    last[""] = max((place for place, each in enumerate(found) if each.phrase.is_end), default=-1)
    return tuple(
        found[place]
        for place in possible
        if place in sure
        or _is_backed(tokens, found[place], said, sure=len(sure))
        or _has_its_pair(found[place].phrase.command, place, first, last)
    )


def _phrase_at(tokens: Sequence[Token], place: int) -> Phrase | None:
    for phrase in PHRASES.get(tokens[place].key, ()):
        end = place + len(phrase.words)
        said = tokens[place:end]
        if tuple(token.key for token in said) == phrase.words and not any(
            token.trail or "\n" in token.gap for token in said[:-1]
        ):
            return phrase
    return None


def _signs(tokens: Sequence[Token], found: Sequence[Found], place: int) -> _Signs:
    here = found[place]
    before = tokens[here.start - 1] if here.start else None
    after = tokens[here.end] if here.end < len(tokens) else None
    last = tokens[here.end - 1]
    is_english = here.phrase.is_english
    follows = place > 0 and found[place - 1].end == here.start
    leads = place + 1 < len(found) and found[place + 1].start == here.end
    paused = before is not None and is_pause(before, tokens[here.start])
    pauses = after is not None and is_pause(last, after)
    relative = _is_relative(tokens, here) and (
        here.phrase.command.name == "period" or here.phrase.command.effect in _BACKED
    )
    return _Signs(
        left=before is None
        or follows
        or paused
        or bool(set(before.trail) & (_SETS_OFF | _DASHES))
        or "\n" in before.gap,
        starts=before is None or (before.ends_sentence and not paused and not follows),
        left_end=before is None or follows or paused or before.ends_sentence,
        right=after is None
        or leads
        or pauses
        or (bool(set(last.trail) & _SETS_OFF) and not relative),
        right_end=after is None or leads or pauses or last.ends_sentence,
        opens=after is not None
        and not is_english
        and not relative
        and (
            after.key in SENTENCE_OPENERS
            or (is_title(after.word) and after.key in FREQUENT and _is_no_letter(after.key))
        ),
        is_first=before is None,
        has_next=after is not None and not last.ends_sentence,
    )


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


def _is_no_letter(key: str) -> bool:
    return len(key) > 1 or key == "я"


def _is_refused(tokens: Sequence[Token], found: Sequence[Found], place: int) -> bool:
    here = found[place]
    command, first = here.phrase.command, here.phrase.words[0]
    said = tokens[here.start : here.end]
    if any(set(token.lead + token.trail) & _QUOTES for token in said):
        return True
    if _is_enumeration(found, place) or _is_idiom(tokens, here):
        return True
    signs = _signs(tokens, found, place)
    if command.effect is not Effect.DASH and set(said[-1].trail) & _DASHES:
        return True
    if command.effect in _MARKS and here.start and ":" in tokens[here.start - 1].trail:
        return True  # «одним словом: точка»
    after = tokens[here.end] if here.end < len(tokens) else None
    if here.start and not signs.left:
        before = tokens[here.start - 1]
        begins = here.start == 1 or tokens[here.start - 2].ends_sentence
        if refuses_before(before.word, before.key, first, command.effect, begins=begins):
            return True
    return (
        after is not None
        and not signs.right
        and refuses_after(after.word, after.key, first, command.effect)
    )


def _is_enumeration(found: Sequence[Found], place: int) -> bool:
    """Whether the names of several marks follow each other: «точка, запятая, двоеточие»."""
    here = found[place]
    if here.phrase.command.effect not in _MARKS:
        return False
    for left, right in ((place - 1, place), (place, place + 1)):
        if left < 0 or right >= len(found) or found[left].end != found[right].start:
            continue
        names = (found[left].phrase.command.name, found[right].phrase.command.name)
        effects = {found[left].phrase.command.effect, found[right].phrase.command.effect}
        if effects <= _MARKS and names not in _PAIRS_OF_MARKS:
            return True
    return False


def _is_idiom(tokens: Sequence[Token], here: Found) -> bool:
    """Whether it is «на этом точка», «и точка», «Всё. Точка.»."""
    if here.phrase.words != ("точка",) or here.start == 0:
        return False
    before = tokens[here.start - 1]
    if before.key == "и":
        return True
    if before.key == "этом" and here.start > 1 and tokens[here.start - 2].key == "на":
        return True
    begins = here.start == 1 or tokens[here.start - 2].ends_sentence
    return begins and before.key in IDIOMS_BEFORE


def _is_enough(tokens: Sequence[Token], found: Sequence[Found], place: int) -> bool:
    here = found[place]
    signs = _signs(tokens, found, place)
    surety, effect = here.phrase.surety, here.phrase.command.effect
    before = tokens[here.start - 1].key if here.start else ""
    if effect in (Effect.CAPITALS, Effect.CAPITAL):
        return signs.has_next and (
            signs.left or (surety is Surety.SIDE and before in PREPOSITIONS | PERSONS | {"это"})
        )
    if effect is Effect.JOIN and (signs.is_first or not signs.has_next):
        return False
    if here.phrase.words == ("слитно",):
        return signs.left or signs.right or before in _JOINED_TO
    if effect in _STICK and signs.starts and not signs.right:
        return False  # «Запятая лишняя.», «Кавычки открываются один раз.»
    if effect in _MARKS and surety is Surety.SIDE:  # «Пунктик, запятая важнее слов.»
        announced = here.phrase.command.name == "colon" and before in _ANNOUNCES
        return announced or signs.right or signs.opens
    return _satisfies(surety, signs)


def _satisfies(surety: Surety, signs: _Signs) -> bool:
    match surety:
        case Surety.FREE:
            return True
        case Surety.SIDE:
            return signs.left or signs.right or signs.opens
        case Surety.AFTER:
            return signs.right_end or signs.opens or (signs.left and signs.right)
        case Surety.BOTH:
            return signs.left and signs.right
        case Surety.ALONE:
            return signs.left_end and signs.right_end


def _is_backed(tokens: Sequence[Token], here: Found, said: Counter[str], *, sure: int) -> bool:
    """Whether other commands in the text make up for what does not set off this one."""
    command = here.phrase.command
    if here.phrase.is_english or here.start == 0 or tokens[here.start - 1].ends_sentence:
        return False
    if command.effect in _BACKED or command.name == "comma":
        return sure > 0 or said[command.name] > 1
    if command.name == "period":
        return sure > 1 or (sure > 0 and said[command.name] > 1)
    return sure > 0 and here.phrase.surety is Surety.SIDE and command.effect in _MARKS


def _has_its_pair(
    command: Command, place: int, first: Mapping[str, int], last: Mapping[str, int]
) -> bool:
    """Whether it opens what another phrase closes, or the other way round.

    Args:
        command: at the place.
        place: of its phrase among all phrases.
        first: where each command is first.
        last: where each command is last; "" for the phrases that end one.
    """
    kind, _, what = command.name.partition("_")
    if command.effect is Effect.CAPITALS:
        return last[""] > place
    if kind == "open":
        return last.get(f"close_{what}", -1) > place
    return kind == "close" and first.get(f"open_{what}", place) < place
