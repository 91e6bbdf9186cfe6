"""What a rule wants written instead of the words from some place on."""

from collections.abc import Callable
from typing import TypeAlias

from workers.text.numbers.runs import Row

Piece: TypeAlias = tuple[int, str | None]
"""How many words, and the one written instead of them; None: they stay as they are."""
Rule: TypeAlias = Callable[[Row, int], tuple[Piece, ...]]
"""Looks at a row from a place on; gives pieces, next to each other, or () if it has nothing to say."""
