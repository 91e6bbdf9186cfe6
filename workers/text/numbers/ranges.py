"""Numbers that belong together: if one is in digits, so are the others."""

from typing import Final

from workers.text.numbers.counted import can_be_counted
from workers.text.numbers.formats import grouped
from workers.text.numbers.hyphens import joined_by_hyphen, left_in_words
from workers.text.numbers.quantities import SMALL, is_measured, written
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import MEASURES, PERCENT

_FROM: Final = frozenset("с со от между".split())
_LINKS: Final = frozenset("до и или из".split())
_LAST_LINKS: Final = frozenset("и или".split())
_AT_LEAST: Final = (("а", "то", "и"), ("а", "может", "и"))
_MOST_DIMENSIONS: Final = 3
_THOUSAND: Final = 1000
_LONGEST_LIST: Final = 12
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
    if second.is_bare and not (second.first.singular and is_measured(row, last)):
        return ()
    if not _belong(row, place, (first, second), link=link, last=last):
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
    if is_at_least and _is_comma(row, at - 1) and row.joined(at + 2):
        return "или", 3
    return "", 0


def dimensions(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «три на четыре метра», «пятьдесят на пятьдесят на пять»: all in digits, or all in words."""
    found, at = [row.amount(place)], place
    while (number := found[-1]) is not None and len(found) <= _MOST_DIMENSIONS:
        at += number.length
        if row.follows(at - 1) != "на" or not row.joined(at):
            break
        at += 1
        found.append(row.amount(at))
    numbers = [number for number in found if number is not None]
    if len(numbers) < 2 or len(numbers) < len(found):
        return ()
    measured = is_measured(row, at - 1)
    if not measured and any(number.is_bare for number in numbers):
        return ((at - place, None),)  # «один на миллион»
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


def _is_dimension(number: Number, *, measured: bool) -> bool:
    return not number.scales or (measured and number.first.singular and number.value == _THOUSAND)


def lists(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «пять, десять или двадцать»: numbers up to a thousand, to a conjunction or an end."""
    first = row.amount(place)
    if first is None:
        return ()
    found, pieces = [first], [*written(first)]
    last, is_over = place + first.length - 1, False
    while not is_over and len(found) < _LONGEST_LIST:
        is_over = row.follows(last) in _LAST_LINKS and row.joined(last + 1)
        if not is_over and not _is_comma(row, last):
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
    # «Показания: двадцать, пять, тридцать.»
    ends = is_over or row.tokens[last].ends_sentence or last + 1 == len(row)
    if len(found) < 3 or not (ends and is_plain and agree):
        return ()
    return tuple(pieces) if min(values) < SMALL <= max(values) else ()


def _is_comma(row: Row, place: int) -> bool:
    """Tell whether a comma, and nothing else, stands after a token."""
    token = row.tokens[place]
    is_last = place + 1 == len(row)
    return not is_last and (token.trail, token.gap, row.tokens[place + 1].lead) == (",", " ", "")


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
    if not _is_plausible(first.value, end, has_measure=row.follows(last) in MEASURES):
        return _in_words(row, place)
    text = f"{grouped(first.value)}–{grouped(end)}"
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
    if not can_be_counted(second.value, row.follows(place + length - 1)):
        return ()
    return ((length, f"{first.value}–{second.value}"),)


def runs_in_words(row: Row, place: int) -> tuple[Piece, ...]:
    """Keep «за два сорок», «вес шесть двести»: what is not understood whole is not cut up."""
    found = row.cardinals(place, LONGEST_RUN)
    return ((sum(number.length for number in found), None),) if len(found) > 1 else ()
