"""History as HTTP has it: what requests may say, and what answers hold."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from service.dictation.transcripts import StoredFinal
from service.library.history_cursor import CURSOR_CHARACTERS
from service.library.history_entries import EDIT_CHARACTERS, Choice, Entry, Transcript

LONGEST_LIST: Final = 1_000
"""Ids in one request."""
_RATE_HZ: Final = 16_000
_DEFAULTS: Final = Choice()


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("U+0000 cannot be stored")
    return text


def _in_range(time: datetime) -> datetime:
    """Keep a time where the database and Python's calendar both have it."""
    try:
        return min(max(time.astimezone(UTC), _DEFAULTS.since), _DEFAULTS.until)
    except OverflowError:
        raise ValueError("outside of the calendar") from None


Time = Annotated[AwareDatetime, AfterValidator(_in_range)]
AppName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
Kind = Literal["live", "recording", "import"]
Cursor = Annotated[str, Field(min_length=CURSOR_CHARACTERS, max_length=CURSOR_CHARACTERS)]
Ids = Annotated[list[UUID], Field(min_length=1, max_length=LONGEST_LIST)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChoiceModel(_Asked):
    """Which transcripts are wanted; what is left out does not narrow it."""

    since: Time | None = None
    """Started then or later."""
    until: Time | None = None
    """Started earlier."""
    app: AppName | None = None
    """Name of the application that had the focus."""
    device: UUID | None = None
    """Registered device it was said to."""
    kind: Kind | None = None
    favourite: bool | None = None
    deleted: bool = False
    """Those deleted that can still be restored, instead of the others."""

    def choice(self) -> Choice:
        """Give it as the history takes it."""
        return Choice(
            since=self.since or _DEFAULTS.since,
            until=self.until or _DEFAULTS.until,
            app=self.app,
            device=self.device,
            kind=self.kind,
            favourite=self.favourite,
            deleted=self.deleted,
        )


class ListQuery(ChoiceModel):
    """A page of the history."""

    cursor: Cursor | None = None
    """`next` of the page before."""
    limit: int = Field(default=50, ge=1, le=200)


class SearchRequest(ChoiceModel):
    """A page of what was found."""

    q: str = Field(min_length=1, max_length=200)
    """Words, all of which must be there in any form; "in quotes" a phrase as it stands."""
    cursor: Cursor | None = None
    """`next` of the page before."""
    limit: int = Field(default=50, ge=1, le=100)


class IdsRequest(_Asked):
    """Several transcripts."""

    ids: Ids


class ChangeRequest(_Asked):
    """What to change; what is left out stays."""

    text: str | None = Field(default=None, max_length=EDIT_CHARACTERS)
    """The new text. `null`: as it was said."""
    is_favourite: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set or (
            self.model_fields_set == {"is_favourite"} and (self.is_favourite is None)
        ):
            raise ValueError("nothing to change")
        return self


class EntryModel(BaseModel):
    """A transcript in a list."""

    id: UUID
    kind: Kind
    started_at: datetime
    finished_at: datetime | None
    """`null`: still being said, or never ended properly; what is stored of it is here."""
    app: str | None
    device_id: UUID | None
    device: str | None
    """Name of the device."""
    client: str
    language: str
    audio_seconds: float
    word_count: int
    preview: str
    """The beginning of the text, 200 characters at most."""
    is_favourite: bool
    edited: bool
    edited_at: datetime | None
    deleted_at: datetime | None
    is_readable: bool
    """`false`: it is damaged or its key is gone; there is no text."""


class PageModel(BaseModel):
    """Entries, newest first."""

    items: list[EntryModel]
    next: str | None
    """The cursor of the next page; `null`: this was the last."""


class FoundModel(EntryModel):
    """A transcript that was found."""

    snippet: str
    """The part of the text around the first match."""
    highlights: list[tuple[int, int]]
    """Start and end of each match in `snippet`, in characters (Unicode code points)."""


class FoundPageModel(BaseModel):
    """What was found, newest first; may hold fewer than `limit` though `next` is given."""

    items: list[FoundModel]
    next: str | None


class WordModel(BaseModel):
    """A word with its time."""

    text: str
    start_s: float
    end_s: float
    probability: float


class FinalModel(BaseModel):
    """An utterance as it was recognised."""

    utterance: int
    start_s: float
    end_s: float
    text: str
    raw: str
    """As recognised, before the text pipeline."""
    language: str
    words: list[WordModel]


class TranscriptModel(EntryModel):
    """All of a transcript."""

    text: str
    """As edited, if it was."""
    original: str
    """As it was said."""
    finals: list[FinalModel]


class CountModel(BaseModel):
    """How many were changed; the others were so already, or are not there."""

    count: int


def entry_model(entry: Entry) -> EntryModel:
    """Write an entry."""
    return EntryModel(**_entry_fields(entry))


def found_model(entry: Entry, text: str, highlights: Sequence[tuple[int, int]]) -> FoundModel:
    """Write what was found."""
    fields = _entry_fields(entry)
    return FoundModel(**fields, snippet=text, highlights=list(highlights))


def transcript_model(transcript: Transcript) -> TranscriptModel:
    """Write a transcript; takes milliseconds for one of hours."""
    return TranscriptModel(
        **_entry_fields(transcript.entry),
        text=transcript.text,
        original=transcript.original,
        finals=[_final_model(final) for final in transcript.finals],
    )


def seconds(samples: int) -> float:
    """Give a position or length in seconds, to a millisecond."""
    return round(samples / _RATE_HZ, 3)


def _entry_fields(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "started_at": entry.started_at,
        "finished_at": entry.finished_at,
        "app": entry.app,
        "device_id": entry.device,
        "device": entry.device_name,
        "client": entry.client,
        "language": entry.language,
        "audio_seconds": seconds(entry.samples),
        "word_count": entry.word_count,
        "preview": entry.preview,
        "is_favourite": entry.is_favourite,
        "edited": entry.edited_at is not None,
        "edited_at": entry.edited_at,
        "deleted_at": entry.deleted_at,
        "is_readable": entry.is_readable,
    }


def _final_model(final: StoredFinal) -> FinalModel:
    return FinalModel(
        utterance=final.utterance,
        start_s=seconds(final.start),
        end_s=seconds(final.end),
        text=final.text,
        raw=final.raw,
        language=final.language,
        words=[
            WordModel(
                text=word.text,
                start_s=seconds(word.start),
                end_s=seconds(word.end),
                probability=round(word.probability, 3),
            )
            for word in final.words
        ],
    )
