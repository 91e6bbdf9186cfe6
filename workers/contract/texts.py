"""The port to the text pipeline for texts that nobody speaks at this moment: `TextFinisher`.

What is recognised is finished on its way through the queue (`Profile.finishing`); through this port
come lines that a person typed, and the finals of a session that ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from workers.contract.errors import WorkerError
from workers.contract.finishing import Finished, Finishing
from workers.contract.words import Word

LONGEST_TEXT: Final = 200_000
"""Letters in a text: an hour and a half of speech. Longer ones are refused by whoever takes them in."""


class FinishingFailed(WorkerError):
    """A text could not be finished, or not in time; it is as it was."""

    code = "text.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text to finish."""

    text: str
    words: tuple[Word, ...] = ()
    """With their times, where they are known: all the words of the text, in order."""
    language: str | None = None
    """ISO 639-1; None: not known."""
    finishing: Finishing


class TextFinisher(Protocol):
    """Finishes texts; see the module."""

    @property
    def punctuator(self) -> str | None:
        """Name of the punctuation model; None: there is none, or it is not loaded yet."""
        ...

    async def finish(self, texts: Sequence[Text]) -> list[Finished]:
        """Finish texts, of one person or of many.

        Raises:
            FinishingFailed: they are as they were.
        """
        ...

    async def rejoined(self, finals: Sequence[tuple[str, str | None]]) -> list[str]:
        """Join the sentences that pauses cut in two.

        Args:
            finals: finished texts of a session and their languages, in order.

        Returns:
            As many texts with the same words; marks at their ends and capitals at their
            beginnings may differ.

        Raises:
            FinishingFailed: nothing is joined.
        """
        ...
