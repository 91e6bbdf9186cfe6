"""What a history holds: entries of a list, whole transcripts, and what they are chosen by.

Pure. Positions are 16 kHz samples from the start of the session.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from service.dictation.composition import BLANK, Follows, composed
from service.dictation.transcripts import StoredFinal

PREVIEW_CHARACTERS: Final = 200
PREVIEW_UTTERANCES: Final = 3
"""How many are read for a preview."""
EDIT_CHARACTERS: Final = 400_000
"""Longest text of an edit: four hours of speech are 250,000 characters."""
KEPT_DAYS: Final = 30
"""How long a deleted transcript can be restored."""

_EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the history, which runs from the newest to the oldest."""

    started_at: datetime
    """Aware."""
    id: UUID


START: Final = Position(started_at=_LATEST, id=UUID(int=2**128 - 1))
"""Before the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which transcripts are wanted; None: all."""

    since: datetime = _EARLIEST
    """Started then or later; aware."""
    until: datetime = _LATEST
    """Started earlier; aware."""
    app: str | None = None
    device: UUID | None = None
    kind: str | None = None
    """`live`, `recording` or `import`."""
    favourite: bool | None = None
    deleted: bool = False
    """Those deleted that can still be restored, instead of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A transcript as a list shows it."""

    id: UUID
    kind: str
    language: str
    app: str | None
    client: str
    device: UUID | None
    device_name: str | None
    started_at: datetime
    finished_at: datetime | None
    """None: the session is open, or never ended properly."""
    samples: int
    word_count: int
    preview: str
    is_favourite: bool
    edited_at: datetime | None
    deleted_at: datetime | None
    is_readable: bool = True
    """False: its key is gone or it is damaged; the preview is empty."""

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(started_at=self.started_at, id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All of a transcript."""

    entry: Entry
    finals: tuple[StoredFinal, ...]
    """In order."""
    edited: str | None
    """What a person made of the first utterances."""
    edited_until: int
    """How many those were."""

    @property
    def original(self) -> str:
        """The text of all finals."""
        return composed(self.finals)

    @property
    def text(self) -> str:
        """The text as edited, if it was, and what was said after that."""
        if self.edited is None:
            return self.original
        later = [final for final in self.finals if final.utterance >= self.edited_until]
        return after_edit(self.edited, later)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some entries, and where the next ones begin."""

    entries: tuple[Entry, ...] = field(default=())
    next: Position | None = None
    """None: there are no more."""


def after_edit(edited: str, later: Sequence[Follows]) -> str:
    """Give an edited text with the finals that came after the edit.

    They erase nothing of it: what a person wrote stays.
    """
    text = composed(later)
    glue = next((final.glue for final in later if final.text), BLANK)
    return f"{edited}{glue}{text}" if text and edited else edited or text


def preview(text: str) -> str:
    """Give the beginning of a text, ending with a whole word where there is one."""
    if len(text) <= PREVIEW_CHARACTERS:
        return text
    start = text[: PREVIEW_CHARACTERS - 1]
    whole = start.rsplit(maxsplit=1)[0] if " " in start else start
    return f"{whole}…"
