"""A person's history in PostgreSQL: read, change, delete, restore.

What a page needs is read in one transaction. Work of the processor that grows with the length of a
text (opening, stemming) is done on threads, so that a long transcript holds up nobody.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from service.dictation.composition import composed
from service.library.history_entries import (
    PREVIEW_UTTERANCES,
    START,
    Choice,
    Entry,
    Page,
    Position,
    Transcript,
    preview,
)
from service.library.words import stems, words_of
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.encryption.sealing import Unreadable
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements
from service.storage.transcripts import final_text, stored_finals

T = TypeVar("T")
_sql: Final = statements("history")
_finals: Final = statements("transcripts")["finals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A new text of a transcript."""

    text: str | None
    """None: the text as it was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was dictated on one day."""

    day: date
    transcripts: int
    words: int
    samples: int
    """At 16 kHz."""


class PostgresHistory:
    """The transcripts of people, as they see them. Every call is for one user and sees no other's.

    Every call raises StoreUnavailable when the database is away.
    """

    def __init__(self, postgres: Postgres, keys: UserKeys, executor: Executor) -> None:
        """Use an executor of threads for what takes long; the caller owns it."""
        self.postgres = postgres
        self.keys = keys
        self._executor = executor

    async def page(self, user: UUID, choice: Choice, *, after: Position, limit: int) -> Page:
        """Give the entries that follow a position, newest first.

        Args:
            user: whose.
            choice: which.
            after: `START`, or the `next` of the page before.
            limit: how many at most, 1 to 1000.
        """
        cipher = await self.keys.of(user)

        async def read(connection: Connection) -> tuple[list[Position], list[asyncpg.Record], Rows]:
            rows = await connection.fetch(
                choosing("page", choice), *chosen(choice, after), limit + 1
            )
            found = positions(rows)
            ids = [position.id for position in found[:limit]]
            entries, openings = await entry_rows(connection, ids)
            return found, entries, openings

        found, rows, openings = await self.postgres.call_as(user, read)
        entries = opened_entries(cipher, rows, openings)
        return Page(
            entries=in_order(entries, found[:limit]),
            next=found[limit - 1] if len(found) > limit else None,
        )

    async def entry(self, user: UUID, transcript: UUID) -> Entry | None:
        """Give one entry; None: the user has no such."""
        cipher = await self.keys.of(user)
        rows, openings = await self.postgres.call_as(
            user, lambda connection: entry_rows(connection, [transcript])
        )
        return opened_entries(cipher, rows, openings).get(transcript)

    async def transcripts(self, user: UUID, ids: Sequence[UUID]) -> tuple[Transcript, ...]:
        """Give whole transcripts in the order of `ids`, without those that are not there.

        One that is damaged, or whose key is gone, has no text and says so in its entry.
        """
        cipher = await self.keys.of(user)

        async def read(connection: Connection) -> tuple[list[asyncpg.Record], Rows]:
            return (
                await connection.fetch(_sql["entries"], ids),
                _by_transcript(await connection.fetch(_finals, ids)),
            )

        rows, finals = await self.postgres.call_as(user, read)
        by_id = await self.on_thread(
            lambda: {
                row["id"]: opened_transcript(cipher, row, finals.get(row["id"], ())) for row in rows
            }
        )
        return tuple(by_id[each] for each in ids if each in by_id)

    async def ids(
        self, user: UUID, choice: Choice, *, after: Position, limit: int
    ) -> tuple[Position, ...]:
        """Give where the transcripts stand that follow a position, newest first."""
        rows = await self.postgres.call_as(
            user,
            lambda connection: connection.fetch(
                choosing("page", choice), *chosen(choice, after), limit
            ),
        )
        return tuple(positions(rows))

    async def count(self, user: UUID, choice: Choice, *, most: int) -> int:
        """Count the transcripts that are chosen, up to `most`."""
        found: int = await self.postgres.call_as(
            user,
            lambda connection: connection.fetchval(
                choosing("how_many", choice), *chosen(choice, START), most
            ),
        )
        return found

    async def count_of(self, user: UUID, ids: Sequence[UUID]) -> int:
        """Count how many of these transcripts there are."""
        found: int = await self.postgres.call_as(
            user, lambda connection: connection.fetchval(_sql["count_of"], ids)
        )
        return found

    async def change(
        self, user: UUID, transcript: UUID, *, edit: Edit | None, favourite: bool | None
    ) -> bool:
        """Change a transcript; what was said stays beside what is made of it.

        Args:
            user: whose.
            transcript: which.
            edit: the new text; None: keep it.
            favourite: None: keep it.

        Returns:
            Whether there is such a transcript.
        """
        text = None if edit is None else edit.text
        cipher = await self.keys.of(user)
        sealed = found_by = None
        if text is not None:
            sealed = cipher.seal("transcripts", "edited", transcript, text.encode())
            found_by = await self.on_thread(partial(_found_by, cipher, text))

        async def write(connection: Connection) -> bool:
            row = await connection.fetchrow(_sql["lock"], transcript)
            if row is None:
                return False
            if text is not None:
                count = len(words_of(text))
                await connection.execute(
                    _sql["edit"], transcript, sealed, row["utterances"] or 0, count, found_by
                )
            elif edit is not None:
                await connection.execute(_sql["revert"], transcript)
            if favourite is not None:
                await connection.execute(_sql["favour"], transcript, favourite)
            return True

        return await self.postgres.call_as(user, write)

    async def delete(self, user: UUID, ids: Sequence[UUID]) -> int:
        """Delete transcripts so that they can be restored; gives how many were not deleted yet."""
        return len(
            await self.postgres.call_as(
                user, lambda connection: connection.fetch(_sql["delete"], ids)
            )
        )

    async def restore(self, user: UUID, ids: Sequence[UUID]) -> int:
        """Restore deleted transcripts; gives how many came back."""
        return len(
            await self.postgres.call_as(
                user, lambda connection: connection.fetch(_sql["restore"], ids)
            )
        )

    async def days(self, user: UUID, time_zone: str) -> tuple[Day, ...]:
        """Add up what was dictated on each day of a time zone, oldest first.

        Raises:
            StatementRefused: PostgreSQL does not know the time zone (SQLSTATE 22023).
        """
        rows = await self.postgres.call_as(
            user, lambda connection: connection.fetch(_sql["days"], time_zone)
        )
        return tuple(Day(**row) for row in rows)

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Do work of the processor beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


