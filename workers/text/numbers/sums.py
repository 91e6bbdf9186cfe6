"""Sums: «двадцать разделить на пять» has its numbers alike, in digits or in words."""

from typing import Final

from workers.text.numbers.formats import grouped
from workers.text.numbers.quantities import SMALL
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import PERCENT

_SIGNS: Final = frozenset(("плюс", "минус"))
_ACTIONS: Final = frozenset(
    f"{word}{ending}"
    for ending in ("", "м", "ть", "шь")
    for word in ("умножи", "помножи", "раздели", "подели", "дели")
) | frozenset(("умноженное", "умноженная", "деленное", "деленная", "деленный"))
"""Before «на»."""
_RESULTS: Final = frozenset(("равно", "будет", "равняется"))


def sums(row: Row, place: int) -> tuple[Piece, ...]:
    """Write all numbers of a sum in digits where one of them is: «сто минус семь равно девяносто три»."""
    first = _operand(row, place)
    if first is None:
        return ()
    pieces: list[Piece] = [(first.length, grouped(first.value))]
    values = [first.value]
    at = place + first.length
    while (between := _between(row, at)) and (number := _operand(row, at + between)) is not None:
        pieces += [(1, None)] * between + [_written(row, at + between, number)]
        values.append(number.value)
        at = place + sum(length for length, _ in pieces)
    is_sum = len(values) > 1 and row.key(place + first.length) not in _RESULTS
    return tuple(pieces) if is_sum and max(values) >= SMALL else ()


def _operand(row: Row, place: int) -> Number | None:
    number = row.amount(place)
    if number is None or number.is_ordinal or not number.first.nominative:
        return None
    return (
        None
        if row.number(place + number.length) and row.joined(place + number.length - 1)
        else number
    )


def _between(row: Row, at: int) -> int:
    """Give how many words of an action stand at a place, right after a number; 0: none do."""
    word = row.follows(at - 1)
    if word in _ACTIONS:
        return 2 if row.follows(at) == "на" and row.joined(at + 1) else 0
    return 1 if word in _SIGNS | _RESULTS and row.joined(at) else 0


def _written(row: Row, place: int, number: Number) -> Piece:
    if row.follows(place + number.length - 1) in PERCENT:
        return number.length + 1, f"{grouped(number.value)}%"
    return number.length, grouped(number.value)
