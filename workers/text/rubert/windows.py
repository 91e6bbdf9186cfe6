"""How long texts are cut for a model that reads so many pieces at once, and what goes together.

Windows hold whole words and overlap; a word takes its labels from the window in which it is farther
from the edge, because near an edge the model guesses what stands beyond it:

    text      . . . . . . . . . . . . . . . . . . . .
    window 1  [. . . . . . . . . . . .]
    window 2                  [. . . . . . . . . . . .]
    labels    1 1 1 1 1 1 1 1 1 1 2 2 2 2 2 2 2 2 2 2
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

EDGE_PIECES = 2
"""The piece that begins every window and the one that ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A run of words of one text. All numbers count words of that text."""

    text: int
    """Which of the texts."""
    start: int
    stop: int
    """After the last word."""
    kept_from: int
    """First word that takes its labels from here."""
    kept_to: int
    """After the last such word."""
    pieces: int
    """Length in pieces, the two at the edges included."""


def windows(text: int, lengths: Sequence[int], *, limit: int, overlap: int) -> Iterator[Window]:
    """Cut a text into windows.

    Args:
        text: number of the text, for the windows.
        lengths: pieces of each word, 1 or more, none more than `limit` - `EDGE_PIECES`.
        limit: most pieces of a window, the edges included.
        overlap: words of context wanted on each side of a word that has others there; a window gives
            at most half of its words to it, so the work grows with the text and not with its square.

    Yields:
        Windows in order; the kept words of all of them are each word of the text once.
    """
    ends = [0, *accumulate(lengths)]
    room = limit - EDGE_PIECES
    start, kept_from = 0, 0
    while start < len(lengths):
        stop = start + 1
        while stop < len(lengths) and ends[stop + 1] - ends[start] <= room:
            stop += 1
        following = stop
        if stop < len(lengths):
            following = max(stop - 2 * overlap, start + (stop - start + 1) // 2)
            while ends[stop + 1] - ends[following] > room:  # a window brings at least one new word
                following += 1
        kept_to = following + (stop - following + 1) // 2 if stop < len(lengths) else stop
        yield Window(
            text=text,
            start=start,
            stop=stop,
            kept_from=kept_from,
            kept_to=kept_to,
            pieces=ends[stop] - ends[start] + EDGE_PIECES,
        )
        start, kept_from = following, kept_to


def batches(cut: Sequence[Window], *, limit: int) -> Iterator[list[Window]]:
    """Put windows of like length together, whoever's they are.

    Args:
        cut: windows of any texts.
        limit: most pieces of a batch, padding included; a window longer than that goes alone.

    Yields:
        Batches, each window in one of them; the shortest windows come first.
    """
    batch: list[Window] = []
    for window in sorted(cut, key=lambda window: window.pieces):
        if batch and (len(batch) + 1) * window.pieces > limit:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
