"""The port through which a session learns what it should know of who speaks: `PersonalWishes`."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from workers.contract.finishing import Finishing

WISHES_PATIENCE_S: Final = 0.1
"""How long they may hold up a session's start; what comes later holds from the next window on."""
AS_USUAL: Final = Finishing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What a person taught the product, and how they want their texts."""

    terms: tuple[str, ...] = ()
    """Their words, most important first: hints to the recogniser."""
    finishing: Finishing = AS_USUAL
    """With the style of the application that the text goes to."""


UNKNOWN: Final = Personal()
"""Of who never said anything, or whose wishes cannot be read now."""


class PersonalWishes(Protocol):
    """Knows what people taught the product and how they want their texts."""

    async def of(self, user: UUID, *, language: str | None, app: str | None) -> Personal:
        """Give what is known of a user; `UNKNOWN` when it cannot be read now.

        Args:
            user: whose.
            language: in which they speak, ISO 639-1; None: any.
            app: name of the application that the text goes to; None: not known.
        """
        ...
