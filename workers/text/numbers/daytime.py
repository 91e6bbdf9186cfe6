"""Times of day."""

from typing import Final

from workers.text.numbers.changes import change
from workers.text.numbers.clocks import (
    after_a_time,
    at_a_time,
    is_counted,
    is_hour,
    is_minute,
    timetable,
)
from workers.text.numbers.counted import can_be_counted
from workers.text.numbers.formats import clock
from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import AT, DAYTIMES, EXACT, HOURS

_MINUTES: Final = frozenset("минута минуты минут минуту минутам минутами минутах".split())
_LINKS: Final = {"с": "до", "со": "до", "от": "до", "между": "и"}
_FROM: Final = frozenset("с со от".split())


def clocks(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в семнадцать тридцать», «девять ноль ноль», «в пять часов двадцать минут», and lists."""
    found = (
        _hyphenated(row, place)
        or at_a_time(row, place)
        or _half_past_one(row, place)
        or _with_nouns(row, place)
        or _begun_in_digits(row, place)
        or _from_to(row, place)
        or timetable(row, place)
    )
    return (*found, *after_a_time(row, place + sum(length for length, _ in found))) if found else ()


def _from_to(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «с девяти до восемнадцати ноль ноль»: what begins at a time ends at one."""
    hour = row.amount(place)
    if hour is None or not is_hour(hour):
        return ()
    link = place + hour.length
    if row.precedes(place) not in _FROM or row.follows(link - 1) != "до" or not row.joined(link):
        return ()
    end = at_a_time(row, link + 1)
    return ((hour.length, clock(hour.value, 0)), (1, None), *end) if end else ()


def _hyphenated(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в семь-сорок»."""
    low, _, high = row.key(place).partition("-")
    hour, minute = NUMERALS.get(low), NUMERALS.get(high)
    if hour is None or minute is None or hour.is_ordinal or minute.is_ordinal:
        return ()
    if row.precedes(place) not in EXACT or hour.value >= 24 or not 20 <= minute.value < 60:
        return ()
    ends = hour.value < 10 and row.number(place + 1) is None
    return ((1, clock(hour.value, minute.value)),) if ends else ()


def _half_past_one(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в час тридцать»."""
    if row.key(place) != "час" or row.precedes(place) not in AT or not row.joined(place):
        return ()
    minute = row.number(place + 1)
    if minute is None or not is_minute(minute) or minute.value < 10:
        return ()
    after = row.follows(place + minute.length)
    if after in _MINUTES:
        return ((minute.length + 2, clock(1, minute.value)),)
    if is_counted(row, place, minute.value, after):
        return ()
    return ((minute.length + 1, clock(1, minute.value)),)


def _with_nouns(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в пять часов двадцать минут»; without «в» it may be how long something takes."""
    hour = row.amount(place)
    if hour is None or not is_hour(hour) or row.precedes(place) not in AT:
        return ()
    noun = place + hour.length
    if row.follows(noun - 1) not in HOURS or not row.joined(noun):
        return ()
    minute = row.amount(noun + 1)
    if minute is None or not is_minute(minute):
        return ()
    if row.follows(noun + minute.length) not in _MINUTES:
        return ()
    return ((hour.length + minute.length + 2, clock(hour.value, minute.value)),)


def _begun_in_digits(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в 17 тридцать»."""
    hour = row.amount(place)
    if hour is None or not is_hour(hour) or row.precedes(place) not in AT or not row.joined(place):
        return ()
    minute = row.number(place + 1)
    if minute is None or not is_minute(minute) or minute.value < 10:
        return ()
    if is_counted(row, place, minute.value, row.follows(place + minute.length)):
        return ()
    if change(row, place) is not None:
        return ((1 + minute.length, None),)
    return ((1 + minute.length, clock(hour.value, minute.value)),)


def parts_of_day(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в семь вечера», «до десяти утра», «девять утра»; not «два вечера подряд»."""
    hour = row.number(place)
    if hour is None or not is_hour(hour) or not 1 <= hour.value <= 12:
        return ()
    part = row.follows(place + hour.length - 1)
    if part not in DAYTIMES:
        return ()
    before = row.precedes(place)
    if hour.value < 5 and (before not in AT or (part == "дня" and before not in {"в", "к"})):
        return ()
    return ((hour.length, str(hour.value)),)


def from_part_to_part(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «с пяти до шести вечера», «с семи утра до девяти»: both in digits."""
    first = row.number(place)
    before = row.precedes(place)
    if first is None or not _is_of_day(first) or before not in _LINKS:
        return ()
    at = place + first.length
    has_part = row.follows(at - 1) in DAYTIMES
    link = at + has_part
    if row.follows(link - 1) != _LINKS[before] or not row.joined(link):
        return ()
    found = row.cardinals(link + 1, 2)
    if len(found) != 1 or not _is_of_day(found[0]):
        return ()
    after = row.follows(link + found[0].length)
    if after not in DAYTIMES and (not has_part or can_be_counted(found[0].value, after)):
        return ()
    end: Piece = (found[0].length, str(found[0].value))
    return ((first.length, str(first.value)), (1 + has_part, None), end)


def _is_of_day(hour: Number) -> bool:
    return is_hour(hour) and 1 <= hour.value <= 12


def said_in_words(row: Row, place: int) -> tuple[Piece, ...]:
    """Keep «без двадцати двенадцать», «двадцать минут одиннадцатого», «шел двенадцатый час»."""
    number = row.number(place)
    length = 0
    if number is not None and number.is_ordinal and _names_an_hour(row, place, number):
        length = number.length
    elif number is not None and is_minute(number):
        length = _to_or_past(row, place, number)
    return ((length, None),) if length else ()


def _to_or_past(row: Row, place: int, number: Number) -> int:
    """Give how many words «двадцати двенадцать» has after «без», or «двадцать минут первого»."""
    after = place + number.length
    following = row.follows(after - 1)
    has_noun = following in _MINUTES
    end = after + has_noun
    hour = row.number(end) if row.joined(end - 1) else None
    if row.precedes(place) == "без" and not number.nominative and number.value < 30:
        if hour is not None and hour.nominative and is_hour(hour) and hour.value <= 12:
            return end + hour.length - place
        if (has_noun and number.value == 5) or not following:
            return end - place
    if has_noun and hour is not None and _is_past(hour):
        return end + hour.length - place
    return 0


def _is_past(hour: Number) -> bool:
    return hour.ending == "го" and 1 <= hour.value <= 12


def _names_an_hour(row: Row, place: int, hour: Number) -> bool:
    before, after = row.precedes(place), row.follows(place + hour.length - 1)
    if hour.value > 12:
        return False
    if after in {"час", "часа", "часу"} or (before == "в" and row.precedes(place - 1) == "часу"):
        return True
    if not _is_past(hour):
        return False
    if before.startswith("половин") or before in {"четверть", "четверти"}:
        return True
    return before in {"начале", "начало", "конце"} and not after
