"""The port through which a session learns the words of who speaks: `PersonalTerms`."""

from typing import Final, Protocol
from uuid import UUID

TERMS_PATIENCE_S: Final = 0.1
"""How long they may hold up a session's start: hints are worth no more."""


class PersonalTerms(Protocol):
    """Knows the words that people taught the product."""

    async def of(self, user: UUID, language: str | None) -> tuple[str, ...]:
        """Give the words of a user, most important first; none when they cannot be read now.

        Args:
            user: whose.
            language: in which they speak, ISO 639-1; None: any.
        """
        ...


def together(*kinds: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Put terms in one order, each once."""
    return tuple(dict.fromkeys(term for terms in kinds for term in terms))
