"""Dates, years, decades, centuries and rulers."""

from typing import Final

from workers.text.numbers.formats import ordinal, roman
from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.series import hyphenated, longest
from workers.text.numbers.surroundings import (
    CENTURIES,
    MONARCHS,
    MONTHS,
    MOST_OF_RULERS,
    TITLES,
    YEARS,
    ZEROS,
)

_FIRST_YEAR: Final = 1000
_LAST_YEAR: Final = 2199
_LAST_DAY: Final = 31
_LAST_CENTURY: Final = 30
_HUNDREDS: Final = frozenset((19, 20))
_STAGES: Final = ("начал", "конец", "конц", "середин", "половин", "рубеж", "четверт", "трет")
_FURTHEST_STAGE: Final = 5
_BETWEEN_STAGES: Final = frozenset("и или до по в во на к с самый самое самом самого".split())
_MANY: Final = frozenset("е х ми".split())
_NO_RULER: Final = frozenset("раз день класс год месяц час".split())


def dates(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать пятого января две тысячи двадцать четвертого», «с пятого по седьмое мая»."""
    days = longest(row, place, MONTHS)
    if days is None or not all(1 <= day.value <= _LAST_DAY for day in days.members):
        return ()
    pieces: list[Piece] = [*days.pieces(lambda day: str(day.value)), (1, None)]
    month = place + days.length
    year = row.number(month + 1) if row.joined(month) else None
    if year is not None and _is_year(year):
        pieces.append((year.length, str(year.value)))
    return tuple(pieces)


def dates_in_digits(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать пятое ноль первое две тысячи пятого», «ноль первого ноль второго двадцать шестого».

    The month is an ordinal, too, or both are cardinals before a year of four digits.
    """
    has_zero_before = row.key(place) in ZEROS and row.joined(place)
    found = row.numbers(place + has_zero_before, 4)
    if len(found) < 3 or not 1 <= found[0].value <= (9 if has_zero_before else _LAST_DAY):
        return ()
    day, *rest = found
    has_zero = rest[0].value == 0
    month, *rest = rest[has_zero:]
    is_month = 1 <= month.value <= 9 if has_zero else 10 <= month.value <= 12
    if month.is_ordinal != day.is_ordinal or not is_month:
        return ()
    written = f"{day.value:02}.{month.value:02}"
    length = has_zero_before + day.length + has_zero + month.length
    if rest and _is_year(rest[0]):
        return ((length + rest[0].length, f"{written}.{rest[0].value}"),)
    is_sure = has_zero and day.is_ordinal
    if is_sure and rest and rest[0].ending == "го" and rest[0].value < 100:
        return ((length + rest[0].length, f"{written}.{rest[0].value:02}"),)
    return ((length, written),) if is_sure else ()


def years(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в две тысячи двадцать четвертом году», «девяностые годы», «двухтысячные»."""
    year = row.number(place)
    if year is None or not year.is_ordinal or year.value < 10:
        return ()
    noun = row.follows(place + year.length - 1)
    is_decade = year.value % 10 == 0 and year.ending in _MANY
    if is_decade and (noun in YEARS or year.value == 2000):
        return ((year.length, ordinal(year.value, year.ending)),)
    some = longest(row, place, YEARS)
    if some is not None and all(_is_year(member) for member in some.members):
        return some.pieces(lambda member: str(member.value))
    if noun in YEARS and 100 < year.value <= _LAST_YEAR:
        return ((year.length, str(year.value)),)
    if row.precedes(place) in MONTHS and _is_year(year) and year.length > 1:
        return ((year.length, str(year.value)),)
    return ()


def years_in_halves(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в двадцать двадцать пятом году», «в девятнадцать сорок пятом году»."""
    found = row.numbers(place, 2)
    if len(found) < 2 or found[0].value not in _HUNDREDS or found[0].is_ordinal:
        return ()
    century, year = found
    length = century.length + year.length
    if not year.is_ordinal or not 10 <= year.value < 100 or century.length > 1:
        return ()
    if row.follows(place + length - 1) not in YEARS:
        return ()
    return ((length, f"{century.value}{year.value}"),)


def parts_of_centuries(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «конец девятнадцатого — начало двадцатого века»: the century is said once, at the end."""
    number = row.number(place)
    if number is None or not _is_century(number) or not row.precedes(place).startswith(_STAGES):
        return ()
    first = at = place + number.length
    # «В конце первого тома описан конец девятнадцатого века»: the first is of something else.
    while at < min(len(row), first + _FURTHEST_STAGE) and not row.tokens[at - 1].ends_sentence:
        last = row.number(at)
        if last is not None and row.precedes(at).startswith(_STAGES):
            is_end = _is_century(last) and row.follows(at + last.length - 1) in CENTURIES
            return ((number.length, roman(number.value)),) if is_end else ()
        if not (_is_between_stages(row.key(at)) or row.key(at).startswith(_STAGES)):
            return ()
        at += 1
    return ()


def _is_between_stages(key: str) -> bool:
    number = NUMERALS.get(key)
    return key in _BETWEEN_STAGES or (number is not None and number.is_ordinal)


def _is_century(number: Number) -> bool:
    return number.ending == "го" and 1 <= number.value <= _LAST_CENTURY


def centuries(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцатый век», also «в девятнадцатом и двадцатом веках»."""
    some = longest(row, place, CENTURIES)
    if some is not None:
        if not all(1 <= member.value <= _LAST_CENTURY for member in some.members):
            return ()
        ending = some.members[0].ending
        if ending in {"х", "ми"} or (ending == "е" and some.noun.endswith("а")):
            return ()  # «первые века»
        return some.pieces(lambda member: roman(member.value))
    both = hyphenated(row, place)
    if both is None or both.second.value > _LAST_CENTURY:
        return ()
    if row.follows(place + both.length - 1) not in CENTURIES:
        return ()
    return ((both.length, f"{roman(both.first.value)}–{roman(both.second.value)}"),)


def spans(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «второго-третьего мая», «двадцатых-тридцатых годов»."""
    both = hyphenated(row, place)
    if both is None:
        return ()
    first, second = both.first, both.second
    noun = row.follows(place + both.length - 1)
    if noun in MONTHS and second.value <= _LAST_DAY:
        return ((both.length, f"{first.value}–{second.value}"),)
    if noun in YEARS and first.value % 10 == second.value % 10 == 0:
        return ((both.length, f"{first.value}–{ordinal(second.value, second.ending)}"),)
    if noun in YEARS and _is_year(first) and _is_year(second):
        return ((both.length, f"{first.value}–{second.value}"),)
    return ()


def rulers(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «Петр Первый», «при Екатерине Второй», «царь Николай второй»; not «Николай первый»."""
    number = row.number(place)
    if number is None or not number.is_ordinal or not 1 <= number.value <= MOST_OF_RULERS:
        return ()
    if (
        not row.precedes(place).startswith(MONARCHS)
        or not row.tokens[place - 1].word[:1].isupper()
        or row.follows(place + number.length - 1) in _NO_RULER
    ):
        return ()
    is_name = row.tokens[place].word[:1].isupper()
    title = row.precedes(place - 1)
    if not is_name and title != "при" and not title.startswith(TITLES):
        return ()
    return ((number.length, roman(number.value)),)


def _is_year(number: Number) -> bool:
    """Tell whether an ordinal is one of a year by its size."""
    return number.is_ordinal and _FIRST_YEAR <= number.value <= _LAST_YEAR
