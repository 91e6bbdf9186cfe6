"""Dynamic time warping of tokens and sound, over where a decoder listened.

As Whisper's word timestamps (openai/whisper, `timing.py`): shares of attention are normalised over the
tokens, smoothed over time, averaged over the heads, and the cheapest path that never goes back is
found through them (after Giorgino 2009). CTranslate2's `align` does the same with one more pass of
the decoder; here the shares are those of the pass that wrote the text, so that it costs a few
milliseconds instead of a seventh of the whole.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from workers.recognition.alignment import Listening, TokenPath

_SMOOTHED_OVER: Final = 7
"""Positions: 140 ms, as in Whisper."""
_LEAST: Final = 1e-10

Costs = npt.NDArray[np.float64]


def path_of(listening: Listening, *, positions: int) -> TokenPath:
    """Align a text with its sound.

    Args:
        listening: where the decoder listened, of one text.
        positions: how many encoder positions hold sound, 1 or more; the rest is padding.

    Returns:
        A path over the tokens of the text and one more, the end.
    """
    heard = listening.shares[:, :, :positions].astype(np.float64)
    heard /= np.maximum(heard.sum(axis=2, keepdims=True), _LEAST)  # as if it had not been padded
    mean, deviation = heard.mean(axis=1, keepdims=True), heard.std(axis=1, keepdims=True)
    heard = (heard - mean) / np.maximum(deviation, _LEAST)
    heard = median_filter(heard, size=(1, 1, _SMOOTHED_OVER), mode="reflect")
    rows = len(listening.tokens) + 1  # each row says where the token after it is said
    return TokenPath(
        alignments=warped(-heard.mean(axis=0)[-rows:]), probabilities=listening.probabilities
    )


def warped(costs: Costs) -> list[tuple[int, int]]:
    """Find the cheapest path from the first to the last cell, by steps down, right or both.

    Args:
        costs: of each cell, shape (n, m), 1 or more each.

    Returns:
        The cells, in order.
    """
    rows, columns = costs.shape
    totals = np.empty_like(costs)
    totals[0] = np.cumsum(costs[0])
    for row in range(1, rows):
        above = totals[row - 1]
        entered = above.copy()
        entered[1:] = np.minimum(above[1:], above[:-1])
        # The cheapest way to a cell enters its row somewhere to the left, then goes right.
        along = np.cumsum(costs[row])
        totals[row] = along + np.minimum.accumulate(entered - along + costs[row])
    path = [(rows - 1, columns - 1)]
    row, column = path[0]
    while row or column:
        if not row:
            column -= 1
        elif not column:
            row -= 1
        else:
            both, down = totals[row - 1, column - 1], totals[row - 1, column]
            right = totals[row, column - 1]
            if both <= down and both <= right:
                row, column = row - 1, column - 1
            elif down <= right:
                row -= 1
            else:
                column -= 1
        path.append((row, column))
    return path[::-1]
