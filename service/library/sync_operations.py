"""What clients push, as it comes in, and what became of it."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service.library.fields import storable
from service.library.history_entries import EDIT_CHARACTERS
from service.library.kinds import Kind

MOST_OPERATIONS: Final = 500
_LATEST_MS: Final = 1 << 48
"""Milliseconds that a UUIDv7 can hold."""

Milliseconds = Annotated[int, Field(ge=0, le=_LATEST_MS)]
"""Since 1970-01-01 UTC."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PushedField(_Strict):
    """A field's new value."""

    value: Any = None
    at: Milliseconds
    """When it was written, by the client's clock."""
    seen: Milliseconds | None = None
    """The `at` of the value that the writer saw before; it then counts as later than that one."""


class _Operation(_Strict):
    operation: UUID
    """The client's own id of this operation: done once, however often it is sent."""
    id: UUID
    """Of the thing."""


class WriteOperation(_Operation):
    """Write some fields of a note, snippet, term or of the preferences; makes it if need be."""

    type: Literal["write"]
    kind: Kind
    fields: Annotated[dict[str, PushedField], Field(max_length=300)]
    settled: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] = []
    """Ids of conflicts that the person has seen to."""


class DeleteOperation(_Operation):
    """Delete a note, snippet or term."""

    type: Literal["delete"]
    kind: Literal[Kind.NOTE, Kind.SNIPPET, Kind.TERM]
    at: Milliseconds
    seen: Milliseconds | None = None
    """The newest `at` of all its fields that the client knew."""


class EditTranscriptOperation(_Operation):
    """Give a transcript another text."""

    type: Literal["edit_transcript"]
    text: Annotated[str, Field(max_length=EDIT_CHARACTERS), AfterValidator(storable)] | None
    """None: as it was said."""
    seen: Milliseconds | None = None
    """The `edited_at_ms` of the text that this one was made of; none: it was never edited."""


class FavouriteTranscriptOperation(_Operation):
    """Say whether a transcript is a favourite."""

    type: Literal["favourite_transcript"]
    is_favourite: bool


class DeleteTranscriptOperation(_Operation):
    """Delete a transcript; it can be restored for 30 days."""

    type: Literal["delete_transcript"]


class RestoreTranscriptOperation(_Operation):
    """Take a transcript back out of the deleted ones."""

    type: Literal["restore_transcript"]


Operation = Annotated[
    WriteOperation
    | DeleteOperation
    | EditTranscriptOperation
    | FavouriteTranscriptOperation
    | DeleteTranscriptOperation
    | RestoreTranscriptOperation,
    Field(discriminator="type"),
]


class Push(_Strict):
    """Operations, done in this order."""

    writer: UUID
    """Of this installation of the client, the same for ever."""
    operations: Annotated[list[Operation], Field(max_length=MOST_OPERATIONS)]


class OperationResult(BaseModel):
    """What became of an operation."""

    operation: UUID
    outcome: Literal["applied", "merged", "refused"]
    """merged: some of it was written later by somebody else, and that stayed. refused: nothing was
    changed."""
    code: str | None = None
    """Of a refusal."""
    detail: str | None = None


class PushResults(BaseModel):
    """One result for each operation, in their order."""

    results: list[OperationResult]
