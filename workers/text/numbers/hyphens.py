"""Two numbers joined by a hyphen: «двадцать-тридцать», «сто двадцать-сто тридцать»."""

from dataclasses import dataclass
from typing import Final

from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.runs import Number, Row
from workers.text.tokens import Token

_LONGEST: Final = 8
"""So many words each of the two numbers can take."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Two numbers with a hyphen between them."""

    first: Number
    second: Number
    length: int
    """How many words both take; the one with the hyphen counts once."""


def joined_by_hyphen(row: Row, place: int) -> Joined | None:
    """Read two numbers that a hyphen joins, whole or not at all; None: there are no such.

    The hyphen stands in the last word of the first number: «пять-тридцать» of «двадцать пять-тридцать».
    """
    at = _place_of_hyphen(row, place)
    if at is None:
        return None
    low = row.key(at).partition("-")[0]
    before = Row((*row.tokens[place:at], Token(low)))
    first = before.number(0)
    if first is None or first.length != len(before):
        return None
    after = _after_hyphen(row, at)
    second = after.number(0)
    if second is not None and second.is_ordinal and not first.is_ordinal:
        second = Row(after.tokens[:1]).number(
            0
        )  # «двадцать-тридцать третий»: the ordinal is another
    if second is None or second.is_ordinal != first.is_ordinal:
        return None
    return Joined(first, second, at - place + second.length)


def _after_hyphen(row: Row, at: int) -> Row:
    opened = row.tokens[at]
    high = Token(row.key(at).partition("-")[2], trail=opened.trail, gap=opened.gap)
    return Row((high, *row.tokens[at + 1 : at + _LONGEST]))


def _place_of_hyphen(row: Row, place: int) -> int | None:
    for at in range(place, place + _LONGEST):
        low, dash, high = row.key(at).partition("-")
        if dash:
            return at if low in NUMERALS and high in NUMERALS else None
        if low not in NUMERALS or not row.joined(at):
            return None
    return None


def left_in_words(row: Row, place: int) -> int:
    """Give how many words from a place on are such a pair that no rule understood, both numbers."""
    at = _place_of_hyphen(row, place)
    if at is None:
        return 0
    second = _after_hyphen(row, at).number(0)
    return at - place + (1 if second is None else second.length)
