"""Every column that holds sealed values, and how a value's row is named within its seal.

What is sealed elsewhere must be listed here, or changing keys would leave it behind unreadable; a
test compares this list with the schema.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

_FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumn:
    """One column. Its statements are `page_<table>` and `replace_<table>` in queries/sealed.sql."""

    table: str
    column: str
    primary_key: tuple[str, ...]
    before_first: tuple[object, ...]
    """A value of the primary key before all others."""
    named_by: tuple[str, ...]
    """The columns whose values, joined by `/`, name the row in the seal."""
    page_rows: int
    """How many rows are taken at once: some megabytes at most."""


def row_name(*parts: object) -> str:
    """Name a row by the values of `named_by`."""
    return "/".join(map(str, parts))


SEALED_COLUMNS: Final = (
    SealedColumn(
        table="finals",
        column="sealed",
        primary_key=("transcript_id", "utterance"),
        before_first=(_FIRST, -1),
        named_by=("transcript_id", "utterance"),
        page_rows=500,
    ),
    SealedColumn(
        table="transcripts",
        column="edited",
        primary_key=("id",),
        before_first=(_FIRST,),
        named_by=("id",),
        page_rows=200,
    ),
    SealedColumn(
        table="library_items",
        column="sealed",
        primary_key=("user_id", "id"),
        before_first=(_FIRST, _FIRST),
        named_by=("id",),
        page_rows=100,
    ),
    SealedColumn(
        table="recording_audio",
        column="sealed",
        primary_key=("user_id", "recording_id", "first_byte"),
        before_first=(_FIRST, _FIRST, -1),
        named_by=("recording_id", "first_byte"),
        page_rows=4,
    ),
)
