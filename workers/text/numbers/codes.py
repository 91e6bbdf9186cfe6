"""Digits said one by one or in groups: codes, versions, addresses on the net, scores."""

from collections.abc import Sequence
from typing import Final

from workers.text.numbers.clocks import has_zero_of_time, is_named
from workers.text.numbers.counted import can_be_counted
from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import AT, CALLS, CODES, LABELS, SCORES, VERSIONS

_MOST_NUMBERS: Final = 64
"""Longer rows are read in parts, so that they take linear time."""
_SINGLE_DIGITS: Final = 4
"""So many digits said one by one are a code, whatever stands before."""
_FEW_DIGITS: Final = 3
"""So many are one after a name, «рейс два четыре шесть», or alone: «звони один один два»."""
_LOOKED_BACK: Final = 3
_NUMBERED: Final = frozenset("карты счета паспорта полиса договора заказа".split())
"""After «номер» these do not hide that a code follows."""
_MOST_DOTTED: Final = 8


def is_after_code(row: Row, place: int) -> bool:
    """Tell whether a code is announced just before: «код», «код от домофона»."""
    for back in range(1, _LOOKED_BACK + 1):
        before = place - back
        if before < 0 or row.tokens[before].ends_sentence or "," in row.tokens[before].trail:
            return False
        if row.key(before) in CODES:
            return back == 1 or row.key(before) != "номер" or row.key(before + 1) in _NUMBERED
        if row.number(before) is not None or row.key(before)[:1].isdigit():
            return False
    return False


def codes(row: Row, place: int) -> tuple[Piece, ...]:
    """Read digits said one by one, «один два три четыре», or in groups after «код»."""
    number = row.number(place)
    if number is None or not _is_part(number):
        return ()
    announced = is_after_code(row, place)
    if not announced and not number.is_digit:
        return ()
    numbers = row.cardinals(place, _MOST_NUMBERS)
    if announced and len(numbers) > 1 and all(_is_part(part) for part in numbers):
        return _together(numbers)
    if has_zero_of_time(numbers) and not is_named(row, place):
        return ()
    digits: list[Number] = []
    for part in numbers:
        if not part.is_digit or not part.nominative:
            break
        digits.append(part)
    before = row.precedes(place)
    is_time = before in AT or not any(part.value for part in digits[1:])
    alone = len(digits) == len(numbers) and not row.follows(place + len(digits) - 1)
    is_code = len(digits) >= _SINGLE_DIGITS or before in LABELS or before.startswith(CALLS)
    if len(digits) >= _FEW_DIGITS and (is_code or (alone and not is_time)):
        return _together(digits)
    return ()


def _together(numbers: Sequence[Number]) -> tuple[Piece, ...]:
    length = sum(number.length for number in numbers)
    return ((length, "".join(str(number.value) for number in numbers)),)


def _is_part(number: Number) -> bool:
    return not number.is_ordinal and not number.scales and number.nominative


def dotted(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «версия три точка один», «сто девяносто два точка сто шестьдесят восемь точка …»."""
    parts: list[Number] = []
    at = place
    while len(parts) < _MOST_DOTTED:
        number = row.number(at)
        if number is None or not _is_part(number):
            return ()
        parts.append(number)
        at += number.length
        if row.follows(at - 1) != "точка" or not row.joined(at):
            break
        at += 1
    before = row.precedes(place)
    if len(parts) < 2 or (len(parts) == 2 and before not in VERSIONS and not before.isascii()):
        return ()
    if len(parts) == 2 and not before:
        return ()
    return ((at - place, ".".join(str(part.value) for part in parts)),)


def versions(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «версия два ноль»."""
    if row.precedes(place) not in VERSIONS:
        return ()
    found = row.cardinals(place, 3)
    if len(found) != 2 or not all(_is_part(part) for part in found) or found[1].length > 1:
        return ()
    length = found[0].length + 1
    if can_be_counted(found[1].value, row.follows(place + length - 1)):
        return ()
    return ((length, f"{found[0].value}.{found[1].value}"),)


def scores(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «со счетом пять два», «со счетом три-ноль», and «двадцать четыре на семь»."""
    if row.keys[place : place + 4] == ("двадцать", "четыре", "на", "семь"):
        if all(row.joined(at) for at in range(place, place + 3)) and not row.follows(place + 3):
            return ((4, "24/7"),)
        return ()
    if row.precedes(place) not in SCORES:
        return ()
    low, _, high = row.key(place).partition("-")
    first, second = NUMERALS.get(low), NUMERALS.get(high)
    if first is not None and second is not None and not first.ending and not second.ending:
        return ((1, f"{first.value}:{second.value}"),)
    found = row.cardinals(place, 3)
    if len(found) != 2 or not all(_is_part(part) for part in found):
        return ()
    return ((found[0].length + found[1].length, f"{found[0].value}:{found[1].value}"),)
