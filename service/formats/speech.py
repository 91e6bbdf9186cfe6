"""What is written: utterances as anything that has them gives them (messages, stored finals)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.dictation.composition import surviving


class Word(Protocol):
    """A word with its time."""

    @property
    def text(self) -> str:
        """As it stands in the text."""
        ...

    @property
    def start(self) -> int:
        """First sample."""
        ...

    @property
    def end(self) -> int:
        """Sample after the last."""
        ...

    @property
    def probability(self) -> float:
        """0.0 to 1.0."""
        ...


class Utterance(Protocol):
    """A closed utterance."""

    @property
    def start(self) -> int:
        """First sample."""
        ...

    @property
    def end(self) -> int:
        """Sample after the last."""
        ...

    @property
    def text(self) -> str:
        """Finished text."""
        ...

    @property
    def glue(self) -> str:
        """What stands between it and what came before; see `service.dictation.composition`."""
        ...

    @property
    def erase(self) -> int:
        """Letters that go from the end of what came before."""
        ...

    @property
    def raw(self) -> str:
        """As recognised."""
        ...

    @property
    def words(self) -> Sequence[Word]:
        """With times; may be empty, and need not match the words of the text."""
        ...

    @property
    def language(self) -> str:
        """ISO 639-1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An `Utterance` of which nothing is erased any more."""

    start: int
    end: int
    text: str
    glue: str
    raw: str
    words: Sequence[Word]
    language: str
    erase: int = 0


def settled(finals: Sequence[Utterance]) -> list[Utterance]:
    """Give utterances as they are once each has erased what it erases of those before it."""
    return [
        final
        if text == final.text and not final.erase
        else Settled(
            start=final.start,
            end=final.end,
            text=text,
            glue=final.glue,
            raw=final.raw,
            words=final.words[: len(text.split())],
            language=final.language,
        )
        for final, text in zip(finals, surviving(finals), strict=True)
    ]
