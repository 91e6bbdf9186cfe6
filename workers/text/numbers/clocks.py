"""Times of day that are said as two numbers, alone and in lists.

«Семь тридцать» and «восемь ноль пять» are times after a word such as «в», or beside another time: «в
семь ноль пять, семь тридцать и восемь десять». After «поезд» only the latter is one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from workers.text.numbers.changes import change
from workers.text.numbers.counted import MANY, can_be_counted
from workers.text.numbers.formats import clock
from workers.text.numbers.named import is_named
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import (
    AT,
    DAYTIMES,
    EVENTS,
    EXACT,
    MEASURES,
    OCCASIONS,
    SCORES,
    VEHICLES,
)

_PLAINLY_COUNTED: Final = ("ов", "ев", "ей", "ых", "их")
_O_CLOCK: Final = frozenset("ноль-ноль ноль-нуль нуль-нуль".split())
_LINKS: Final = frozenset("и или".split())
_NOW: Final = frozenset("сейчас уже".split())
_ENOUGH: Final = 3
"""So many pairs that rise like times of day are a timetable, whatever stands before."""
_MINUTES_IN_TWO_DIGITS: Final = 10
_LOOKED_AHEAD: Final = 12
"""So many pairs are looked at for one that is surely a time, so that the work stays linear."""
_IN_DIGITS: Final = re.compile("[0-2]?[0-9]:[0-5][0-9]")
_FIRST_EVIDENT: Final = 2
"""«Один ноль три» is whom one calls; the hour is «час ноль три»."""


@dataclass(frozen=True, slots=True)
class _Clock:
    hour: int
    minute: int
    length: int
    """How many words it took."""
    is_sure: bool

    @property
    def time(self) -> tuple[int, int]:
        return self.hour, self.minute


def is_hour(number: Number | None) -> bool:
    """Tell whether a number can be an hour."""
    return number is not None and not number.is_ordinal and number.value < 24 and not number.scales


def is_minute(number: Number | None) -> bool:
    """Tell whether a number can be minutes."""
    return number is not None and not number.is_ordinal and number.value < 60 and not number.scales


def has_zero_of_time(numbers: Sequence[Number]) -> bool:
    """Tell whether numbers are like «восемь ноль пять»."""
    if len(numbers) != 3 or not all(is_hour(number) for number in numbers):
        return False
    return numbers[0].value >= _FIRST_EVIDENT and numbers[1].value == 0 and numbers[2].is_digit


def is_counted(row: Row, place: int, value: int, after: str) -> bool:
    """Tell whether the minutes of what could be a time count the word after them."""
    if row.precedes(place) in EXACT:
        return after in MEASURES or after in MANY or after.endswith(_PLAINLY_COUNTED)
    return after in MEASURES or can_be_counted(value, after)


def at_a_time(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «в семнадцать тридцать», «девять ноль ноль», «восемь ноль пять»."""
    found = _read(row, place)
    if found is None or not found.is_sure:
        return ()
    return ((found.length, clock(*found.time)),)


def timetable(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «семь десять, семь сорок, восемь двадцать»: one that is sure makes all of them times."""
    first = _read(row, place)
    if first is None:
        return ()
    found, at = [first], place + first.length
    pieces: list[Piece] = [(first.length, clock(*first.time))]
    while len(found) < _LOOKED_AHEAD and not found[-1].is_sure:
        link = _link(row, at)
        following = _read(row, at + link) if link is not None else None
        if link is None or following is None:
            break
        found.append(following)
        pieces += _next(link, following)
        at += link + following.length
    rises = len(found) >= _ENOUGH and all(a.time < b.time for a, b in pairwise(found))
    rises = rises and any(one.minute >= _MINUTES_IN_TWO_DIGITS for one in found)
    return tuple(pieces) if found[-1].is_sure or rises else ()


def after_a_time(row: Row, at: int) -> tuple[Piece, ...]:
    """Read what follows a time in a list, from the place after it: «, семь тридцать и восемь десять»."""
    pieces: list[Piece] = []
    while (link := _link(row, at)) is not None:
        found = _read(row, at + link) or _full_hour(row, at + link)
        if found is None:
            break
        pieces += _next(link, found)
        at += link + found.length
    return tuple(pieces)


def _full_hour(row: Row, place: int) -> _Clock | None:
    """Read «восемь» of «семь тридцать, восемь и девять пятнадцать»: a time must follow it, too."""
    found = row.cardinals(place, 2)
    if len(found) != 1 or not is_hour(found[0]):
        return None
    at = place + found[0].length
    link = _link(row, at)
    if link is None or _read(row, at + link) is None:
        return None
    return _Clock(found[0].value, 0, found[0].length, is_sure=False)


def _next(link: int, found: _Clock) -> list[Piece]:
    written: Piece = (found.length, clock(*found.time))
    return [(link, None), written] if link else [written]


def _link(row: Row, at: int) -> int | None:
    """Give how many words link a member of a list that ended to the next: 0 after a comma."""
    if at >= len(row):
        return None
    if row.follows(at - 1) in _LINKS and row.joined(at):
        return 1
    token = row.tokens[at - 1]
    return 0 if (token.trail, token.gap, row.tokens[at].lead) == (",", " ", "") else None


def _read(row: Row, place: int) -> _Clock | None:
    """Read two numbers that can be a time of day."""
    found = row.cardinals(place, 4)
    if not found or not is_hour(found[0]):
        return None
    hour, *rest = found
    minutes = [number.value for number in rest]
    end = place + hour.length
    before = row.precedes(place)
    at = before in AT or before in EVENTS or before.startswith(OCCASIONS)
    at = at or _is_beside_digits(row, place)
    is_one_word = row.follows(end - 1) in _O_CLOCK
    if is_one_word or minutes == [0, 0]:
        return _Clock(hour.value, 0, hour.length + (1 if is_one_word else 2), is_sure=True)
    if rest and change(row, place) is not None:
        rest = []
    if len(rest) == 2 and minutes[0] == 0 and rest[1].is_digit:
        after = row.follows(end + 1)
        is_sure = at or before in VEHICLES or before in _NOW or after in DAYTIMES
        can_be = has_zero_of_time(found) and before not in SCORES and not is_named(row, place)
        if (at or can_be) and after not in MEASURES:
            return _Clock(hour.value, minutes[1], hour.length + 2, is_sure=is_sure)
    elif len(rest) == 1 and is_minute(rest[0]) and minutes[0] >= _MINUTES_IN_TWO_DIGITS:
        length = hour.length + rest[0].length
        after = row.follows(place + length - 1)
        if after in DAYTIMES:
            return _Clock(hour.value, minutes[0], length, is_sure=True)
        if not is_counted(row, place, minutes[0], after):
            return _Clock(hour.value, minutes[0], length, is_sure=at)
    return None


def _is_beside_digits(row: Row, place: int) -> bool:
    """Tell whether a time that is in digits already stands before it in a list."""
    for back in (1, 2):
        if place >= back and _link(row, place - back + 1) == back - 1:
            is_time = _IN_DIGITS.fullmatch(row.key(place - back)) is not None
            if is_time and row.precedes(place - back) not in SCORES:
                return True
    return False
