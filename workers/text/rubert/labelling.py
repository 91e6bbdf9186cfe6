"""From words to labels, for every back end: pieces, windows, batches, and back.

A back end is a `Network`: rows of pieces in, probabilities at some places of each row out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np

from workers.text.rubert.labels import CASES, MARKS, Probabilities, WordLabels
from workers.text.rubert.pieces import WordPieces
from workers.text.rubert.windows import Window, batches, windows

Place = Literal["first", "last"]
"""Which piece of a word its labels are read from."""

_BATCH_PIECES: Final = 4_096
"""Padding included: 16 of the longest windows. More takes memory and no time less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a model wants words laid out."""

    begin: int
    """Piece before a window."""
    end: int
    """Piece after it."""
    place: Place
    limit: int
    """Most pieces of a window, both of these included."""
    overlap: int
    """Words of context on each side, where a text needs more than one window."""


class Network(Protocol):
    """The model itself. May be called from several threads at once."""

    def probabilities(
        self, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]]
    ) -> list[tuple[Probabilities, Probabilities]]:
        """Give marks and cases.

        Args:
            rows: pieces, of like length.
            places: of each row, the positions to give labels for.

        Returns:
            Of each row, arrays of shape (places, 9) and (places, 3).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PunctuationModel:
    """A `Punctuator`: a network with all it takes to hand it words."""

    name: str
    network: Network
    pieces: WordPieces
    reading: Reading
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """What the merge should take for confident with this model; empty: nobody has measured it."""
    languages: tuple[str, ...] = ("ru",)
    """ISO 639-1 codes it was made for."""

    def label(self, texts: Sequence[Sequence[str]]) -> list[list[WordLabels]]:
        """See `Punctuator.label`."""
        pieces = [self.pieces.of(text) for text in texts]
        marks = [np.zeros((len(text), len(MARKS)), np.float32) for text in texts]
        cases = [np.zeros((len(text), len(CASES)), np.float32) for text in texts]
        cut = [
            window
            for number, words in enumerate(pieces)
            for window in windows(
                number,
                [len(word) for word in words],
                limit=self.reading.limit,
                overlap=self.reading.overlap,
            )
        ]
        for batch in batches(cut, limit=_BATCH_PIECES):
            laid = [self._laid(window, pieces[window.text]) for window in batch]
            answers = self.network.probabilities([row for row, _ in laid], [at for _, at in laid])
            for window, (of_marks, of_cases) in zip(batch, answers, strict=True):
                marks[window.text][window.kept_from : window.kept_to] = of_marks
                cases[window.text][window.kept_from : window.kept_to] = of_cases
        return [
            [WordLabels(mark, case) for mark, case in zip(of_marks, of_cases, strict=True)]
            for of_marks, of_cases in zip(marks, cases, strict=True)
        ]

    def _laid(self, window: Window, words: Sequence[list[int]]) -> tuple[list[int], list[int]]:
        """Give a window's pieces and where the labels of its kept words are read."""
        row = [self.reading.begin]
        places: list[int] = []
        for number in range(window.start, window.stop):
            first = len(row)
            row += words[number]
            if window.kept_from <= number < window.kept_to:
                places.append(first if self.reading.place == "first" else len(row) - 1)
        row.append(self.reading.end)
        return row, places


def softmax(logits: Probabilities) -> Probabilities:
    """Give probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    normed: Probabilities = raised / raised.sum(axis=-1, keepdims=True)
    return normed
