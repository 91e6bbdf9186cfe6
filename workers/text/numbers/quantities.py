"""How much and how many: percentages, measures, money, counts, and ordinals."""

from typing import Final

from workers.text.numbers.formats import grouped, ordinal
from workers.text.numbers.numerals import NUMERALS, Rank
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import MEASURES, NEGATIONS, PERCENT, UNHURRIED

_MILLION: Final = 10**6
_SMALL: Final = 10
"""Below it a count is a word, unless something asks for digits (Milchin, 2003, § 6.1.1)."""
_FROM: Final = frozenset("с со от между".split())
_TO: Final = frozenset("до и".split())
_BIRDS: Final = frozenset("из до от около без более менее свыше больше меньше старше после".split())
"""Before «сорока», if it is to be 40 and no magpie."""


def percentages(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать процентов»."""
    number = row.number(place)
    if number is None or number.is_ordinal or number.is_bare:
        return ()
    if row.follows(place + number.length - 1) not in PERCENT or _is_negated(row, place):
        return ()
    return ((number.length + 1, f"{grouped(number.value)}%"),)


def measures(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «пять километров», «тысяча рублей», «пять миллионов долларов»."""
    number = row.number(place)
    if number is None or number.is_ordinal:
        return ()
    noun = row.follows(place + number.length - 1)
    if noun not in MEASURES or _is_negated(row, place):
        return ()
    if number.value == 1 and noun in UNHURRIED:
        return ()
    if number.is_bare and (number.value >= _MILLION or not number.first.singular):
        return ()
    return _written(number)


def ranges(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «с девяти до восемнадцати»: if one is in digits, so is the other."""
    first = row.number(place)
    if first is None or first.is_ordinal or row.precedes(place) not in _FROM:
        return ()
    at = place + first.length
    if row.follows(at - 1) not in _TO or not row.joined(at):
        return ()
    second = row.number(at + 1)
    if second is None or second.is_ordinal or second.is_bare or first.is_bare:
        return ()
    if max(first.value, second.value) < _SMALL:
        return ()
    return (*_written(first), (1, None), *_written(second))


def counts(row: Row, place: int) -> tuple[Piece, ...]:
    """Read any other cardinal from 10 on."""
    number = row.number(place)
    if number is None or number.is_ordinal or number.is_bare:
        return ()
    if number.value < _SMALL or (row.key(place) == "сорока" and not _is_forty(row, place, number)):
        return ()
    return _written(number)


def _is_forty(row: Row, place: int, number: Number) -> bool:
    return number.length > 1 or row.precedes(place) in _BIRDS


def ordinals(row: Row, place: int) -> tuple[Piece, ...]:
    """Read any other ordinal from 10 on."""
    number = row.number(place)
    if number is None or not number.is_ordinal or number.value < _SMALL:
        return ()
    if number.length == 1 and number.first.rank is Rank.SCALE and number.value >= 1000:
        return ()  # «тысячный раз»
    return ((number.length, ordinal(number.value, number.ending)),)


def pairs(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать-тридцать»."""
    low, dash, high = row.key(place).partition("-")
    first, second = NUMERALS.get(low), NUMERALS.get(high)
    if not dash or first is None or second is None or first.is_ordinal or second.is_ordinal:
        return ()
    if second.rank is Rank.SCALE or first.rank is Rank.SCALE or second.value < _SMALL:
        return ()
    return ((1, f"{first.value}–{second.value}"),)


def _is_negated(row: Row, place: int) -> bool:
    return row.precedes(place) in NEGATIONS


def _written(number: Number) -> tuple[Piece, ...]:
    """Write a cardinal; millions and more stay words where they end it: «5 миллионов»."""
    if number.scale >= _MILLION and number.scales == 1 and number.length > 1:
        return ((number.length - 1, grouped(number.value // number.scale)), (1, None))
    return ((number.length, grouped(number.value)),)
