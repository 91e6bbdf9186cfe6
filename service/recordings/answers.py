"""Recordings as they are told over HTTP."""

import base64
import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.recordings.recording import Announcement, Encoding, Reason, Recording, State
from workers.contract.audio import SAMPLE_RATE_HZ, seconds

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 250_000_000_000_000_000
"""Microseconds from then to about the year 9890, which a date can still hold."""
_CURSOR: Final = struct.Struct(">Q16s")
CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]{32}$"
"""24 bytes in base64."""

ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class AnnouncementRequest(BaseModel):
    """What will be sent."""

    model_config = ConfigDict(extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of all bytes, in hexadecimal."""
    size_bytes: Annotated[int, Field(ge=1, le=2**40)]
    encoding: Encoding
    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)] = SAMPLE_RATE_HZ
    """Hertz, of `pcm16`; files say it themselves."""
    language: Annotated[str, Field(pattern=r"^([a-z]{2,3}|auto)$")] = "auto"
    """ISO 639-1, or `auto`."""
    app: ShortText | None = None
    """The application that had the focus."""
    recorded_at: AwareDatetime
    """When it began. A clock that runs ahead is put right to now."""

    def announcement(self, recording: UUID, *, now: datetime) -> Announcement:
        """Give it as the store takes it."""
        return Announcement(
            id=recording,
            sha256=bytes.fromhex(self.sha256),
            size_bytes=self.size_bytes,
            encoding=self.encoding,
            sample_rate=self.sample_rate if self.encoding is Encoding.PCM16 else None,
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
    microseconds = (recording.recorded_at - _EARLIEST) // timedelta(microseconds=1)
    key = _CURSOR.pack(microseconds, recording.id.bytes)
    return base64.urlsafe_b64encode(key).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Read what `cursor_of` wrote; what only looks like it is a place in the list as well.

    Args:
        cursor: of the form `CURSOR_PATTERN`.
    """
    microseconds, key = _CURSOR.unpack(base64.urlsafe_b64decode(cursor))
    return _EARLIEST + timedelta(microseconds=min(microseconds, _LATEST)), UUID(bytes=key)
