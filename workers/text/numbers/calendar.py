"""Dates, years, decades, centuries and rulers."""

from typing import Final

from workers.text.numbers.formats import ordinal, roman
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import (
    CENTURIES,
    MONARCHS,
    MONTHS,
    MOST_OF_RULERS,
    YEARS,
    YEARS_MANY,
)

_FIRST_YEAR: Final = 1000
_LAST_YEAR: Final = 2199
_LAST_CENTURY: Final = 30
_MANY: Final = frozenset("е х ми".split())


def dates(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать пятого января две тысячи двадцать четвертого»."""
    day = row.number(place)
    if day is None or not day.is_ordinal or not 1 <= day.value <= 31:
        return ()
    month = place + day.length
    if row.follows(month - 1) not in MONTHS:
        return ()
    pieces: list[Piece] = [(day.length, str(day.value)), (1, None)]
    year = row.number(month + 1) if row.joined(month) else None
    if year is not None and year.is_ordinal and _FIRST_YEAR <= year.value <= _LAST_YEAR:
        pieces.append((year.length, str(year.value)))
    return tuple(pieces)


def years(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в две тысячи двадцать четвертом году», «девяностые годы», «двухтысячные»."""
    year = row.number(place)
    if year is None or not year.is_ordinal or year.value < 10:
        return ()
    noun = row.follows(place + year.length - 1)
    is_decade = year.value % 10 == 0 and (
        noun in YEARS_MANY or (noun in YEARS and year.ending in _MANY)
    )
    if is_decade:
        return ((year.length, ordinal(year.value, year.ending)),)
    if noun in YEARS and 100 <= year.value <= _LAST_YEAR:
        return ((year.length, str(year.value)),)
    if (
        row.precedes(place) in MONTHS
        and _FIRST_YEAR <= year.value <= _LAST_YEAR
        and year.length > 1
    ):
        return ((year.length, str(year.value)),)
    return ()


def centuries(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцатый век», also «в девятнадцатом и двадцатом веках»."""
    pieces: list[Piece] = []
    while True:
        century = row.number(place)
        if century is None or not century.is_ordinal or not 1 <= century.value <= _LAST_CENTURY:
            return ()
        pieces.append((century.length, roman(century.value)))
        last = place + century.length - 1
        if row.follows(last) in CENTURIES:
            return tuple(pieces)
        if row.follows(last) not in {"и", "или", "в", "до"} or not row.joined(last + 1):
            return ()
        pieces.append((1, None))
        place = last + 2


def rulers(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «Петр Первый», «при Екатерине Второй»."""
    number = row.number(place)
    if number is None or not number.is_ordinal or not 1 <= number.value <= MOST_OF_RULERS:
        return ()
    name = row.precedes(place)
    if (
        not name.startswith(MONARCHS)
        or not row.tokens[place - 1].word[:1].isupper()
        or row.follows(place + number.length - 1) in {"раз", "день", "класс", "год", "месяц"}
    ):
        return ()
    if place < 2 and not row.tokens[place].word[:1].isupper() and number.value > 1:
        return ()
    return ((number.length, roman(number.value)),)


def is_year(number: Number) -> bool:
    """Tell whether an ordinal is one of a year by its size."""
    return number.is_ordinal and _FIRST_YEAR <= number.value <= _LAST_YEAR
