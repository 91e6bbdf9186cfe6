"""Numbers that belong together: if one is in digits, so are the others."""

from typing import Final

from workers.text.numbers.counted import can_be_counted
from workers.text.numbers.formats import grouped
from workers.text.numbers.halves import ending_in_half
from workers.text.numbers.hyphens import joined_by_hyphen, left_in_words
from workers.text.numbers.quantities import SMALL, THOUSAND, is_measured, written
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import CODES, MEASURES, ONE_AND_A_HALF, PERCENT

_FROM: Final = frozenset("с со от между".split())
_LINKS: Final = frozenset("до и или из".split())
_LAST_LINKS: Final = frozenset("и или".split())
_AT_LEAST: Final = (("а", "то", "и"), ("а", "может", "и"))
_DASHES: Final = frozenset((" —", " –"))
_MOST_DIMENSIONS: Final = 3
_MOST_READ: Final = 8
_LONGEST_LIST: Final = 16
"""Longer ones are read in parts, so that they take linear time."""
LONGEST_RUN: Final = 64
"""Longer ones are kept in parts, so that they take linear time."""
_STEP: Final = 5
_WIDEST_SMALL: Final = 15
_WIDEST: Final = 10
"""Times, up to which the second number of a range in one word is above the first; «семь-сорок» is
a time, «четыре-пятьдесят» a price."""


