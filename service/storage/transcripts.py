"""Transcripts in PostgreSQL: the adapter of the port `service.dictation.transcripts`."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from service.dictation.transcripts import (
    OpenedTranscript,
    SessionOrigin,
    StoredFinal,
    StoredWord,
)
from service.problems import Refused, ServiceError
from service.storage.identifiers import uuid7
from service.storage.postgres import FOREIGN_KEY_VIOLATION, Connection, Postgres, StatementRefused
from service.storage.statements import statements

LOCAL_USER: Final = UUID("00000000-0000-8000-8000-000000000001")
"""Whoever sits at this machine; made by the first migration. A UUIDv8 (RFC 9562 section 5.8), so no
id made later can be the same."""

_sql: Final = statements("transcripts")
_encode_words = msgspec.json.Encoder().encode
_decode_words = msgspec.json.Decoder(tuple[StoredWord, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTranscript:
    """A transcript as it is read back."""

    id: UUID
    session: str
    origin: SessionOrigin
    started_at: datetime  # aware
    finished_at: datetime | None  # aware; None: the session never ended properly
    audio_samples: int | None  # at 16 kHz, once finished
    finals: tuple[StoredFinal, ...]  # in order

    @property
    def text(self) -> str:
        """The text of all finals, in order."""
        return " ".join(final.text for final in self.finals if final.text)


class PostgresTranscripts:
    """A `TranscriptStore`; and the way to read back what it keeps.

    Calls for a transcript that is not there (any more) raise a ServiceError that is not retryable.
    """

    def __init__(
        self, postgres: Postgres, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._postgres = postgres
        self._now_ms = now_ms

    async def is_alive(self) -> bool:
        """Whether the database answers now (for the readiness probe; takes 1 s at most)."""
        return await self._postgres.is_alive()

    async def open(self, session: str, *, user: UUID, origin: SessionOrigin) -> OpenedTranscript:
        """Open the transcript of a session, or give what is stored of it already."""
        transcript = uuid7(self._now_ms())

        async def insert_or_read(connection: Connection) -> OpenedTranscript:
            for _ in range(3):
                made = await connection.fetchval(
                    _sql["open"],
                    transcript,
                    user,
                    session,
                    _storable(origin.language),
                    origin.sample_rate,
                    _storable(origin.client),
                    None if origin.app is None else _storable(origin.app),
                )
                if made is not None:
                    return OpenedTranscript(transcript=made)
                found = await connection.fetchrow(_sql["of_session"], session)
                if found is None:  # forgotten in between: the session id is free again
                    continue
                if found["user_id"] != user:
                    raise Refused(
                        "session.forbidden",
                        "this session belongs to another user: choose another id",
                        close_code=4403,
                    )
                finals = await connection.fetch(_sql["finals"], [found["id"]])
                return OpenedTranscript(
                    transcript=found["id"],
                    finals=tuple(_final(row) for row in finals),
                    finished=found["finished"],
                    audio_samples=found["audio_samples"],
                )
            raise Refused(
                "session.busy",
                "this session is being opened and forgotten at once: try again",
                close_code=1013,
                retry_after_ms=1000,
            )

        return await self._postgres.call(insert_or_read)

    async def add_final(self, transcript: UUID, final: StoredFinal) -> None:
        """Store one final; the first one stored of an utterance stays."""

        def insert(connection: Connection) -> Awaitable[str]:
            return connection.execute(
                _sql["add_final"],
                transcript,
                final.utterance,
                final.start,
                final.end,
                _storable(final.text),
                _storable(final.raw),
                _storable(final.language),
                _words_json(final.words),
            )

        try:
            await self._postgres.call(insert)
        except StatementRefused as exc:
            if exc.sqlstate == FOREIGN_KEY_VIOLATION:
                raise _not_there() from None
            raise

    async def finish(self, transcript: UUID, *, audio_samples: int) -> None:
        """Mark the transcript as complete; the first length stays."""
        found = await self._postgres.call(
            lambda connection: connection.fetchval(_sql["finish"], transcript, audio_samples)
        )
        if found is None:
            raise _not_there()

    async def forget(self, transcript: UUID) -> None:
        """Delete the transcript and all its finals; again changes nothing."""
        await self._postgres.call(lambda connection: connection.execute(_sql["forget"], transcript))

    async def recent(self, user: UUID, limit: int = 20) -> tuple[StoredTranscript, ...]:
        """Give a user's transcripts, newest first.

        Args:
            user: whose.
            limit: how many at most, 1 to 1000.
        """
        return await self._read(_sql["recent"], user, min(max(limit, 1), 1000))

    async def get(self, user: UUID, transcript: UUID) -> StoredTranscript | None:
        """Give one of a user's transcripts; None if the user has no such."""
        found = await self._read(_sql["get"], user, transcript)
        return found[0] if found else None

    async def _read(self, sql: str, *values: object) -> tuple[StoredTranscript, ...]:
        async def read(
            connection: Connection,
        ) -> tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]:
            transcripts = await connection.fetch(sql, *values)
            return transcripts, await connection.fetch(
                _sql["finals"], [row["id"] for row in transcripts]
            )

        transcripts, rows = await self._postgres.call(read)
        finals: dict[UUID, list[StoredFinal]] = {row["id"]: [] for row in transcripts}
        for row in rows:
            finals[row["transcript_id"]].append(_final(row))
        return tuple(_transcript(row, finals[row["id"]]) for row in transcripts)


def _transcript(row: asyncpg.Record, finals: Sequence[StoredFinal]) -> StoredTranscript:
    return StoredTranscript(
        id=row["id"],
        session=row["session"],
        origin=SessionOrigin(
            language=row["language"],
            sample_rate=row["sample_rate"],
            client=row["client"],
            app=row["app"],
        ),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        audio_samples=row["audio_samples"],
        finals=tuple(finals),
    )


def _final(row: asyncpg.Record) -> StoredFinal:
    return StoredFinal(
        utterance=row["utterance"],
        start=row["start_sample"],
        end=row["end_sample"],
        text=row["text"],
        raw=row["raw"],
        language=row["language"],
        words=_decode_words(row["words"]),
    )


def _not_there() -> ServiceError:
    return ServiceError("server.failed", "the transcript is not there (any more)")


def _words_json(words: Sequence[StoredWord]) -> str:
    return _encode_words([replace(word, text=_storable(word.text)) for word in words]).decode()


def _storable(text: str) -> str:
    """Leave out U+0000, which PostgreSQL cannot store: one such letter must not cost the text."""
    return text.replace("\0", "")
