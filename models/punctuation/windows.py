"""Windows of words to learn from: how long, where cut, how disturbed, and how they make batches.

Not every input is a whole sentence, so not every window is one: three in four begin where a
sentence does, three in five end where one does, and the others are cut anywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.punctuation.labels import SENTENCE_ENDS, UNKNOWN
from models.punctuation.noise import DISTURBED_WINDOWS, disturbed
from models.punctuation.pieces import CLS, MAX_PIECES, PAD, SEP, SPECIAL, PieceTable

SHORTEST_WORDS: Final = 3
LONGEST_WORDS: Final = 120
"""The logarithm of the length is drawn evenly between both: short windows are as common as long."""
BEGIN_WITH_SENTENCE: Final = 0.75
END_WITH_SENTENCE: Final = 0.6
IGNORED: Final = -100
"""Label of what is not learned; the default of torch's cross entropy."""

_SENTENCE_ENDS: Final = np.array(sorted(SENTENCE_ENDS), dtype=np.uint8)
_PAD, _CLS, _SEP = (SPECIAL.index(each) for each in (PAD, CLS, SEP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The words of one source in order, with their labels."""

    name: str
    share: float
    """Of the windows' words, 0.0 to 1.0."""
    words: NDArray[np.int32]
    marks: NDArray[np.uint8]
    cases: NDArray[np.uint8]

    @property
    def sentence_ends(self) -> NDArray[np.int64]:
        """Places of the last words of sentences."""
        return np.flatnonzero(np.isin(self.marks, _SENTENCE_ENDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One input with its labels."""

    pieces: NDArray[np.int64]
    """[CLS] and [SEP] included."""
    read: NDArray[np.int64]
    """Place of each word's last piece."""
    marks: NDArray[np.uint8]
    cases: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Windows of similar length, padded to the longest."""

    pieces: NDArray[np.int64]
    """Shape (batch, length)."""
    lengths: NDArray[np.int64]
    read: NDArray[np.int64]
    """Places in the flattened batch, shape (words,)."""
    marks: NDArray[np.int64]
    cases: NDArray[np.int64]
    """`IGNORED` where the case is unknown."""


class Sampler:
    """Draws windows from several streams; the same seed draws the same ones."""

    def __init__(self, streams: Sequence[Stream], table: PieceTable) -> None:
        self._streams = [each for each in streams if len(each.words) > SHORTEST_WORDS]
        self._ends = [each.sentence_ends for each in self._streams]
        shares = np.array([each.share for each in self._streams])
        self._shares = shares / shares.sum()
        self._table = table

    def draw(self, chance: np.random.Generator, count: int) -> list[Window]:
        """Draw that many windows."""
        chosen = chance.choice(len(self._streams), size=count, p=self._shares)
        return [self._window(int(each), chance) for each in chosen]

    def _window(self, chosen: int, chance: np.random.Generator) -> Window:
        stream, ends = self._streams[chosen], self._ends[chosen]
        length = round(float(np.exp(chance.uniform(np.log(SHORTEST_WORDS), np.log(LONGEST_WORDS)))))
        begin = int(chance.integers(0, max(1, len(stream.words) - length)))
        if chance.random() < BEGIN_WITH_SENTENCE:
            begin = _after(ends, begin, len(stream.words) - SHORTEST_WORDS)
        end = min(begin + length, len(stream.words))
        if chance.random() < END_WITH_SENTENCE:
            # The nearest end of a sentence behind, if that leaves enough; else the next one.
            place = int(np.searchsorted(ends, end))
            near = [int(each) + 1 for each in ends[max(0, place - 1) : place + 1]]
            fits = [each for each in near if SHORTEST_WORDS <= each - begin <= LONGEST_WORDS]
            end = fits[0] if fits else end
        cut = slice(begin, max(end, begin + 1))
        words, marks, cases = stream.words[cut], stream.marks[cut], stream.cases[cut]
        if len(words) > 1 and chance.random() < DISTURBED_WINDOWS:
            words, marks, cases = disturbed(words, marks, cases, chance)
        return window_of(self._table, words, marks, cases)


def _after(ends: NDArray[np.int64], place: int, latest: int) -> int:
    """Give the first word of the first sentence that begins at `place` or later."""
    found = int(np.searchsorted(ends, place))
    following = int(ends[found]) + 1 if found < len(ends) else place
    return following if following <= latest else place


def window_of(
    table: PieceTable,
    words: NDArray[np.int32],
    marks: NDArray[np.uint8],
    cases: NDArray[np.uint8],
) -> Window:
    """Write words as pieces; words that no longer fit are left out at the end."""
    pieces, last = table.pieces(words)
    fits = int(np.searchsorted(last, MAX_PIECES - 2))
    pieces = pieces[: last[fits - 1] + 1]
    return Window(
        pieces=np.concatenate(([_CLS], pieces, [_SEP])),
        read=last[:fits] + 1,
        marks=marks[:fits],
        cases=cases[:fits],
    )


def consecutive(stream: Stream, table: PieceTable, words: int) -> Iterator[Window]:
    """Cut a stream into windows of that many words, for validation; nothing is disturbed."""
    for at in range(0, len(stream.words), words):
        cut = slice(at, at + words)
        yield window_of(table, stream.words[cut], stream.marks[cut], stream.cases[cut])


def batches(windows: Sequence[Window], most_pieces: int) -> Iterator[Batch]:
    """Put windows of similar length together; a batch has at most so many pieces with padding."""
    waiting: list[Window] = []
    for window in sorted(windows, key=lambda each: len(each.pieces)):
        if waiting and len(window.pieces) * (len(waiting) + 1) > most_pieces:
            yield batch_of(waiting)
            waiting = []
        waiting.append(window)
    if waiting:
        yield batch_of(waiting)


def batch_of(windows: Sequence[Window]) -> Batch:
    """Pad windows to the longest of them."""
    longest = max(len(each.pieces) for each in windows)
    pieces = np.full((len(windows), longest), _PAD, dtype=np.int64)
    for row, each in enumerate(windows):
        pieces[row, : len(each.pieces)] = each.pieces
    cases = np.concatenate([each.cases for each in windows]).astype(np.int64)
    return Batch(
        pieces=pieces,
        lengths=np.array([len(each.pieces) for each in windows], dtype=np.int64),
        read=np.concatenate([each.read + row * longest for row, each in enumerate(windows)]),
        marks=np.concatenate([each.marks for each in windows]).astype(np.int64),
        cases=np.where(cases == UNKNOWN, IGNORED, cases),
    )
