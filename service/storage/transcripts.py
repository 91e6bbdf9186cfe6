"""Transcripts in PostgreSQL: the adapter of the port `service.dictation.transcripts`.

What was said is sealed with the key of the user who said it; beside it are kept how many words it
has, and the blind numbers by which a search finds it (`UserCipher.blind`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from service.dictation.composition import composed
from service.dictation.transcripts import (
    OpenedTranscript,
    SessionOrigin,
    StoredFinal,
    StoredWord,
    Typed,
    WentOnElsewhere,
)
from service.library.words import stems, words_of
from service.problems import Refused
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.identifiers import uuid7
from service.storage.postgres import FOREIGN_KEY_VIOLATION, Connection, Postgres, StatementRefused
from service.storage.statements import statements
from workers.contract.finishing import Marker

_sql: Final = statements("transcripts")


class _Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed of a final. Finals of older versions have only the first three."""

    text: str
    raw: str
    words: tuple[StoredWord, ...]
    glue: str = " "
    erase: int = 0
    withheld: str = ""
    markers: tuple[Marker, ...] = ()
    typed: Typed | None = None


class FinalText(msgspec.Struct, frozen=True, kw_only=True):
    """The part of it that a list needs."""

    text: str
    glue: str = " "
    erase: int = 0


_encode_said = msgspec.json.Encoder().encode
_decode_said = msgspec.json.Decoder(_Said).decode
_decode_text = msgspec.json.Decoder(FinalText).decode


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
        return composed(self.finals)


class PostgresTranscripts:
    """A `TranscriptStore`; and the way to read back what it keeps.

    Calls for a transcript that is not there (any more) raise `WentOnElsewhere`.
    """

    def __init__(
        self,
        postgres: Postgres,
        keys: UserKeys,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._postgres = postgres
        self._keys = keys
        self._now_ms = now_ms

    async def is_alive(self) -> bool:
        """Whether the database answers now (for the readiness probe; takes 1 s at most)."""
        return await self._postgres.is_alive()

    async def open(self, session: str, *, user: UUID, origin: SessionOrigin) -> OpenedTranscript:
        """Open the transcript of a session, or give what is stored of it already."""
        transcript = uuid7(self._now_ms())
        cipher = await self._keys.of(user)

        async def insert_or_read(connection: Connection) -> OpenedTranscript | None:
            made = await connection.fetchval(
                _sql["open"],
                transcript,
                user,
                session,
                _storable(origin.language),
                origin.sample_rate,
                _storable(origin.client),
                None if origin.app is None else _storable(origin.app),
                origin.device,
            )
            if made is not None:
                return OpenedTranscript(transcript=made)
            found = await connection.fetchrow(_sql["of_session"], session)
            if found is None:
                return None
            finals = await connection.fetch(_sql["finals"], [found["id"]])
            return OpenedTranscript(
                transcript=found["id"],
                finals=tuple(_final(cipher, row) for row in finals),
                finished=found["finished"],
                audio_samples=found["audio_samples"],
            )

        for _ in range(3):
            opened = await self._postgres.call_as(user, insert_or_read)
            if opened is not None:
                return opened
        # Taken, but not by this user: or forgotten and opened again in between, three times over.
        raise Refused(
            "session.forbidden",
            "this session belongs to another user: choose another id",
            close_code=4403,
        )

    async def add_final(self, user: UUID, transcript: UUID, final: StoredFinal) -> None:
        """Store one final; the first one stored of an utterance stays."""
        cipher = await self._keys.of(user)
        sealed = sealed_final(cipher, transcript, final)

        async def insert(connection: Connection) -> bool:
            if await connection.fetchval(_sql["add_final"], *sealed):
                return True
            return not await connection.fetchval(
                _sql["is_another_final"], transcript, final.utterance, final.start, final.end
            )

        try:
            is_stored = await self._postgres.call_as(user, insert)
        except StatementRefused as exc:
            if exc.sqlstate == FOREIGN_KEY_VIOLATION:
                raise WentOnElsewhere from None
            raise
        if not is_stored:
            raise WentOnElsewhere

    async def leave(self, user: UUID, transcript: UUID) -> None:
        """Make findable what is stored of a session that did not end; delete it if nothing is."""

        async def leave(connection: Connection) -> None:
            await connection.execute(_sql["only_me"], transcript)
            await connection.execute(_sql["forget_empty"], transcript)
            await connection.execute(_sql["index"], transcript)

        await self._postgres.call_as(user, leave)

    async def finish(
        self,
        user: UUID,
        transcript: UUID,
        *,
        audio_samples: int,
        is_silent: bool = False,
        rewritten: Sequence[StoredFinal] = (),
    ) -> None:
        """Mark the transcript as complete; the first length, and what was rewritten first, stay."""
        sealed: list[tuple[object, ...]] = []
        if rewritten:
            cipher = await self._keys.of(user)
            sealed = [rewritten_final(cipher, transcript, final) for final in rewritten]

        async def finish(connection: Connection) -> UUID | None:
            if sealed:
                await connection.executemany(_sql["rewrite"], sealed)
            found: UUID | None = await connection.fetchval(
                _sql["finish"], transcript, audio_samples, is_silent
            )
            return found

        if await self._postgres.call_as(user, finish) is None:
            raise WentOnElsewhere

    async def forget(self, user: UUID, transcript: UUID) -> None:
        """Delete the transcript and all its finals; again changes nothing."""
        await self._postgres.call_as(
            user, lambda connection: connection.execute(_sql["forget"], transcript)
        )

    async def recent(self, user: UUID, limit: int = 20) -> tuple[StoredTranscript, ...]:
        """Give a user's transcripts, newest first.

        Args:
            user: whose.
            limit: how many at most, 1 to 1000.
        """
        return await self._read(user, _sql["recent"], min(max(limit, 1), 1000))

    async def get(self, user: UUID, transcript: UUID) -> StoredTranscript | None:
        """Give one of a user's transcripts; None if the user has no such."""
        found = await self._read(user, _sql["get"], transcript)
        return found[0] if found else None

    async def count(self, user: UUID) -> int:
        """Count what somebody dictated and did not delete."""

        async def count(connection: Connection) -> int:
            counted: int = await connection.fetchval(_sql["count"])
            return counted

        return await self._postgres.call_as(user, count)

    async def _read(self, user: UUID, sql: str, *values: object) -> tuple[StoredTranscript, ...]:
        async def read(
            connection: Connection,
        ) -> tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]:
            transcripts = await connection.fetch(sql, *values)
            return transcripts, await connection.fetch(
                _sql["finals"], [row["id"] for row in transcripts]
            )

        transcripts, rows = await self._postgres.call_as(user, read)
        if not transcripts:
            return ()
        cipher = await self._keys.of(user)
        finals: dict[UUID, list[StoredFinal]] = {row["id"]: [] for row in transcripts}
        for row in rows:
            finals[row["transcript_id"]].append(_final(cipher, row))
        return tuple(_transcript(row, finals[row["id"]]) for row in transcripts)


