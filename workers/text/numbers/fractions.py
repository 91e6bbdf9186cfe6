"""Parts of a whole: decimals, halves and fractions."""

from typing import Final

from workers.text.numbers.formats import decimal, grouped
from workers.text.numbers.numerals import DIVISORS
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Row
from workers.text.numbers.surroundings import MEASURES, PERCENT

_WHOLES: Final = frozenset("целая целых целые целой целую целыми".split())
_THIRDS: Final = {"трети": 3, "третьих": 3, "четверти": 4, "четвертей": 4, "четвертых": 4}
_ONE_AND_A_HALF: Final = frozenset("полтора полторы полутора".split())
_SCALES: Final = tuple("тысяч миллион миллиард триллион".split())
_TEMPERATURES: Final = range(34, 43)


def decimals(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «две целых пять десятых», «ноль запятая пять», «тридцать шесть и шесть»."""
    whole = row.number(place)
    if whole is None or whole.is_ordinal:
        return ()
    at = place + whole.length
    if row.follows(at - 1) in _WHOLES and row.joined(at):
        return _tenths(row, place, at + 1)
    if row.follows(at - 1) == "запятая" and row.joined(at):
        return _spelt(row, place, at + 1)
    if row.follows(at - 1) == "и" and row.joined(at):
        found = _tenths(row, place, at)
        if found:
            return found
        part = row.number(at + 1)
        ends = part is not None and row.follows(at + part.length) not in _WHOLES
        if part and part.is_digit and ends and whole.value in _TEMPERATURES and whole.nominative:
            return ((whole.length + 1 + part.length, decimal(whole.value, part.value, 1)),)
    return ()


def _tenths(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    whole = row.number(place)
    if row.key(at) == "и" and row.joined(at):
        at += 1
    part = row.number(at)
    if whole is None or part is None:
        return ()
    # «пять десятых»: the divisor may be read as an ordinal of the same number.
    for length in range(part.length, 0, -1):
        digits = DIVISORS.get(row.key(at + length))
        cardinal = _cardinal(row, at, length)
        if digits and cardinal is not None and row.joined(at + length - 1) and cardinal < 10**digits:
            end = at + length + 1
            return _with_percent(row, end - place, decimal(whole.value, cardinal, digits), end)
    return ()


def _cardinal(row: Row, place: int, length: int) -> int | None:
    """Read exactly so many words as one cardinal."""
    number = Row(row.tokens[place : place + length]).number(0)
    if number is None or number.length != length or number.is_ordinal:
        return None
    return number.value


def _spelt(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    """Read what follows «запятая»: zeros, then a number."""
    whole, zeros = row.number(place), 0
    while row.key(at) in {"ноль", "нуль"} and row.joined(at):
        zeros, at = zeros + 1, at + 1
    part = row.number(at)
    if whole is None or part is None or part.is_ordinal or part.scales:
        return ()
    digits = "0" * zeros + str(part.value)
    end = at + part.length
    return _with_percent(row, end - place, f"{grouped(whole.value)},{digits}", end)


def _with_percent(row: Row, length: int, written: str, end: int) -> tuple[Piece, ...]:
    if row.follows(end - 1) in PERCENT:
        return ((length + 1, f"{written}%"),)
    return ((length, written),)


def halves(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «две с половиной тысячи», «полтора миллиона», «два с половиной процента»."""
    if row.key(place) in _ONE_AND_A_HALF:
        noun = row.follows(place)
        if noun.startswith(_SCALES):
            return ((1, "1,5"),)
        return ((2, "1,5%"),) if noun in PERCENT else ()
    whole = row.number(place)
    if whole is None or whole.is_ordinal or whole.scales:
        return ()
    at = place + whole.length
    if row.follows(at - 1) != "с" or row.follows(at) != "половиной":
        return ()
    noun = row.follows(at + 1)
    written = decimal(whole.value, 5, 1)
    if noun in PERCENT:
        return ((whole.length + 3, f"{written}%"),)
    if noun.startswith(_SCALES) or noun in MEASURES or whole.value >= 10:
        return ((whole.length + 2, written),)
    return ()


def fractions(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «две третьих», «три четверти», «одна вторая», «пять десятых»."""
    for length in (2, 1):
        top = _cardinal(row, place, length)
        if top is None or not 1 <= top < 100 or not row.joined(place + length - 1):
            continue
        if row.key(place) not in {"одна", "одну", "две"} and top in {1, 2}:
            continue
        key = row.key(place + length)
        digits = DIVISORS.get(key)
        if digits and top < 10**digits and digits < 3 and (top == 1) == key.endswith(("ая", "ую")):
            return ((length + 1, decimal(0, top, digits)),)
        if top > 1 and key in _THIRDS:
            return ((length + 1, f"{top}/{_THIRDS[key]}"),)
        below = row.number(place + length)
        if below is None or not below.is_ordinal or not 2 <= below.value <= 100:
            continue
        if below.ending == ("х" if top > 1 else "я"):
            return ((length + below.length, f"{top}/{below.value}"),)
    return ()