def ranges(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «с девяти до восемнадцати», «пять из десяти», «сорок, а то и пятьдесят»."""
    first = row.amount(place)
    if first is None or first.is_bare:
        return ()
    at = place + first.length
    link, words = _link(row, at)
    if not words:
        return ()
    at += words - 1
    second = row.amount(at + 1)
    if second is None or (first.in_digits and second.in_digits):
        return ()
    last = at + second.length
    if row.has_half(last):
        return ()
    is_sum = second.scales > 0 and row.joined(last)
    goes_on = is_sum and row.number(last + 1) is not None  # «до двух миллионов двести»
    is_many = second.is_bare and not (second.first.singular and is_measured(row, last))
    if goes_on or is_many or not _belong(row, place, (first, second), link=link, last=last):
        return ()
    if row.follows(last) in PERCENT:
        end: tuple[Piece, ...] = ((second.length + 1, f"{grouped(second.value)}%"),)
    elif _share_scale(first, second):
        end = ((second.length - 1, grouped(second.before_scale)), (1, None))
    else:
        end = written(second)
    return (*written(first), (words, None), *end)


def _link(row: Row, at: int) -> tuple[str, int]:
    """Give the word at a place that links two numbers, and how many there are; 0: there is none."""
    link = row.follows(at - 1)
    if link in _LINKS and row.joined(at):
        return link, 1
    is_at_least = row.keys[at : at + 3] in _AT_LEAST and row.joined(at) and row.joined(at + 1)
    if is_at_least and row.has_comma(at - 1) and row.joined(at + 2):
        return "или", 3
    return "", 0


def dashed(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «пять — десять минут»: what is measured with a dash between is in digits on both sides."""
    first = row.amount(place)
    if first is None or first.scales:
        return ()
    last = place + first.length - 1
    if row.tokens[last].trail not in _DASHES or row.tokens[last].gap != " ":
        return ()
    second = row.amount(last + 1)
    if second is None or second.scales or not first.value < second.value:
        return ()
    end = last + second.length
    if row.tokens[last + 1].lead or first.nominative != second.nominative:
        return ()
    if row.follows(end) in PERCENT:
        return (*written(first), (second.length + 1, f"{second.value}%"))
    return (*written(first), *written(second)) if is_measured(row, end) else ()


def dimensions(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «три на четыре метра», «пятьдесят на пятьдесят на пять»: all in digits, or all in words."""
    length = _half_words(row, place)
    first = row.amount(place)
    if length or first is None:
        return ((length, None),) if length else ()
    numbers, at = [first], place + first.length
    while len(numbers) < _MOST_READ and row.follows(at - 1) == "на" and row.joined(at):
        number = row.amount(at + 1)
        if number is None:
            break
        numbers.append(number)
        at += 1 + number.length
    if len(numbers) < 2:
        return ()
    measured = is_measured(row, at - 1)
    is_parted = row.precedes(place) == "и" and row.amount(place - 2) is not None
    is_chance = not measured and any(number.is_bare for number in numbers)
    # «три и пять на тридцать», «один на миллион»
    if is_parted or is_chance or len(numbers) > _MOST_DIMENSIONS:
        return ((at - place, None),)
    if not all(
        number.nominative and _is_dimension(number, measured=measured) for number in numbers
    ):
        return ()
    is_written = measured or any(number.value >= SMALL or number.in_digits for number in numbers)
    pieces: list[Piece] = []
    for number in numbers:
        pieces += [(1, None)] if pieces else []
        pieces += written(number) if is_written else [(number.length, None)]
    return tuple(pieces)


def _half_words(row: Row, place: int) -> int:
    """Give how many words «полтора на два» has."""
    if (
        row.key(place) not in ONE_AND_A_HALF
        or row.follows(place) != "на"
        or not row.joined(place + 1)
    ):
        return 0
    number = row.number(place + 2)
    return 0 if number is None or number.is_ordinal else 2 + number.length


def _is_dimension(number: Number, *, measured: bool) -> bool:
    return not number.scales or (measured and number.first.singular and number.value == THOUSAND)


def lists(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «пять, десять или двадцать»: numbers up to a thousand, to a conjunction or an end."""
    first = row.amount(place)
    if first is None:
        return ()
    found, pieces = [first], [*written(first)]
    last, is_over = place + first.length - 1, False
    while not is_over and len(found) < _LONGEST_LIST:
        is_over = row.follows(last) in _LAST_LINKS and row.joined(last + 1)
        if not is_over and not row.has_comma(last):
            break
        number = row.amount(last + 1 + is_over)
        if number is None:
            return ()
        found.append(number)
        pieces += [*([(1, None)] if is_over else []), *written(number)]
        last += number.length + is_over
    values = [number.value for number in found]
    is_plain = not any(number.scales for number in found)
    agree = len({number.nominative for number in found if not number.in_digits}) == 1
    # «Показания: двадцать, пять, тридцать.» «Взяли пять, десять, двадцать штук.»
    ends = is_over or row.tokens[last].ends_sentence or last + 1 == len(row)
    ends = ends or len(found) == _LONGEST_LIST or _counts(row, last, values[-1])
    if len(found) < 3 or not (ends and is_plain and agree):
        return ()
    return tuple(pieces) if min(values) < SMALL <= max(values) else ()


def _counts(row: Row, last: int, value: int) -> bool:
    """Tell whether a noun follows that a number counts."""
    return row.number(last + 1) is None and can_be_counted(value, row.follows(last))


def _belong(row: Row, place: int, both: tuple[Number, Number], *, link: str, last: int) -> bool:
    """Tell whether two numbers are of one measure, or the ends of a range."""
    first, second = both
    since = row.precedes(place)
    is_range = since in _FROM and (link == "и") == (since == "между")
    if link == "из":
        return first.value > 1 and second.value >= SMALL and not second.nominative
    if link in {"до", "и"} and is_range:
        return max(first.value, second.value) >= SMALL or is_measured(row, last)
    if link == "до" or first.in_digits or second.in_digits:
        return False
    measured = is_measured(row, last)
    is_or = link == "или" and (second.value >= SMALL or _share_scale(first, second))
    if first.nominative != second.nominative:
        return False
    if link == "и":
        is_one = 1 in (second.value, second.before_scale)  # «сто и одна тысяча»
        return not is_one and (measured or _share_scale(first, second))
    return first.value < second.value and (measured or is_or)


def _share_scale(first: Number, second: Number) -> bool:
    """Tell whether «тысяч» is said of both: «от пяти до десяти тысяч»."""
    return not first.scales and 0 < first.value < 1000 and second.before_scale > 0


def pairs(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать-тридцать», «сто двадцать-сто тридцать», «пять-десять тысяч»; not «два-три»."""
    both = joined_by_hyphen(row, place)
    if both is None or both.first.is_ordinal or both.first.is_bare or both.second.is_bare:
        return _in_words(row, place)
    first, second = both.first, both.second
    last = place + both.length - 1
    shared = 0 if first.scales else second.before_scale
    end = shared or second.value
    is_half = not second.scales and row.has_half(last)
    noun = row.follows(last + (2 if is_half else 0))
    if not _is_plausible(first.value, end, has_measure=noun in MEASURES):
        return _in_words(row, place)
    text = f"{grouped(first.value)}–{grouped(end)}"
    if is_half:
        return ending_in_half(row, both.length, text, last)
    if row.follows(last) in PERCENT:
        return ((both.length + 1, f"{text}%"),)
    if shared:
        return ((both.length - 1, text), (1, None))
    return ((both.length, text),)


def _in_words(row: Row, place: int) -> tuple[Piece, ...]:
    length = left_in_words(row, place)
    return ((length, None),) if length else ()


def _is_plausible(first: int, end: int, *, has_measure: bool) -> bool:
    """Tell whether two numbers in one word are a range, and one that is written in digits."""
    if not first < end or (end < SMALL and not has_measure):
        return False
    return end <= (_WIDEST_SMALL if first < SMALL else _WIDEST * first)


def neighbours(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать тридцать человек»: said without a pause, two round numbers are a range."""
    found = row.cardinals(place, 3)
    if len(found) != 2 or any(number.is_ordinal or number.scales for number in found):
        return ()
    first, second = found
    if first.nominative != second.nominative or not SMALL <= first.value < second.value:
        return ()
    if second.value > 2 * first.value or first.value % _STEP or second.value % _STEP:
        return ()
    length = first.length + second.length
    if row.precedes(place) in CODES:
        return ()  # «автобус номер двадцать пять тридцать минут»
    if not can_be_counted(second.value, row.follows(place + length - 1)):
        return ()
    return ((length, f"{first.value}–{second.value}"),)


def runs_in_words(row: Row, place: int) -> tuple[Piece, ...]:
    """Keep «за два сорок», «вес шесть двести»: what is not understood whole is not cut up."""
    found = row.cardinals(place, LONGEST_RUN)
    return ((sum(number.length for number in found), None),) if len(found) > 1 else ()