def sealed_final(cipher: UserCipher, transcript: UUID, final: StoredFinal) -> tuple[object, ...]:
    """Give the values of a row of `finals`, in the order of the statement `add_final`."""
    return (
        transcript,
        cipher.user,
        final.utterance,
        final.start,
        final.end,
        _storable(final.language),
        *_sealed(cipher, transcript, final),
    )


def rewritten_final(cipher: UserCipher, transcript: UUID, final: StoredFinal) -> tuple[object, ...]:
    """Give the values of the statement `rewrite`."""
    place = transcript, final.utterance, final.start, final.end
    return (*place, *_sealed(cipher, transcript, final))


def _sealed(
    cipher: UserCipher, transcript: UUID, final: StoredFinal
) -> tuple[bytes, int, list[int]]:
    """Give what is sealed of a final, its number of words, and the numbers it is found by."""
    typed = final.typed
    said = _Said(
        text=_storable(final.text),
        raw=_storable(final.raw),
        words=_storable_words(final.words),
        glue=final.glue,
        erase=final.erase,
        withheld=final.withheld,
        markers=final.markers,
        typed=None
        if typed is None
        else replace(typed, text=_storable(typed.text), words=_storable_words(typed.words)),
    )
    sealed = cipher.seal("finals", "sealed", _row(transcript, final.utterance), _encode_said(said))
    found_by = sorted(cipher.blind(stem) for stem in stems(said.text))
    return sealed, len(words_of(said.text)), found_by


def stored_finals(cipher: UserCipher, rows: Sequence[asyncpg.Record]) -> tuple[StoredFinal, ...]:
    """Open rows of the statement `finals`."""
    return tuple(_final(cipher, row) for row in rows)


def _storable_words(words: Sequence[StoredWord]) -> tuple[StoredWord, ...]:
    return tuple(replace(word, text=_storable(word.text)) for word in words)


def final_text(cipher: UserCipher, row: asyncpg.Record) -> FinalText:
    """Open only the text of a row with `transcript_id`, `utterance` and `sealed`."""
    place = _row(row["transcript_id"], row["utterance"])
    return _decode_text(cipher.unseal("finals", "sealed", place, row["sealed"]))


def _row(transcript: UUID, utterance: int) -> str:
    return f"{transcript}/{utterance}"


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


def _final(cipher: UserCipher, row: asyncpg.Record) -> StoredFinal:
    place = _row(row["transcript_id"], row["utterance"])
    said = _decode_said(cipher.unseal("finals", "sealed", place, row["sealed"]))
    return StoredFinal(
        utterance=row["utterance"],
        start=row["start_sample"],
        end=row["end_sample"],
        text=said.text,
        raw=said.raw,
        language=row["language"],
        words=said.words,
        glue=said.glue,
        erase=said.erase,
        withheld=said.withheld,
        markers=said.markers,
        typed=said.typed,
    )


def _storable(text: str) -> str:
    """Give a text that can be stored: one odd letter must not cost the rest.

    PostgreSQL has no U+0000, and half a surrogate pair is no letter in UTF-8.
    """
    return text.replace("\0", "").encode("utf-8", "replace").decode()