Rows = Mapping[UUID, Sequence[asyncpg.Record]]
"""Rows of finals by their transcript."""


def chosen(choice: Choice, after: Position) -> tuple[object, ...]:
    """Give the first nine values of the statements that choose."""
    return (
        choice.deleted,
        after.started_at,
        after.id,
        choice.since,
        choice.until,
        choice.app,
        choice.device,
        choice.kind,
        choice.favourite,
    )


def choosing(name: str, choice: Choice) -> str:
    """Give a statement that chooses, written so that the index for what is rare can be used.

    PostgreSQL plans a statement once for all values, and proves nothing from a value.
    """
    sql = _sql[name]
    if choice.deleted:
        sql = sql.replace("(deleted_at IS NOT NULL) = $1", "deleted_at IS NOT NULL AND $1::boolean")
    if choice.app is not None:
        sql = sql.replace("($6::text IS NULL OR app = $6)", "app = $6")
    if choice.kind is not None:
        kind = "kind = $8" if choice.kind == "live" else "kind = $8 AND kind <> 'live'"
        sql = sql.replace("($8::text IS NULL OR kind = $8)", kind)
    if choice.favourite:
        sql = sql.replace(
            "($9::boolean IS NULL OR is_favourite = $9)", "is_favourite AND $9::boolean"
        )
    return sql


def positions(rows: Iterable[asyncpg.Record]) -> list[Position]:
    """Read rows of a statement that chooses."""
    return [Position(started_at=row["started_at"], id=row["id"]) for row in rows]


async def entry_rows(
    connection: Connection, ids: Sequence[UUID]
) -> tuple[list[asyncpg.Record], Rows]:
    """Read what entries are made of: rows of transcripts, and the first finals of each."""
    if not ids:
        return [], {}
    rows = await connection.fetch(_sql["entries"], ids)
    unedited = [row["id"] for row in rows if row["edited"] is None]
    openings = await connection.fetch(_sql["openings"], unedited, PREVIEW_UTTERANCES)
    return rows, _by_transcript(openings)


def opened_entries(
    cipher: UserCipher, rows: Sequence[asyncpg.Record], openings: Rows
) -> dict[UUID, Entry]:
    """Make entries of what `entry_rows` read."""
    entries = {}
    for row in rows:
        try:
            text = _opening(cipher, row, openings.get(row["id"], ()))
        except Unreadable:
            entries[row["id"]] = _entry(row, text="", is_readable=False)
        else:
            entries[row["id"]] = _entry(row, text=text, is_readable=True)
    return entries


def in_order(entries: Mapping[UUID, Entry], places: Iterable[Position]) -> tuple[Entry, ...]:
    """Give entries in the order of their places."""
    return tuple(entries[place.id] for place in places if place.id in entries)


def opened_transcript(
    cipher: UserCipher, row: asyncpg.Record, finals: Sequence[asyncpg.Record]
) -> Transcript:
    """Open all of a transcript; one that cannot be opened has no text and says so."""
    try:
        opened, edited = stored_finals(cipher, finals), edited_text(cipher, row)
    except Unreadable:
        entry = _entry(row, text="", is_readable=False)
        return Transcript(entry=entry, finals=(), edited=None, edited_until=0)
    until = row["edited_until"]
    return Transcript(
        entry=_entry(row, text=composed(opened) if edited is None else edited, is_readable=True),
        finals=opened,
        edited=edited,
        edited_until=len(opened) if until is None else until,
    )


def edited_text(cipher: UserCipher, row: asyncpg.Record) -> str | None:
    """Open the text as edited; None: it was not."""
    if row["edited"] is None:
        return None
    return cipher.unseal("transcripts", "edited", row["id"], row["edited"]).decode()


def _opening(cipher: UserCipher, row: asyncpg.Record, openings: Sequence[asyncpg.Record]) -> str:
    edited = edited_text(cipher, row)
    if edited is not None:
        return edited
    return composed(final_text(cipher, each) for each in openings)


def _found_by(cipher: UserCipher, text: str) -> list[int]:
    return sorted(cipher.blind(stem) for stem in stems(text))


def _by_transcript(rows: Iterable[asyncpg.Record]) -> Rows:
    by_id: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        by_id.setdefault(row["transcript_id"], []).append(row)
    return by_id


def _entry(row: asyncpg.Record, *, text: str, is_readable: bool) -> Entry:
    return Entry(
        id=row["id"],
        kind=row["kind"],
        language=row["language"],
        app=row["app"],
        client=row["client"],
        device=row["device_id"],
        device_name=row["device"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        samples=row["samples"],
        word_count=row["words"],
        preview=preview(text),
        is_favourite=row["is_favourite"],
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
        is_readable=is_readable,
    )
