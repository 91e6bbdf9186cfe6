"""What is in an archive: everything a person has, as one zip of JSON Lines. Pure.

    manifest.json      {"format": "alfavoice-archive", "version": 1, …}
    notes.jsonl  snippets.jsonl  dictionary.jsonl  preferences.jsonl    an item a line
    history.jsonl      a transcript a line, with its words and what was edited
    recordings.jsonl   a recording a line
    audio/<id>         the bytes of a recording, as they were uploaded, where they are kept

docs/sync.md describes the fields.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from service.library.history_entries import EDIT_CHARACTERS
from service.library.kinds import Kind

FORMAT: Final = "alfavoice-archive"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
HISTORY: Final = "history.jsonl"
RECORDINGS: Final = "recordings.jsonl"
AUDIO: Final = "audio/"
ITEMS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "notes.jsonl": Kind.NOTE,
        "snippets.jsonl": Kind.SNIPPET,
        "dictionary.jsonl": Kind.TERM,
        "preferences.jsonl": Kind.PREFERENCES,
    }
)
LONGEST_LINE: Final = 32 * 1024 * 1024
"""Bytes: four hours of speech with the times of all words are 4 MiB."""
LONGEST_ITEM: Final = 4 * 1024 * 1024
"""Bytes: a note with as many conflicts as it may have."""
MOST_FINALS: Final = 20_000
_MOST_WORDS: Final = 100_000
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)

Samples = Annotated[int, msgspec.Meta(ge=0, le=1 << 48)]
Letters = Annotated[str, msgspec.Meta(max_length=LONGEST_LINE)]
Name = Annotated[str, msgspec.Meta(max_length=500)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Unfit(Exception):
    """A line is none of an archive; nothing of it is repeated."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing in an archive."""

    format: str
    version: int
    made_at: Moment
    made_by: Name = ""


class ArchivedField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an item."""

    value: Any
    at: Annotated[int, msgspec.Meta(ge=0, le=1 << 48)]
    writer: Annotated[str, msgspec.Meta(max_length=64)]


class ArchivedLost(msgspec.Struct, frozen=True, kw_only=True):
    """A text in conflict."""

    id: Annotated[str, msgspec.Meta(max_length=100)]
    field: Annotated[str, msgspec.Meta(max_length=64)]
    value: Letters
    at: Annotated[int, msgspec.Meta(ge=0, le=1 << 48)]
    writer: Annotated[str, msgspec.Meta(max_length=64)]


class ArchivedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A note, snippet, term, or the preferences."""

    id: UUID
    created_at: Moment
    fields: Annotated[dict[str, ArchivedField], msgspec.Meta(max_length=300)]
    conflicts: Annotated[list[ArchivedLost], msgspec.Meta(max_length=50)] = []

    def __post_init__(self) -> None:
        """Check the time.

        Raises:
            ValueError: it is too far away.
        """
        _check_moments(self.created_at)


class ArchivedWord(msgspec.Struct, frozen=True, array_like=True):
    """A word: text, first sample, sample after the last, probability."""

    text: Letters
    start: Samples
    end: Samples
    probability: float | None


class ArchivedFinal(msgspec.Struct, frozen=True, kw_only=True):
    """An utterance."""

    utterance: Annotated[int, msgspec.Meta(ge=0, le=1 << 30)]
    start: Samples
    end: Samples
    language: Name
    text: Letters
    raw: Letters
    words: Annotated[list[ArchivedWord], msgspec.Meta(max_length=_MOST_WORDS)] = []
    glue: Annotated[str, msgspec.Meta(max_length=8)] = " "
    """What stands between it and what came before."""
    erase: Annotated[int, msgspec.Meta(ge=0, le=1 << 30)] = 0
    """Letters that go from the end of what came before; only where the session never ended."""


class ArchivedTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """A transcript."""

    id: UUID
    kind: Literal["live", "recording", "import"]
    language: Name
    sample_rate: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    client: Name
    app: Name | None
    started_at: Moment
    finished_at: Moment | None
    audio_samples: Samples | None
    is_favourite: bool
    edited: Annotated[str, msgspec.Meta(max_length=EDIT_CHARACTERS)] | None
    edited_at: Moment | None
    edited_until: Annotated[int, msgspec.Meta(ge=0, le=1 << 30)] | None
    deleted_at: Moment | None
    finals: Annotated[list[ArchivedFinal], msgspec.Meta(max_length=MOST_FINALS)]

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: it does not fit.
        """
        edit = (self.edited, self.edited_at, self.edited_until)
        numbers = [final.utterance for final in self.finals]
        if (
            (self.finished_at is None) != (self.audio_samples is None)
            or len({part is None for part in edit}) != 1
            or len(set(numbers)) != len(numbers)
            or any(final.end < final.start for final in self.finals)
        ):
            raise ValueError("the parts do not fit together")
        _check_moments(self.started_at, self.finished_at, self.edited_at, self.deleted_at)


class ArchivedRecording(msgspec.Struct, frozen=True, kw_only=True):
    """A recording."""

    id: UUID
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
    encoding: Annotated[str, msgspec.Meta(max_length=16)]
    sample_rate: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None
    language: Name
    app: Name | None
    recorded_at: Moment
    state: Literal["waiting", "done", "failed"]
    reason: Annotated[str, msgspec.Meta(max_length=64)] | None
    transcript: UUID | None
    audio_samples: Samples | None
    is_silent: bool
    keep_audio_until: Moment | None
    has_audio: bool

    def __post_init__(self) -> None:
        """Check the times.

        Raises:
            ValueError: one is too far away.
        """
        _check_moments(self.recorded_at, self.keep_audio_until)


def _check_moments(*moments: datetime | None) -> None:
    if any(moment is not None and not _EARLIEST <= moment <= _LATEST for moment in moments):
        raise ValueError("a time is too far away")


def cleaned(text: str) -> str:
    """Give a text that can be stored: without U+0000 and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
