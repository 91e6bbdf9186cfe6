"""Digits said one by one or in groups: codes, versions, addresses on the net, scores."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from workers.text.numbers.changes import Change, change
from workers.text.numbers.clocks import has_zero_of_time
from workers.text.numbers.counted import MANY, can_be_counted
from workers.text.numbers.named import is_named
from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.quantities import SMALL
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import AT, CODES, LABELS, MEASURES, SCORES, VERSIONS

_MOST_NUMBERS: Final = 64
"""Longer rows are read in parts, so that they take linear time."""
_SINGLE_DIGITS: Final = 4
"""So many digits said one by one are a code, whatever stands before."""
_FEW_DIGITS: Final = 3
"""So many are one after a name, «рейс два четыре шесть», or alone: «звони один один два»."""
_LOOKED_BACK: Final = 3
_NUMBERED: Final = frozenset("карты счета паспорта полиса договора заказа".split())
"""After «номер» these do not hide that a code follows."""
_OF_VERBS: Final = (
    "ен",
    "ан",
    "ят",
    "али",
    "или",
    "яли",
    "ели",
    "ала",
    "ила",
    "яла",
    "ела",
    "ши",
    "йте",
)
"""«Код сорок два пять введен»: nothing is counted."""
_OF_PLURALS: Final = ("и", "ы", "а", "я")
_WIDEST_STEP: Final = 5
_SETS: Final = ("сет", "парти", "тайм")
_MOST_DOTTED: Final = 8
_MOST_OF_VERSION: Final = 3
_OF_MATCHES: Final = (
    "дня",
    "дней",
    "недел",
    "месяц",
    "год",
    "лет",
    "раз",
    "гол",
    "матч",
    "очк",
    "сет",
    "человек",
    "игр",
)


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
    before = row.precedes(place)
    if number is None or not _is_part(number) or before in VERSIONS:
        return ()
    numbers = row.cardinals(place, _MOST_NUMBERS)
    if _counts(row, place, numbers):
        return ()
    if is_after_code(row, place) and len(numbers) > 1 and all(_is_part(part) for part in numbers):
        return () if _are_several(row, place, numbers) else _together(numbers)
    named = is_named(row, place)
    if not number.is_digit or (has_zero_of_time(numbers) and not named) or _are_sets(row, place):
        return ()
    digits: list[Number] = []
    for part in numbers:
        if not part.is_digit or not part.nominative:
            break
        digits.append(part)
    is_time = before in AT or not any(part.value for part in digits[1:])
    alone = len(digits) == len(numbers) and not row.follows(place + len(digits) - 1)
    is_code = len(digits) >= _SINGLE_DIGITS or before in LABELS or named
    if len(digits) >= _FEW_DIGITS and (is_code or (alone and not is_time)):
        return _together(digits)
    return ()


def _counts(row: Row, place: int, numbers: Sequence[Number]) -> bool:
    """Tell whether the last counts what follows: «код пять два раза», «пункт два сто рублей»."""
    after = row.follows(place + sum(number.length for number in numbers) - 1)
    value = numbers[-1].value if numbers else 0
    if after in LABELS or after in CODES:
        return False
    if not can_be_counted(value, after):
        return False
    if after in MANY or after in MEASURES:
        return True
    return not after.endswith(_OF_VERBS)  # «пин-код один два три запиши»


def _are_several(row: Row, place: int, numbers: Sequence[Number]) -> bool:
    """Tell «задачи номер двенадцать тринадцать пятнадцать» from one number in parts."""
    steps = [b.value - a.value for a, b in pairwise(numbers)]
    is_series = min(number.value for number in numbers) >= SMALL and len(numbers) >= _FEW_DIGITS
    of_many = row.precedes(place - 1) if row.precedes(place) == "номер" else ""
    is_plural = of_many.endswith(_OF_PLURALS) and of_many not in _NUMBERED
    most = _WIDEST_STEP if is_series else 0
    return min(steps) > 0 and (is_plural or max(steps) <= most)


def _are_sets(row: Row, place: int) -> bool:
    """Tell whether the score of several sets may follow: «в трех сетах шесть четыре три шесть»."""
    return any(key.startswith(_SETS) for key in row.keys[max(0, place - _LOOKED_BACK) : place])


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
    """Read «версия два ноль», «версия два ноль пять», «обновись до три двенадцать»."""
    found = row.cardinals(place, _MOST_OF_VERSION + 1)
    if not 2 <= len(found) <= _MOST_OF_VERSION or not all(_is_part(part) for part in found):
        return ()
    if row.precedes(place) not in VERSIONS and not _is_new(row, place, found):
        return ()
    if any(part.length > 1 for part in found[1:]) or (
        len(found) == _MOST_OF_VERSION and not all(part.is_digit for part in found)
    ):
        return ()
    length = sum(part.length for part in found)
    if can_be_counted(found[-1].value, row.follows(place + length - 1)):
        return ()
    return ((length, ".".join(str(part.value) for part in found)),)


def _is_new(row: Row, place: int, parts: Sequence[Number]) -> bool:
    """Tell whether parts are a version that something changes from or to; not «до три ноль ноль»."""
    is_full_hour = len(parts) == _MOST_OF_VERSION and not any(part.value for part in parts[1:])
    return not is_full_hour and change(row, place) is Change.VERSION


def scores(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «со счетом пять два», «со счетом три-ноль», and «двадцать четыре на семь»."""
    if row.keys[place : place + 4] == ("двадцать", "четыре", "на", "семь"):
        is_whole = all(row.joined(at) for at in range(place, place + 3))
        return ((4, "24/7"),) if is_whole and not row.follows(place + 3) else ()
    if row.precedes(place) not in SCORES:
        return ()
    low, _, high = row.key(place).partition("-")
    first, second = NUMERALS.get(low), NUMERALS.get(high)
    if first is not None and second is not None and not first.ending and not second.ending:
        return ((1, f"{first.value}:{second.value}"),)
    found = row.cardinals(place, 3)
    if len(found) != 2 or not all(_is_part(part) for part in found):
        return ()
    length = found[0].length + found[1].length
    after = row.follows(place + length - 1)
    is_counted = after in MEASURES or after.startswith(_OF_MATCHES)
    # «Счет пять три дня не оплачен.»
    return () if is_counted else ((length, f"{found[0].value}:{found[1].value}"),)
