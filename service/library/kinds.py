"""The kinds of small things in a library, and what is particular to each. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from service.library.merging import Rules

MOST_ITEMS: Final = 20_000
"""Items of one kind that a person may have: a dictionary of a whole trade fits."""
PREFERENCES: Final = UUID("00000000-0000-8000-8000-000000000002")
"""The id of everybody's preferences. A UUIDv8 (RFC 9562 section 5.8), so no id made by a client can
be the same."""


class Kind(StrEnum):
    """What an item is."""

    NOTE = "note"
    SNIPPET = "snippet"
    TERM = "term"
    PREFERENCES = "preferences"


RULES: Final[Mapping[Kind, Rules]] = MappingProxyType(
    {
        Kind.NOTE: Rules(
            whole=frozenset({"title", "text", "is_pinned"}), kept=frozenset({"title", "text"})
        ),
        Kind.SNIPPET: Rules(whole=frozenset({"trigger", "text"}), kept=frozenset({"text"})),
        Kind.TERM: Rules(whole=frozenset({"term", "sounds_like", "language", "is_case_sensitive"})),
        Kind.PREFERENCES: Rules(),
    }
)
