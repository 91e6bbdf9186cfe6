"""Library and preferences as wishes for texts: the adapter of `service.dictation.personal`.

    of ─► one statement: the name, and what changed since ─┬─ nothing ──────► as held
                                                           └─ some kinds ─► these are read again

A dictation, too, has a number among a person's changes, but nothing is read again for it. What is
held is in the clear, so it is let go when it was of no use for a while.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from service.dictation.personal import UNKNOWN, Personal
from service.library.kinds import Kind
from service.library.wanted import (
    TextPreferences,
    Vocabulary,
    bytes_held,
    preferences_in,
    snippets_in,
)
from service.problems import StoreUnavailable
from service.storage.wishes import PostgresWishes, Values
from workers.contract.finishing import Finishing, Person, Snippet, style_for

MOST_TERMS: Final = 5_000
"""The newest of a dictionary, whatever their language."""
MOST_SNIPPETS: Final = 1_000
MOST_HINTS: Final = 100
"""The newest of the terms. The recogniser takes 64 tokens of them, about 20 terms
(workers/recognition/prompts.py)."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Held of all people together, about; whoever was asked for longest ago goes first. 5,000 terms take
about 1 MB, somebody without any a few kB."""
HELD_S: Final = 3_600.0
"""What nobody asked for as long goes when somebody else is asked for."""
_BYTES_A_PERSON: Final = 3_000
"""Of somebody of whom nothing is stored: the objects that hold nothing."""
_READ: Final[Mapping[Kind, int]] = {
    Kind.TERM: MOST_TERMS,
    Kind.SNIPPET: MOST_SNIPPETS,
    Kind.PREFERENCES: 1,
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is held of a person."""

    name: str = ""
    """As the account has it; empty: there is none."""
    epoch: UUID | None = None
    last: int = 0
    """Number of the change up to which it is known."""
    vocabulary: Vocabulary
    snippets: tuple[Snippet, ...]
    preferences: TextPreferences
    size: int = 0
    """Bytes it takes, about."""
    asked_at: float = 0.0


class LibraryWishes:
    """The wishes of all users, those of the last ones held in memory; see the port."""

    def __init__(
        self,
        stored: PostgresWishes,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Hold nothing yet.

        Args:
            stored: where wishes are.
            clock: monotonic seconds.
            most_bytes: held of all people together; see `MOST_BYTES`.
        """
        self._stored = stored
        self._clock = clock
        self._most_bytes = most_bytes
        self._known: OrderedDict[UUID, _Known] = OrderedDict()  # asked for longest ago first
        self._size = 0
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def of(self, user: UUID, *, language: str | None, app: str | None) -> Personal:
        """Give what is known of a user; see the port.

        Terms and snippets are the same tuples as before where nothing was changed.
        """
        turn = self._turns.setdefault(user, asyncio.Lock())  # there while somebody has it in hand
        try:
            async with turn:
                known = await self._up_to_date(user)
        except Exception as exc:  # noqa: BLE001 - they are worth no session; its words may be speech
            log.warning("wishes_not_read", kind=type(exc).__name__)
            known = self._lately(user) if isinstance(exc, StoreUnavailable) else None
        if known is None:
            return UNKNOWN
        preferences = known.preferences
        terms = known.vocabulary.of(language)
        return Personal(
            terms=tuple(term.term for term in terms[:MOST_HINTS]),
            finishing=Finishing(
                steps=preferences.steps,
                style=style_for(app, preferences.style, preferences.app_styles),
                commands_off=preferences.commands_off,
                terms=terms,
                snippets=known.snippets,
                person=Person(
                    name=known.name,
                    language=preferences.language,
                    time_zone=preferences.time_zone,
                ),
            ),
        )

    def _lately(self, user: UUID) -> _Known | None:
        """Give what was known within the last hour: better than none, as «raw» stays raw then."""
        held = self._known.get(user)
        return None if held is None or self._clock() - held.asked_at >= HELD_S else held

    async def _up_to_date(self, user: UUID) -> _Known | None:
        held = self._known.get(user)
        standing = await self._stored.standing(user, since=None if held is None else held.last)
        if standing is None:
            self._let_go(user)
            return None
        if held is None or held.epoch != standing.epoch:  # the numbers are of another numbering
            self._let_go(user)
            held, kinds = None, frozenset(_READ)
        else:
            kinds = standing.kinds & _READ.keys()
        if held is None or kinds:
            read = await self._stored.newest(user, {kind: _READ[kind] for kind in kinds})
            known = await asyncio.to_thread(_made_of, read, held)
        else:
            known = held
        # The number is that of before the reading: what was changed meanwhile is read once more.
        known = replace(
            known,
            name=standing.name,
            epoch=standing.epoch,
            last=standing.last,
            asked_at=self._clock(),
        )
        self._hold(user, known)
        return known

    def _hold(self, user: UUID, known: _Known) -> None:
        self._let_go(user)
        self._known[user] = known
        self._size += known.size
        while self._known:
            oldest, idle = next(iter(self._known.items()))
            if self._size <= self._most_bytes and known.asked_at - idle.asked_at < HELD_S:
                return
            self._let_go(oldest)

    def _let_go(self, user: UUID) -> None:
        known = self._known.pop(user, None)
        if known is not None:
            self._size -= known.size


def _made_of(read: Mapping[Kind, Sequence[Values]], held: _Known | None) -> _Known:
    """Make what is known of what was read, and for kinds that were not, of what was held."""
    if held is None:
        held = _Known(vocabulary=Vocabulary(), snippets=(), preferences=preferences_in({}))
    vocabulary, snippets, preferences = held.vocabulary, held.snippets, held.preferences
    if Kind.TERM in read:
        vocabulary = Vocabulary(read[Kind.TERM])
    if Kind.SNIPPET in read:
        snippets = snippets_in(read[Kind.SNIPPET])
    if Kind.PREFERENCES in read:
        preferences = preferences_in(next(iter(read[Kind.PREFERENCES]), {}))
    return replace(
        held,
        vocabulary=vocabulary,
        snippets=snippets,
        preferences=preferences,
        size=_BYTES_A_PERSON
        + vocabulary.bytes_held
        + bytes_held(snippets)
        + preferences.bytes_held,
    )
