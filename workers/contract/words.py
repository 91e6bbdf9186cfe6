"""A word and when it was said."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a text, with its place in the window."""

    text: str
    """As written, with the marks that stick to it, without surrounding blanks."""
    start: int
    """First sample, counted from the start of the window."""
    end: int
    """Sample after the last, counted from the start of the window."""
    probability: float
    """0.0 to 1.0: mean probability of the word's tokens."""
