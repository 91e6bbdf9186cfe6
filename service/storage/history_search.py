"""Search in a person's history, whose texts are sealed: by the blind numbers of their words.

    newest transcripts ──► enough with the words? ──► that is the page     (a common word)
            │ no
            ▼
    were those all there are? ──► that is the page                         (a narrow choice)
            │ no
            ▼
    index over the words of everything ──► page                            (a rare word)

Each way is quick where the other is slow: a common word is soon met among the newest, and the index
would give most of the history; of a rare word the index gives few, and the newest may have none. A
word met less often than `limit` in `look` transcripts is in one of forty at most.

Phrases are looked for in the opened texts of what has their words. A page of a search for phrases
may hold fewer than asked for though more follow: only so many texts are opened for one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from service.library.history_entries import Choice, Entry, Position, Transcript
from service.library.search import Query, Snippet, has_phrases, snippet
from service.storage.encryption.keys import UserCipher
from service.storage.encryption.sealing import Unreadable
from service.storage.history import (
    PostgresHistory,
    Rows,
    choosing,
    chosen,
    edited_text,
    entry_rows,
    opened_entries,
    positions,
)
from service.storage.postgres import Connection
from service.storage.statements import statements
from service.storage.transcripts import final_text

_sql: Final = statements("history")
_LOOK: Final = 2_000
"""How many of the newest are looked through at least: 2 ms from memory, 13 ms when every page is read
(EXPLAIN on the table of benchmarks/history.py, 2026-11-21)."""
_LOOK_FOR_EACH: Final = 40
"""And for each one asked for."""
_OPENED_AT_ONCE: Final = 10
"""Whole texts in memory at a time, looking for a phrase."""
_OPENED: Final = 200
"""Texts opened for one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A transcript that was searched for."""

    entry: Entry
    snippet: Snippet


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """Some of them, and where the next ones begin."""

    found: tuple[Found, ...]
    next: Position | None


class HistorySearch:
    """Finds transcripts by what was said."""

    def __init__(self, history: PostgresHistory, *, look: int = _LOOK) -> None:
        """Look through so many of the newest before the index is asked."""
        self._history = history
        self._look = look

    async def page(
        self, user: UUID, query: Query, choice: Choice, *, after: Position, limit: int
    ) -> FoundPage:
        """Give what has all words and phrases and follows a position, newest first.

        Args:
            user: whose.
            query: with one word at least.
            choice: among which.
            after: `START`, or the `next` of the page before.
            limit: how many at most, 1 to 100.
        """
        if query.phrases:
            return await self._with_phrases(user, query, choice, after, limit)
        cipher = await self._history.keys.of(user)
        words = sorted(cipher.blind(stem) for stem in query.stems)

        async def read(connection: Connection) -> tuple[list[Position], _Rows]:
            places = await _with_words(
                connection,
                choice=choice,
                after=after,
                words=words,
                most=limit + 1,
                look=self._look,
            )
            ids = [place.id for place in places[:limit]]
            entries, openings = await entry_rows(connection, ids)
            finals = await connection.fetch(_sql["first_with_words"], ids, words)
            return places, _Rows(entries=entries, openings=openings, finals=finals)

        places, rows = await self._history.postgres.call_as(user, read)
        by_id = await self._history.on_thread(lambda: _opened(cipher, query, rows))
        return FoundPage(
            found=tuple(by_id[place.id] for place in places[:limit] if place.id in by_id),
            next=places[limit - 1] if len(places) > limit else None,
        )

    async def _with_phrases(
        self, user: UUID, query: Query, choice: Choice, after: Position, limit: int
    ) -> FoundPage:
        cipher = await self._history.keys.of(user)
        words = sorted(cipher.blind(stem) for stem in query.stems)
        found: list[Found] = []
        last = after
        for _ in range(_OPENED // _OPENED_AT_ONCE):
            places = await self._history.postgres.call_as(
                user,
                partial(
                    _with_words,
                    choice=choice,
                    after=last,
                    words=words,
                    most=_OPENED_AT_ONCE,
                    look=self._look,
                ),
            )
            opened = await self._history.transcripts(user, [place.id for place in places])
            for each in await self._history.on_thread(partial(_having_phrases, query, opened)):
                found.append(each)
                if len(found) == limit:
                    return FoundPage(found=tuple(found), next=each.entry.position)
            if len(places) < _OPENED_AT_ONCE:
                return FoundPage(found=tuple(found), next=None)
            last = places[-1]
        return FoundPage(found=tuple(found), next=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What the found are made of."""

    entries: Sequence[asyncpg.Record]
    openings: Rows
    finals: Sequence[asyncpg.Record]
    """Of each the first with one of the words."""


def _opened(cipher: UserCipher, query: Query, rows: _Rows) -> dict[UUID, Found]:
    finals = {row["transcript_id"]: row for row in rows.finals}
    entries = opened_entries(cipher, rows.entries, rows.openings)
    found = {}
    for row in rows.entries:
        entry = entries[row["id"]]
        try:
            text = edited_text(cipher, row)
            if text is None and entry.id in finals:
                text = final_text(cipher, finals[entry.id]).text
        except Unreadable:
            text = None
        found[entry.id] = Found(entry=entry, snippet=snippet(query, text or entry.preview))
    return found


def _having_phrases(query: Query, transcripts: Iterable[Transcript]) -> list[Found]:
    return [
        Found(entry=transcript.entry, snippet=snippet(query, transcript.text))
        for transcript in transcripts
        if has_phrases(query, transcript.text)
    ]


async def _with_words(
    connection: Connection,
    *,
    choice: Choice,
    after: Position,
    words: Sequence[int],
    most: int,
    look: int,
) -> list[Position]:
    values = (*chosen(choice, after), most)
    look = max(look, _LOOK_FOR_EACH * most)
    # Reading rows in the order of time is twice as quick, unless most of them are passed over.
    name = "newest_read_with_words" if choice.device is None else "newest_with_words"
    newest = await connection.fetch(choosing(name, choice), *values, words, look)
    if len(newest) < most:
        values_to_count = (*chosen(choice, after), look)
        if await connection.fetchval(choosing("how_many", choice), *values_to_count) == look:
            return positions(await connection.fetch(_sql["all_with_words"], *values, words))
    return positions(newest)
