"""Times of day."""

from workers.text.numbers.formats import clock
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import AT, DAYTIMES

_HOURS = frozenset("час часа часов часам часами часах".split())
_MINUTES = frozenset("минута минуты минут минуту минутам минутами минутах".split())


def _hour(number: Number | None) -> bool:
    return number is not None and not number.is_ordinal and number.value < 24 and not number.scales


def _minute(number: Number | None) -> bool:
    return (
        number is not None and not number.is_ordinal and number.value < 60 and not number.scales
    )


def clocks(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в семнадцать тридцать», «девять ноль ноль», «в пять часов двадцать минут»."""
    found = row.numbers(place, 4)
    at = row.precedes(place) in AT
    if not found or not _hour(found[0]):
        return ()
    hour = found[0].value
    after = [number.value for number in found[1:]]
    if after[:2] == [0, 0] and len(found) == 3:
        return ((found[0].length + 2, clock(hour, 0)),)
    if at and len(found) == 3 and after[0] == 0 and found[2].is_digit and after[1]:
        return ((found[0].length + 2, clock(hour, after[1])),)
    if at and len(found) == 2 and _minute(found[1]) and after[0] >= 10:
        end = place + found[0].length + found[1].length - 1
        if row.follows(end) in _MINUTES or row.follows(end) == "" or _ends(row, end):
            return ((found[0].length + found[1].length, clock(hour, after[0])),)
    return _with_nouns(row, place, at=at)


def _ends(row: Row, end: int) -> bool:
    """Tell whether what follows is no noun that the second number could count."""
    return not row.follows(end).endswith(("ов", "ев", "ей", "ек", "ок", "ров", "лей", "тысяч"))


def _with_nouns(row: Row, place: int, *, at: bool) -> tuple[Piece, ...]:
    hour = row.number(place)
    if hour is None or not _hour(hour):
        return ()
    noun = place + hour.length
    if row.follows(noun - 1) not in _HOURS or not row.joined(noun):
        return ()
    minute = row.number(noun + 1)
    if minute is None or not _minute(minute) or not at:
        return ()
    if row.follows(noun + minute.length) not in _MINUTES:
        return ()
    length = hour.length + 1 + minute.length + 1
    return ((length, clock(hour.value, minute.value)),)


def parts_of_day(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в семь вечера», «до десяти утра»."""
    hour = row.number(place)
    if not (hour is not None and _hour(hour) and 1 <= hour.value <= 12):
        return ()
    part = row.follows(place + hour.length - 1)
    if part not in DAYTIMES or row.precedes(place) not in AT:
        return ()
    if part == "дня" and row.precedes(place) not in {"в", "к", "на"}:
        return ()
    return ((hour.length, str(hour.value)),)
