"""Show what is heard without flicker: a stable prefix that never shrinks, and a tail.

Two hypotheses in a row that agree on their first words make these words stable, all but the last
`HELD_BACK_WORDS` (local agreement, Macháček et al. 2023, "Turning Whisper into Real-Time
Transcription System", section 2). Words are compared without case and marks; what is shown of a
stable word is its form when it became stable. Later hypotheses may disagree with stable words:
people keep seeing them, and the final puts them right.
"""

import re
from itertools import takewhile
from typing import Final

HELD_BACK_WORDS: Final = 1
"""The last agreed word is often half a word still being spoken. Holding back two tokens revised
shown text three times less in the performance measurements; one word is one to three tokens."""

_MARKS: Final = re.compile(r"[^\w]+")


def _key(word: str) -> str:
    return _MARKS.sub("", word).casefold().replace("ё", "е")


class Stabiliser:
    """The words shown for one open utterance."""

    def __init__(self) -> None:
        self._stable: list[str] = []
        self._previous: list[str] = []

    def update(self, text: str) -> tuple[str, str]:
        """Take the next hypothesis of the growing utterance.

        Returns:
            (stable, tail): what to show is the two one after the other; the tail carries the
            blank between them.
        """
        words = text.split()
        agreed = len(
            list(
                takewhile(
                    lambda pair: _key(pair[0]) == _key(pair[1]),
                    zip(self._previous, words, strict=False),
                )
            )
        )
        keep = agreed - HELD_BACK_WORDS
        if keep > len(self._stable) and self._extends(words):
            self._stable.extend(words[len(self._stable) : keep])
        self._previous = words
        tail = words[len(self._stable) :]
        separator = " " if self._stable and tail else ""
        return " ".join(self._stable), separator + " ".join(tail)

    def as_shown(self, text: str) -> str:
        """Give a text as people see it: its first words give way to the stable ones."""
        return " ".join([*self._stable, *text.split()[len(self._stable) :]])

    def _extends(self, words: list[str]) -> bool:
        """Whether the hypothesis begins with the stable words; otherwise it can't lengthen them."""
        return all(
            _key(stable) == _key(word) for stable, word in zip(self._stable, words, strict=False)
        )
