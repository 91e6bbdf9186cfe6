"""Transcripts and recordings of a person in PostgreSQL, whole: read for an archive, put back from one."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from service.dictation.composition import composed
from service.dictation.transcripts import StoredFinal
from service.library.words import stems, words_of
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements
from service.storage.transcripts import sealed_final

_sql: Final = statements("archive")
_transcripts: Final = statements("transcripts")
_LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)
FIRST: Final = (_LATEST, UUID(int=(1 << 128) - 1))
"""Before the newest."""
PIECE_BYTES: Final = 4 * 1024 * 1024
"""Of stored audio, as `service.storage.recordings` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTranscript:
    """Values of a transcript to be put back; finals and edited text beside them."""

    id: UUID
    columns: tuple[object, ...]
    """kind, language, sample_rate, client, app, started_at, finished_at, audio_samples,
    is_favourite."""
    edited: str | None
    edited_at: datetime | None
    edited_until: int | None
    deleted_at: datetime | None
    finals: tuple[StoredFinal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    edited: bytes | None
    finals: list[tuple[object, ...]]
    word_count: int
    found_by: list[int]


class PostgresArchive:
    """What an archive reads and writes besides items."""

    def __init__(self, postgres: Postgres, keys: UserKeys) -> None:
        self._postgres = postgres
        self._keys = keys

    async def transcripts(
        self, user: UUID, *, after: tuple[datetime, UUID], limit: int
    ) -> tuple[list[asyncpg.Record], dict[UUID, list[asyncpg.Record]], UserCipher]:
        """Give rows of transcripts, newest first, with their finals, and what opens them."""

        async def read(
            connection: Connection,
        ) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
            rows = await connection.fetch(_sql["transcripts"], user, *after, limit)
            ids = [row["id"] for row in rows]
            return rows, await connection.fetch(_transcripts["finals"], ids)

        rows, finals = await self._postgres.call_as(user, read)
        by_id: dict[UUID, list[asyncpg.Record]] = {row["id"]: [] for row in rows}
        for final in finals:
            by_id[final["transcript_id"]].append(final)
        return rows, by_id, await self._keys.of(user)

    async def add_transcript(self, user: UUID, whole: WholeTranscript) -> tuple[UUID, bool]:
        """Put a transcript back, unless it is here.

        An id that is taken by somebody else's is replaced by one derived from user and id, always the
        same, so that putting it back twice makes one.

        Returns:
            Its id here, and whether it was added.
        """
        for transcript in (whole.id, derived(user, whole.id)):
            added = await self._add(user, transcript, whole)
            if added is not None:
                return transcript, added
        return whole.id, False

    async def transcript_here(self, user: UUID, transcript: UUID) -> UUID | None:
        """Give the id under which a transcript of an archive is here; None: it is not."""

        async def find(connection: Connection) -> UUID | None:
            for one in (transcript, derived(user, transcript)):
                if await connection.fetchval(_sql["has_transcript"], one):
                    return one
            return None

        return await self._postgres.call_as(user, find)

    async def recordings(
        self, user: UUID, *, after: tuple[datetime, UUID], limit: int
    ) -> list[asyncpg.Record]:
        """Give rows of recordings that were received whole, newest first."""
        return await self._postgres.call_as(
            user, lambda connection: connection.fetch(_sql["recordings"], user, *after, limit)
        )

    async def pieces(self, user: UUID, recording: UUID) -> list[int]:
        """Give where the stored pieces of a recording's audio begin, in order."""
        rows = await self._postgres.call_as(
            user, lambda connection: connection.fetch(_sql["pieces"], user, recording)
        )
        return [row["first_byte"] for row in rows]

    async def piece(self, user: UUID, recording: UUID, first: int) -> bytes | None:
        """Give a piece; None: it was deleted in between.

        Raises:
            Unreadable: it is damaged.
        """
        sealed = await self._postgres.call_as(
            user, lambda connection: connection.fetchval(_sql["piece"], user, recording, first)
        )
        if sealed is None:
            return None
        cipher = await self._keys.of(user)
        return cipher.unseal("recording_audio", "sealed", f"{recording}/{first}", sealed)

    async def open_recording(
        self, user: UUID, recording: UUID, columns: Sequence[Any], sha256: bytes
    ) -> bool:
        """Begin to put a recording back; False: it is here, or is being uploaded.

        Args:
            user: whose.
            recording: its id.
            columns: sha256, size_bytes, encoding, sample_rate, language, app, recorded_at.
            sha256: of its audio.
        """

        async def begin(connection: Connection) -> bool:
            if await connection.fetchval(_sql["add_recording"], recording, user, *columns):
                return True
            row = await connection.fetchrow(_sql["recording"], user, recording)
            # An import that broke off before leaves this.
            return (
                row is not None
                and row["state"] == "uploading"
                and row["received_bytes"] == 0
                and row["sha256"] == sha256
            )

        return await self._postgres.call_as(user, begin)

    async def add_piece(self, user: UUID, recording: UUID, first: int, audio: bytes) -> None:
        """Store a piece of audio."""
        cipher = await self._keys.of(user)
        sealed = cipher.seal("recording_audio", "sealed", f"{recording}/{first}", audio)
        await self._postgres.call_as(
            user,
            lambda connection: connection.execute(
                _sql["add_piece"], user, recording, first, len(audio), sealed
            ),
        )

    async def complete_recording(
        self, user: UUID, recording: UUID, columns: Sequence[Any], *, audio_bytes: int
    ) -> bool:
        """End putting a recording back; False: somebody else wrote to it meanwhile.

        Args:
            user: whose.
            recording: its id.
            columns: state, reason, transcript_id, audio_samples, is_silent, keep_audio_until,
                whether its audio is here, progress.
            audio_bytes: how many must be here.
        """

        async def complete(connection: Connection) -> bool:
            row = await connection.fetchrow(_sql["recording"], user, recording)
            here = await connection.fetchval(_sql["here"], user, recording)
            if row is None or row["received_bytes"] != 0 or here != audio_bytes:
                return False
            await connection.execute(_sql["complete_recording"], user, recording, *columns)
            return True

        return await self._postgres.call_as(user, complete)

    async def _add(self, user: UUID, transcript: UUID, whole: WholeTranscript) -> bool | None:
        """Add under this id; None: it is somebody else's."""
        cipher = await self._keys.of(user)
        ready = await asyncio.to_thread(_sealed, cipher, transcript, whole)

        async def add(connection: Connection) -> bool | None:
            added = await connection.fetchval(
                _sql["add_transcript"],
                transcript,
                user,
                f"archive-{uuid4()}",
                *whole.columns,
                ready.edited,
                whole.edited_at,
                whole.edited_until,
                whole.deleted_at,
                ready.word_count,
                ready.found_by,
            )
            if added is None:
                here = await connection.fetchval(_sql["has_transcript"], transcript)
                return False if here else None
            await connection.executemany(_transcripts["add_final"], ready.finals)
            return True

        return await self._postgres.call_as(user, add)


def _sealed(cipher: UserCipher, transcript: UUID, whole: WholeTranscript) -> _Sealed:
    edited = None
    text = composed(whole.finals)
    if whole.edited is not None:
        text = whole.edited
        edited = cipher.seal("transcripts", "edited", transcript, text.encode())
    return _Sealed(
        edited=edited,
        finals=[sealed_final(cipher, transcript, final) for final in whole.finals],
        word_count=len(words_of(text)),
        found_by=sorted(cipher.blind(stem) for stem in stems(text)),
    )


def derived(user: UUID, other: UUID) -> UUID:
    """Derive an id: a UUIDv8 (RFC 9562 section 5.8) of user and id."""
    digest = hashlib.sha256(b"alfavoice archive\0" + user.bytes + other.bytes).digest()
    value = int.from_bytes(digest[:16]) & ~(0xF << 76) | 8 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)
