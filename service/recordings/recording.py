"""What a recording is, and how it becomes a transcript.

    uploading ─► checking ─► waiting ─► working ─► done
        ▲           │           ▲         │
        └── failed ◄┘           └─ retry ─┴─► failed

Every byte is in the database before it is acknowledged. `checking` compares the SHA-256; from
`waiting` on the recording is *stored*: its client may forget it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

MAX_CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Most audio in one request, and in one sealed piece: it is in memory three times for a moment."""


class State(StrEnum):
    """How far a recording is."""

    UPLOADING = "uploading"
    """Not all bytes are here."""
    CHECKING = "checking"
    """All bytes are here; their SHA-256 is compared."""
    WAITING = "waiting"
    """Stored; its turn comes, perhaps after a failed attempt."""
    WORKING = "working"
    DONE = "done"
    """Its transcript is in the history."""
    FAILED = "failed"
    """`reason` says why; a person may act."""


UPLOADED: Final = frozenset({State.WAITING, State.WORKING, State.DONE, State.FAILED})


class Reason(StrEnum):
    """Why a recording failed."""

    HASH_MISMATCH = "hash_mismatch"
    """The bytes that came do not have the announced SHA-256: announce it and send it all again."""
    UNDECODABLE = "undecodable"
    """No sound track that can be decoded."""
    TOO_LONG = "too_long"
    """More audio than the server takes in one recording."""
    POISON = "poison"
    """Part of it breaks the recogniser every time."""
    RECOGNISER_FAILED = "recogniser_failed"
    """The recogniser failed on it in every attempt."""
    DAMAGED = "damaged"
    """What is stored cannot be decrypted any more."""
    FAILED = "failed"
    """The server failed on it in every attempt; its log says how."""


class Encoding(StrEnum):
    """What the bytes are. All but `pcm16` are files, and known by what is in them."""

    PCM16 = "pcm16"
    """Bare samples: 16 bit, little-endian, mono, at `sample_rate`."""
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    OPUS = "opus"
    MP3 = "mp3"
    M4A = "m4a"
    MP4 = "mp4"
    AAC = "aac"
    WEBM = "webm"
    MKV = "mkv"
    AMR = "amr"


MEDIA_TYPES: Final = {
    Encoding.PCM16: "audio/wav",  # played back with a header of ours in front
    Encoding.WAV: "audio/wav",
    Encoding.FLAC: "audio/flac",
    Encoding.OGG: "audio/ogg",
    Encoding.OPUS: "audio/ogg",
    Encoding.MP3: "audio/mpeg",
    Encoding.M4A: "audio/mp4",
    Encoding.MP4: "audio/mp4",
    Encoding.AAC: "audio/aac",
    Encoding.WEBM: "audio/webm",
    Encoding.MKV: "audio/x-matroska",
    Encoding.AMR: "audio/amr",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a client says of a recording before it sends it."""

    id: UUID
    sha256: bytes
    size_bytes: int
    encoding: Encoding
    sample_rate: int | None  # hertz; of pcm16 only
    language: str  # ISO 639-1, or auto
    app: str | None
    recorded_at: datetime  # aware


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording as it is stored, without its audio."""

    id: UUID
    user: UUID
    device: UUID | None
    sha256: bytes
    size_bytes: int
    received_bytes: int
    encoding: Encoding
    sample_rate: int | None
    language: str
    app: str | None
    recorded_at: datetime
    state: State
    reason: Reason | None
    progress: float  # 0.0 to 1.0
    attempts: int  # since it last got further
    next_attempt_at: datetime
    transcript: UUID | None
    audio_samples: int | None  # at 16 kHz, once done
    is_silent: bool
    learned_language: str | None
    learned_from: int | None
    has_audio: bool
    keep_audio_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_stored(self) -> bool:
        """Whether the client may forget the recording."""
        return self.state in UPLOADED and self.reason is not Reason.HASH_MISMATCH

    @property
    def derived_transcript(self) -> UUID:
        """The id of its transcript: the same whoever works on it and how often."""
        return derived_transcript(self.user, self.id, self.sha256)


def derived_transcript(user: UUID, recording: UUID, sha256: bytes) -> UUID:
    """Derive the id of the transcript: a UUIDv8 (RFC 9562 section 5.8) of user, id and content."""
    digest = hashlib.sha256(
        b"alfavoice transcript of a recording\0" + user.bytes + recording.bytes + sha256
    ).digest()
    value = int.from_bytes(digest[:16]) & ~(0xF << 76) | 8 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bytes between what is here and what came are missing."""

    received_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BeyondTheEnd:
    """More bytes came than were announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Which of the bytes that came are new: those from `skip` on; none if `skip` is their number."""

    skip: int


def placed(*, received: int, size: int, offset: int, length: int) -> Gap | BeyondTheEnd | New:
    """Say what to do with `length` bytes for `offset` when `received` of `size` are here."""
    if offset + length > size:
        return BeyondTheEnd()
    if offset > received:
        return Gap(received_bytes=received)
    return New(skip=min(length, received - offset))
