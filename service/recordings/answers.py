"""Recordings as they are told over HTTP."""

import base64
import binascii
import struct
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from service.problems import RequestRefused
from service.recordings.recording import Announcement, Encoding, Reason, Recording, State
from workers.contract.audio import seconds

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR: Final = struct.Struct(">Q16s")

ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class AnnouncementRequest(BaseModel):
    """What will be sent."""

    model_config = ConfigDict(extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of all bytes, in hexadecimal."""
    size_bytes: Annotated[int, Field(ge=1, le=2**40)]
    encoding: Encoding
    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)] | None = None
    """Hertz; of `pcm16`, and only of it."""
    language: Annotated[str, Field(pattern=r"^([a-z]{2,3}|auto)$")] = "auto"
    """ISO 639-1, or `auto`."""
    app: ShortText | None = None
    """The application that had the focus."""
    recorded_at: AwareDatetime
    """When it began. A clock that runs ahead is put right to now."""

    @model_validator(mode="after")
    def _samples_are_whole(self) -> "AnnouncementRequest":
        raw = self.encoding is Encoding.PCM16
        if raw != (self.sample_rate is not None):
            raise ValueError("`sample_rate` goes with pcm16, and with nothing else")
        if raw and self.size_bytes % 2:
            raise ValueError("pcm16 has two bytes a sample")
        return self

    def announcement(self, recording: UUID, *, now: datetime) -> Announcement:
        """Give it as the store takes it."""
        return Announcement(
            id=recording,
            sha256=bytes.fromhex(self.sha256),
            size_bytes=self.size_bytes,
            encoding=self.encoding,
            sample_rate=self.sample_rate,
            language=self.language,
            app=self.app,
            recorded_at=max(_EARLIEST, min(self.recorded_at, now)),
        )


class RecordingAnswer(BaseModel):
    """A recording, without its audio."""

    id: UUID
    state: State
    reason: Reason | None
    """Why it failed."""
    is_stored: bool
    """All bytes are here and right: the client may forget the recording."""
    received_bytes: int
    """From here on the client goes on."""
    size_bytes: int
    encoding: Encoding
    sample_rate: int | None
    language: str
    app: str | None
    recorded_at: datetime
    progress: float
    """Of the work on its text, 0 to 1."""
    attempts: int
    """Since it last got further."""
    transcript: UUID | None
    """In the history; growing until the state is `done`."""
    audio_seconds: float | None
    """Once done."""
    is_silent: bool
    """It is done, and nobody said anything in it."""
    has_audio: bool
    """Whether its audio can be played back (once all of it is here)."""
    created_at: datetime
    updated_at: datetime


class RecordingPage(BaseModel):
    """Some recordings, newest first."""

    recordings: list[RecordingAnswer]
    next: str | None
    """For `cursor` of the next page; null: that was the last."""


def answer_of(recording: Recording) -> RecordingAnswer:
    """Tell a recording."""
    samples = recording.audio_samples
    return RecordingAnswer(
        id=recording.id,
        state=recording.state,
        reason=recording.reason,
        is_stored=recording.is_stored,
        received_bytes=recording.received_bytes,
        size_bytes=recording.size_bytes,
        encoding=recording.encoding,
        sample_rate=recording.sample_rate,
        language=recording.language,
        app=recording.app,
        recorded_at=recording.recorded_at,
        progress=round(recording.progress, 4),
        attempts=recording.attempts,
        transcript=recording.transcript,
        audio_seconds=None if samples is None else round(seconds(samples), 3),
        is_silent=recording.is_silent,
        has_audio=recording.has_audio,
        created_at=recording.created_at,
        updated_at=recording.updated_at,
    )


def cursor_of(recording: Recording) -> str:
    """Give the cursor of the page after a recording."""
    since = recording.recorded_at - _EARLIEST
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    key = _CURSOR.pack(microseconds, recording.id.bytes)
    return base64.urlsafe_b64encode(key).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Read what `cursor_of` wrote.

    Raises:
        RequestRefused: `request.invalid`.
    """
    try:
        microseconds, key = _CURSOR.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
        at = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
        return at.replace(microsecond=microseconds % 1_000_000), UUID(bytes=key)
    except (binascii.Error, struct.error, ValueError, OverflowError, OSError):
        pass
    raise RequestRefused(
        "request.invalid", "query.cursor: take it from `next` of the page before", status=422
    )
