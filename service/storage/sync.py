"""What changed in a person's library since a cursor, read from PostgreSQL in the order it changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from service.library.history_entries import after_edit
from service.library.sync_cursor import Numbering, SyncCursor, moved
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.encryption.sealing import Unreadable
from service.storage.items import StoredItem, stored_item
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements
from service.storage.transcripts import final_text

_sql: Final = statements("sync")
_finals: Final = statements("transcripts")["finals"]

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of sealed text in one pull; at least one change is given."""
KEPT: Final = timedelta(days=180)
"""How long it is remembered that something was deleted."""
OPERATIONS_KEPT: Final = timedelta(days=30)
"""How long it is remembered that an operation was done."""
_FORGOTTEN_AT_ONCE: Final = 1_000

_Rows = Mapping[UUID, asyncpg.Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledTranscript:
    """A transcript as clients have it."""

    id: UUID
    kind: str
    language: str
    client: str
    app: str | None
    device: UUID | None
    started_at: datetime
    finished_at: datetime | None
    audio_samples: int | None  # at 16 kHz
    word_count: int
    is_favourite: bool
    edited_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledRecording:
    """The state of a recording."""

    id: UUID
    state: str
    reason: str | None
    language: str
    app: str | None
    recorded_at: datetime
    audio_samples: int | None  # at 16 kHz
    transcript: UUID | None
    has_audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest change of one thing. It is gone where there is no content, unless unreadable."""

    number: int
    thing: str  # transcripts, library_items or recordings
    id: UUID
    content: PulledTranscript | StoredItem | PulledRecording | None
    is_unreadable: bool = False  # its key is gone, or it is damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """Some changes, in order, each thing once."""

    changes: tuple[Change, ...]
    next: SyncCursor
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    found: list[asyncpg.Record]
    rows: Mapping[str, _Rows]
    finals: Mapping[UUID, list[asyncpg.Record]]
    numbering: Numbering


class PostgresSync:
    """The changes of all users."""

    def __init__(self, postgres: Postgres, keys: UserKeys) -> None:
        self._postgres = postgres
        self._keys = keys

    async def pull(self, user: UUID, cursor: SyncCursor | None, *, limit: int) -> Pull:
        """Give changes after a cursor.

        Args:
            user: whose.
            cursor: the `next` of the pull before; None: everything.
            limit: how many at most.

        Raises:
            TooOld: start anew without a cursor.
            StoreUnavailable: the database does not answer.
        """
        cipher = await self._keys.of(user)
        after = 0 if cursor is None else cursor.change
        read = await self._postgres.call_as(
            user, lambda connection: _read(connection, user, after, limit)
        )
        last = read.found[-1]["change"] if read.found else None
        following = moved(cursor, read.numbering, to=last)
        changes = await asyncio.to_thread(_opened, cipher, read)
        # What is hidden yet (a dictation that goes on) comes with a later number; asking once more
        # for nothing is all that this guess can cost.
        return Pull(
            changes=changes,
            next=following,
            more=bool(read.found) and following.change < read.numbering.last,
        )

    async def newest(self, user: UUID) -> int:
        """Give the number of a user's newest change; 0: there was none."""
        found = await self._postgres.call_as(
            user, lambda connection: connection.fetchrow(_sql["newest"], user)
        )
        return 0 if found is None else int(found["last"])

    async def forget(self) -> int:
        """Forget some of the tombstones and operations that are old enough; gives how many."""
        done = 0
        for name, kept in (
            ("forget_items", KEPT),
            ("forget_removals", KEPT),
            ("forget_transcripts", KEPT),
            ("forget_operations", OPERATIONS_KEPT),
        ):
            status = await self._postgres.call(
                lambda connection, name=name, kept=kept: connection.execute(  # type: ignore[misc]
                    _sql[name], kept, _FORGOTTEN_AT_ONCE
                )
            )
            done += int(status.rsplit(" ", 1)[1])
        return done


async def _read(connection: Connection, user: UUID, after: int, limit: int) -> _Read:
    # One statement sees one moment: of the numbers it gives none is missing. What is read after it
    # may be newer, and then comes once more with its newer number.
    found = await connection.fetch(_sql["changes"], user, after, limit, MOST_BYTES)
    wanted: dict[str, list[UUID]] = {"transcripts": [], "library_items": [], "recordings": []}
    for row in found:
        if row["lives"]:
            wanted[row["thing"]].append(row["id"])
    rows: dict[str, _Rows] = {thing: {} for thing in wanted}
    finals: dict[UUID, list[asyncpg.Record]] = {}
    if wanted["library_items"]:
        rows["library_items"] = _by_id(
            await connection.fetch(_sql["items"], user, wanted["library_items"])
        )
    if wanted["recordings"]:
        rows["recordings"] = _by_id(
            await connection.fetch(_sql["recordings"], wanted["recordings"])
        )
    if wanted["transcripts"]:
        ids = wanted["transcripts"]
        rows["transcripts"] = _by_id(await connection.fetch(_sql["transcripts"], ids))
        for final in await connection.fetch(_finals, ids):
            finals.setdefault(final["transcript_id"], []).append(final)
    # Read last: what was forgotten before the changes were read shows here.
    counter = await connection.fetchrow(_sql["newest"], user)
    if counter is None:
        counter = await connection.fetchrow(_sql["counter"], user)
    assert counter is not None  # noqa: S101 - the statement gives a row
    numbering = Numbering(
        epoch=counter["epoch"], last=counter["last"], forgotten=counter["forgotten"]
    )
    return _Read(found=found, rows=rows, finals=finals, numbering=numbering)


def _by_id(rows: list[asyncpg.Record]) -> _Rows:
    return {row["id"]: row for row in rows}


def _opened(cipher: UserCipher, read: _Read) -> tuple[Change, ...]:
    changes = []
    for one in read.found:
        row = read.rows[one["thing"]].get(one["id"]) if one["lives"] else None
        if one["lives"] and row is None:
            continue  # deleted just now: that is a change of its own, with a later number
        content: PulledTranscript | StoredItem | PulledRecording | None = None
        is_unreadable = False
        try:
            if row is not None:
                content = _content(cipher, one["thing"], row, read.finals.get(one["id"], []))
        except Unreadable:
            is_unreadable = True
        changes.append(
            Change(
                number=one["change"],
                thing=one["thing"],
                id=one["id"],
                content=content,
                is_unreadable=is_unreadable,
            )
        )
    return tuple(changes)


def _content(
    cipher: UserCipher, thing: str, row: asyncpg.Record, finals: list[asyncpg.Record]
) -> PulledTranscript | StoredItem | PulledRecording:
    if thing == "library_items":
        return stored_item(cipher, row)
    if thing == "recordings":
        return PulledRecording(
            id=row["id"],
            state=row["state"],
            reason=row["reason"],
            language=row["language"],
            app=row["app"],
            recorded_at=row["recorded_at"],
            audio_samples=row["audio_samples"],
            transcript=row["transcript_id"],
            has_audio=row["has_audio"],
        )
    edited, until = "", 0
    if row["edited"] is not None:
        edited = cipher.unseal("transcripts", "edited", row["id"], row["edited"]).decode()
        until = row["edited_until"]
    later = [final_text(cipher, final) for final in finals if final["utterance"] >= until]
    return PulledTranscript(
        id=row["id"],
        kind=row["kind"],
        language=row["language"],
        client=row["client"],
        app=row["app"],
        device=row["device_id"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        audio_samples=row["audio_samples"],
        word_count=row["word_count"],
        is_favourite=row["is_favourite"],
        edited_at=row["edited_at"],
        text=after_edit(edited, later),
    )
