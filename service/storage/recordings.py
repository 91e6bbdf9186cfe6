"""Recordings in PostgreSQL: announced, received piece by piece, listed and deleted by people.

Audio is sealed with its owner's key in pieces of up to 4 MiB, each bound to its recording and its
first byte, so that no piece can be put elsewhere. Everything here runs under the owner's row-level
security. What works on recordings uses `service.storage.recording_jobs`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from service.problems import RequestRefused
from service.recordings.recording import (
    MAX_CHUNK_BYTES,
    Announcement,
    BeyondTheEnd,
    Encoding,
    Gap,
    New,
    Reason,
    Recording,
    State,
    placed,
)
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

T = TypeVar("T")
_sql: Final = statements("recordings")

_MERGED_BYTES: Final = 64 * 1024
"""A last piece below this grows instead of getting a neighbour: a client that sends a few bytes at
a time cannot make millions of rows, and no byte is written again more than 64 KiB later."""
_DROPPED_PIECES: Final = 16
"""Pieces deleted in a transaction, 64 MiB: it ends well within a call's time."""
_FULL_RETRY_S: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one person may have here that is not a transcript yet."""

    recordings: int
    bytes: int


class RecordingStore:
    """Where recordings of people are kept."""

    def __init__(self, postgres: Postgres, keys: UserKeys) -> None:
        self._postgres = postgres
        self._keys = keys

    async def announce(
        self, user: UUID, announced: Announcement, *, device: UUID | None, quota: Quota
    ) -> tuple[Recording, bool]:
        """Open a recording, or give what is here of it already.

        One that failed because of its SHA-256 begins anew, with what is announced now.

        Returns:
            The recording, and whether it was opened just now.

        Raises:
            RequestRefused: `recording.quota`, `recording.full_disk`, or `recording.busy`: it is
                being deleted.
        """

        async def insert(connection: Connection) -> tuple[Recording, bool] | None:
            row = await connection.fetchrow(
                _sql["announce"],
                announced.id,
                user,
                device,
                *_columns(announced),
            )
            if row is None:
                found = await connection.fetchrow(_sql["get"], announced.id)
                return None if found is None else (recording_of(found), False)
            # Who else announces one of this person's now waits for us: the counter of changes.
            await self._check_quota(connection, announced, quota)
            return recording_of(row), True

        opened = await self._as(user, insert)
        if opened is None:
            raise RequestRefused(
                "recording.busy", "it is being deleted: try again", status=503, retry_after_s=2
            )
        recording, _ = opened
        if recording.state is not State.FAILED or recording.reason is not Reason.HASH_MISMATCH:
            return opened
        await self.drop_audio(user, announced.id)
        return await self._again(user, announced, quota), True

    async def get(self, user: UUID, recording: UUID) -> Recording | None:
        """Give one of a user's recordings; None if the user has no such."""
        row = await self._as(user, lambda c: c.fetchrow(_sql["get"], recording))
        return None if row is None else recording_of(row)

    async def page(
        self, user: UUID, *, before: tuple[datetime, UUID], state: State | None, limit: int
    ) -> tuple[Recording, ...]:
        """Give up to `limit` recordings, newest first, that come after the key `before`."""
        rows = await self._as(user, lambda c: c.fetch(_sql["page"], *before, state, limit))
        return tuple(map(recording_of, rows))

    async def news(self, user: UUID, *, since: datetime, limit: int) -> tuple[Recording, ...]:
        """Give the recordings that are under way or were changed since, newest change first."""
        rows = await self._as(user, lambda c: c.fetch(_sql["news"], since, limit))
        return tuple(map(recording_of, rows))

    async def append(
        self, user: UUID, recording: UUID, *, offset: int, chunk: bytes
    ) -> Recording | Gap | BeyondTheEnd | None:
        """Store audio; what is here already changes nothing.

        Returns:
            The recording with what is now here of it; what is wrong with the place; None if the user
            has no such recording.

        Raises:
            RequestRefused: `recording.full_disk`; nothing of the chunk was stored.
        """
        cipher = await self._keys.of(user)

        async def add(connection: Connection) -> Recording | Gap | BeyondTheEnd | None:
            row = await connection.fetchrow(_sql["lock"], recording)
            if row is None:
                return None
            found = recording_of(row)
            place = placed(
                received=found.received_bytes,
                size=found.size_bytes,
                offset=offset,
                length=len(chunk),
            )
            if not isinstance(place, New):
                return place
            new = chunk[place.skip :]
            if not new or found.state is not State.UPLOADING:
                return found
            await self._add_piece(connection, cipher, found, new)
            received = found.received_bytes + len(new)
            if received == found.size_bytes:
                return recording_of(await connection.fetchrow(_sql["received_all"], recording))
            return recording_of(await connection.fetchrow(_sql["receive"], recording, received))

        return await self._as(user, add)

    async def retry(self, user: UUID, recording: UUID) -> Recording | None:
        """Let a failed recording wait again; None if it is not failed or cannot be tried again."""
        row = await self._as(user, lambda c: c.fetchrow(_sql["retry"], recording))
        return None if row is None else recording_of(row)

    async def delete(self, user: UUID, recording: UUID) -> bool:
        """Delete a recording and its audio; its transcript stays if it is complete.

        A transcript that is not goes where deleted transcripts go. Again changes nothing.

        Returns:
            Whether there was one.
        """

        async def hide(connection: Connection) -> bool:
            if await connection.fetchrow(_sql["lock"], recording) is None:
                return bool(await connection.fetchval(_sql["is_being_deleted"], recording))
            transcript = await connection.fetchval(_sql["hide"], recording)
            if transcript is not None:
                await connection.execute(_sql["hide_unfinished_transcript"], transcript)
            return True

        if not await self._as(user, hide):
            return False
        await self.remove(user, recording)
        return True

    async def remove(self, user: UUID, recording: UUID) -> None:
        """Remove what `delete` has hidden."""
        await self.drop_audio(user, recording)
        await self._as(user, lambda c: c.execute(_sql["remove"], user, recording))

    async def drop_audio(self, user: UUID, recording: UUID) -> None:
        """Delete all audio of a recording, a few pieces at a time."""
        while True:
            done = await self._as(
                user,
                lambda c: c.execute(_sql["drop_pieces"], user, recording, _DROPPED_PIECES),
            )
            if done == "DELETE 0":
                return

    async def forget_audio(self, user: UUID, recording: UUID) -> None:
        """Delete the audio of a recording that is done, and say so in its row."""
        await self.drop_audio(user, recording)
        await self._as(user, lambda c: c.execute(_sql["audio_is_gone"], user, recording))

    async def piece(self, user: UUID, recording: UUID, position: int) -> tuple[int, bytes] | None:
        """Give the piece with a byte: the position of its first byte, and its bytes.

        None where there is no audio (any more).

        Raises:
            Unreadable: it is damaged, or its key is gone.
        """
        cipher = await self._keys.of(user)
        row = await self._as(
            user, lambda c: c.fetchrow(_sql["piece_at"], user, recording, position)
        )
        if row is None:
            return None
        first = row["first_byte"]
        audio = cipher.unseal("recording_audio", "sealed", _place(recording, first), row["sealed"])
        return (first, audio) if position < first + len(audio) else None

    async def _add_piece(
        self, connection: Connection, cipher: UserCipher, recording: Recording, new: bytes
    ) -> None:
        first, audio = recording.received_bytes, new
        last = await connection.fetchrow(_sql["last_piece"], recording.id, _MERGED_BYTES)
        if last is not None and last["sealed"] is not None:
            first = last["first_byte"]
            place = _place(recording.id, first)
            audio = cipher.unseal("recording_audio", "sealed", place, last["sealed"]) + new
            await connection.execute(_sql["drop_piece"], recording.id, first)
        assert len(audio) < MAX_CHUNK_BYTES + _MERGED_BYTES  # noqa: S101 - the route bounds chunks
        sealed = cipher.seal("recording_audio", "sealed", _place(recording.id, first), audio)
        await connection.execute(
            _sql["add_piece"], cipher.user, recording.id, first, len(audio), sealed
        )

    async def _again(self, user: UUID, announced: Announcement, quota: Quota) -> Recording:
        async def restart(connection: Connection) -> Recording:
            row = await connection.fetchrow(
                _sql["announce_again"], announced.id, *_columns(announced)
            )
            if row is None:  # somebody else was faster
                row = await connection.fetchrow(_sql["get"], announced.id)
            if row is None:
                raise RequestRefused(
                    "recording.busy", "it is being deleted: try again", status=503, retry_after_s=2
                )
            await self._check_quota(connection, announced, quota)
            return recording_of(row)

        return await self._as(user, restart)

    async def has_quota(self, user: UUID, recording: UUID, size: int, quota: Quota) -> bool:
        """Whether one more recording without a text, of so many bytes, is within the quota."""
        return await self._postgres.call_as(
            user, lambda connection: self._is_within(connection, recording, size, quota)
        )

    async def _is_within(
        self, connection: Connection, recording: UUID, size: int, quota: Quota
    ) -> bool:
        used = await connection.fetchrow(_sql["unfinished"], recording)
        assert used is not None  # noqa: S101 - aggregates give a row
        return bool(used["recordings"] < quota.recordings and used["bytes"] + size <= quota.bytes)

    async def _check_quota(
        self, connection: Connection, announced: Announcement, quota: Quota
    ) -> None:
        if not await self._is_within(connection, announced.id, announced.size_bytes, quota):
            raise RequestRefused(
                "recording.quota",
                "too much waits for its text already: keep the recording, wait until others are "
                "done, or delete some that failed",
                status=429,
                retry_after_s=_FULL_RETRY_S,
            )

    async def _as(self, user: UUID, action: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something as the user; a disk that is full is a refusal of its own."""

        async def guarded(connection: Connection) -> T:
            try:
                return await action(connection)
            except asyncpg.DiskFullError:
                full = full_disk()
            raise full

        return await self._postgres.call_as(user, guarded)


def full_disk() -> RequestRefused:
    """Refuse because there is no room for audio."""
    return RequestRefused(
        "recording.full_disk",
        "the server has no room for audio now: keep the recording and try again later; what was "
        "received stays",
        status=507,
        retry_after_s=_FULL_RETRY_S,
    )


def _place(recording: UUID, first_byte: int) -> str:
    return f"{recording}/{first_byte}"


def _columns(announced: Announcement) -> Sequence[object]:
    return (
        announced.sha256,
        announced.size_bytes,
        announced.encoding,
        announced.sample_rate,
        announced.language,
        announced.app,
        announced.recorded_at,
    )


def recording_of(row: asyncpg.Record | None) -> Recording:
    """Read a row of `recordings`."""
    assert row is not None  # noqa: S101 - the statement gives one
    return Recording(
        id=row["id"],
        user=row["user_id"],
        device=row["device_id"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        received_bytes=row["received_bytes"],
        encoding=Encoding(row["encoding"]),
        sample_rate=row["sample_rate"],
        language=row["language"],
        app=row["app"],
        recorded_at=row["recorded_at"],
        state=State(row["state"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        progress=row["progress"],
        attempts=row["attempts"],
        next_attempt_at=row["next_attempt_at"],
        transcript=row["transcript_id"],
        audio_samples=row["audio_samples"],
        is_silent=row["is_silent"],
        learned_language=row["learned_language"],
        learned_from=row["learned_from"],
        has_audio=row["audio_deleted_at"] is None,
        keep_audio_until=row["keep_audio_until"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
