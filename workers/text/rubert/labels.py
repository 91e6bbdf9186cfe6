"""What a punctuation model says of a word, whichever back end runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

MARKS: Final = ("", ",", ".", "?", "!", ":", "—", "…", ";")
"""What may follow a word, in the order of `WordLabels.marks`; "" is nothing."""
CASES: Final = ("lower", "title", "upper")
"""How a word may be written, in the order of `WordLabels.cases`: «слово», «Слово», «США»."""

Probabilities = npt.NDArray[np.float32]
"""0.0 to 1.0; the last axis sums to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class WordLabels:
    """Probabilities for one word. The arrays are views that many words share: do not write."""

    marks: Probabilities
    """Shape (9,), in the order of `MARKS`. A mark that the model does not know has 0."""
    cases: Probabilities
    """Shape (3,), in the order of `CASES`. Means nothing for a word without letters."""


class Punctuator(Protocol):
    """A loaded model. May be called from several threads at once."""

    @property
    def name(self) -> str:
        """What the model is called, for logs."""
        ...

    def label(self, texts: Sequence[Sequence[str]]) -> list[list[WordLabels]]:
        """Label the words of several texts, of one person or of many.

        Args:
            texts: rows of words without the marks around them, in any case, of any length and in any
                number; what is put before a text as context is labelled too, and the caller drops it.

        Returns:
            As many rows as texts, as many labels as words. A text's labels do not depend on the
            other texts but for rounding.
        """
        ...
