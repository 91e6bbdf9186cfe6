"""Halves, «две с половиной тысячи», and ranges that end in them, «от двух до трёх с половиной»."""

from typing import Final

from workers.text.numbers.formats import decimal, grouped
from workers.text.numbers.quantities import SMALL, THOUSAND, written
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import GENITIVES, MEASURES, ONE_AND_A_HALF, PERCENT

_HALF: Final = 2
"""«С половиной» is so many words."""
_LINKS: Final = {"с": "до", "со": "до", "от": "до", "между": "и"}


def halves(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «две с половиной тысячи», «полтора миллиона», «два с половиной процента»."""
    if row.key(place) in ONE_AND_A_HALF:
        return _with_noun(row, 1, "1,5", place, has_measure=False)
    whole = row.amount(place)
    return () if whole is None else _half(row, place, whole, is_digits=whole.value >= SMALL)


def ranges_of_halves(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «с шестнадцати до семнадцати с половиной процентов», «от двух с половиной до трёх часов»."""
    first = row.amount(place)
    if first is None or first.scales:
        return ()
    link = place + first.length
    is_half = row.has_half(link - 1)
    link += _HALF * is_half
    expected = _LINKS.get(row.precedes(place), "или")
    if row.follows(link - 1) != expected or not row.joined(link):
        return ()
    second = row.amount(link + 1)
    if second is None:
        return ()
    is_digits = max(first.value, second.value) >= SMALL
    ends_in_half = row.has_half(link + second.length)
    if ends_in_half:
        end = _half(row, link + 1, second, is_digits=is_digits)
    else:
        end = _whole(row, link + 1, second, is_digits=is_digits) if is_half else ()
    if not end:
        return ()
    text = decimal(first.value, 5, 1) if is_half else grouped(first.value)
    return ((link - place, text), (1, None), *end)


def _half(row: Row, place: int, whole: Number, *, is_digits: bool) -> tuple[Piece, ...]:
    """Write a number and a half, and what it counts; in words if nothing asks for digits."""
    last = place + whole.length - 1
    if whole.scales or not row.has_half(last):
        return ()
    length, text = whole.length + _HALF, decimal(whole.value, 5, 1)
    found = _with_noun(row, length, text, last + _HALF, has_measure=True)
    if found or not is_digits:
        return found
    return _in_genitive(length, text, row.follows(last + _HALF))


def ending_in_half(row: Row, length: int, text: str, last: int) -> tuple[Piece, ...]:
    """Write «шестнадцать-семнадцать с половиной», and what it counts.

    Args:
        row: the text.
        length: how many words the numbers take.
        text: the numbers, written.
        last: the place of their last word.
    """
    noun = row.follows(last + _HALF)
    if noun in PERCENT:
        return ((length + _HALF + 1, f"{text},5%"),)
    return _in_genitive(length + _HALF, f"{text},5", noun)


def _whole(row: Row, place: int, number: Number, *, is_digits: bool) -> tuple[Piece, ...]:
    """Write the number that a range ends in which began with a half."""
    noun = row.follows(place + number.length - 1)
    if noun in PERCENT:
        return ((number.length + 1, f"{grouped(number.value)}%"),)
    if 0 < number.before_scale < THOUSAND:
        return ((number.length - 1, grouped(number.before_scale)), (1, None))
    if number.scales or not (is_digits or noun in MEASURES):
        return ()
    return written(number)


def _with_noun(
    row: Row, length: int, text: str, last: int, *, has_measure: bool
) -> tuple[Piece, ...]:
    noun = row.follows(last)
    if noun in PERCENT:
        return ((length + 1, f"{text}%"),)
    if (noun and row.scale(last + 1)) or (has_measure and noun in MEASURES):
        return _in_genitive(length, text, noun)
    return ()


def _in_genitive(length: int, text: str, noun: str) -> tuple[Piece, ...]:
    """Write a decimal and what it counts: «двенадцать с половиной часов» are 12,5 часа."""
    genitive = GENITIVES.get(noun, noun)
    return ((length, text), (1, genitive)) if genitive != noun else ((length, text),)
