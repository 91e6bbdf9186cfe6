"""Numbers that name: telephone numbers, codes, rooms and houses."""

import re
from typing import Final

from workers.text.numbers.formats import GROUP, grouped
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import CODES, ENDS_A_LABEL, LABELS

_MOST_NUMBERS: Final = 16
_TELEPHONE: Final = re.compile(r"(\+7|8)(\d{3})(\d{3})(\d{2})(\d{2})")
_SINGLE_DIGITS: Final = 4
"""So many digits said one by one are a code, whatever stands before."""


def telephones(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «восемь девятьсот двенадцать сто двадцать три сорок пять шестьдесят семь»."""
    has_plus = row.key(place) == "плюс" and row.joined(place)
    numbers = row.numbers(place + has_plus, _MOST_NUMBERS)
    digits, length = "+" if has_plus else "", int(has_plus)
    wanted = len("+79991234567") if has_plus else len("89991234567")
    for number in numbers:
        if number.is_ordinal or number.scales:
            return ()
        digits += str(number.value)
        length += number.length
        if len(digits) >= wanted:
            break
    found = _TELEPHONE.fullmatch(digits)
    if found is None or row.number(place + length) is not None and row.joined(place + length - 1):
        return ()
    country, city, *rest = found.groups()
    return ((length, f"{country}{GROUP}{city}{GROUP}{'-'.join(rest)}"),)


def codes(row: Row, place: int) -> tuple[Piece, ...]:
    """Read digits said one by one: «один два три четыре»."""
    numbers = row.numbers(place, _MOST_NUMBERS)
    after_code = row.precedes(place) in CODES
    if after_code and len(numbers) > 1 and all(_is_part_of_code(number) for number in numbers):
        return ((_length(numbers), "".join(str(number.value) for number in numbers)),)
    digits: list[Number] = []
    for number in numbers:
        if not number.is_digit or not number.nominative:
            break
        digits.append(number)
    if len(digits) < _SINGLE_DIGITS:
        return ()
    return ((_length(digits), "".join(str(number.value) for number in digits)),)


def _is_part_of_code(number: Number) -> bool:
    return not number.is_ordinal and not number.scales and number.nominative


def _length(numbers: list[Number]) -> int:
    return sum(number.length for number in numbers)


def labelled(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «кабинет двести пять», «дом пять», «номер один»."""
    number = row.number(place)
    if number is None or number.is_ordinal or number.is_bare or not number.nominative:
        return ()
    if row.precedes(place) not in LABELS:
        return ()
    after = row.follows(place + number.length - 1)
    if number.value < 10 and after and after not in ENDS_A_LABEL and after not in LABELS:
        return ()
    return ((number.length, grouped(number.value)),)
