"""Parts of a whole: decimals and fractions."""

from typing import Final

from workers.text.numbers.counted import can_be_counted, takes_singular
from workers.text.numbers.formats import decimal, grouped
from workers.text.numbers.numerals import DIVISORS, WHOLES
from workers.text.numbers.quantities import SMALL
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import (
    AT,
    GENITIVES,
    LABELS,
    LABELS_OF_MANY,
    MEASURES,
    PERCENT,
    PREPOSITIONS,
    SHARES,
    ZEROS,
)

_THIRDS: Final = {
    "трети": 3, "третей": 3, "третьих": 3, "четверти": 4, "четвертей": 4, "четвертых": 4
}  # fmt: skip
_ONE_OF: Final = {"треть": 3, "трети": 3, "четверть": 4, "четверти": 4}
_SCALES: Final = ("тысяч", "миллион", "миллиард", "триллион")
_TEMPERATURES: Final = range(34, 43)
"""Of a body, in degrees: «тридцать шесть и шесть»."""
_USUAL: Final = (36, 37)
_MEASURED: Final = ("температур", "градусник", "термометр", "намер", "померил", "лихорад")
_MANY_PEOPLE: Final = ("нас", "вас")
_LOOKED_BACK: Final = 5
_MOST_ZEROS: Final = 6
_UNITS_OF_TIME: Final = ("минут", "час", "секунд")
_ALSO_ORDINALS: Final = frozenset(("третьих", "четвертых"))
_OF_MONEY: Final = ("рубл", "доллар", "евро")
_HUNDREDTHS_OF_MANY: Final = frozenset("копеек копейкам копейками центов центам центами".split())
_HUNDREDTHS: Final = _HUNDREDTHS_OF_MANY | frozenset("копейка копейки копейку цент цента".split())
_NUMBERED: Final = ("класс", "этаж", "подъезд", "курс")
_OF_MANY: Final = ("ах", "ях", "ами", "ями")
_ONES: Final = {"одна": "я", "одну": "ю", "одной": "й"}
"""And how the ordinal after it ends."""
_TWOS: Final = frozenset("две двух двум двумя".split())


def decimals(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «две целых пять десятых», «ноль запятая пять», «тридцать шесть и шесть»."""
    whole = row.amount(place)
    if whole is None:
        return ()
    at = place + whole.length
    if row.follows(at - 1) in WHOLES and row.joined(at):
        return _tenths(row, place, at + 1) or _mixed(row, place, at + 1)
    if row.follows(at - 1) == "запятая" and row.joined(at):
        return _spelt(row, place, at + 1)
    if row.follows(at - 1) == "и" and row.joined(at):
        return (
            _tenths(row, place, at) or _by_genitive(row, place, at) or _temperature(row, place, at)
        )
    return ()


def _temperature(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    whole, part = row.number(place), row.number(at + 1)
    if whole is None or whole.value not in _TEMPERATURES or not whole.nominative:
        return ()
    if part is None or not part.is_digit or can_be_counted(part.value, row.follows(at + 1)):
        return ()
    if not _is_of_a_body(row, place, whole.value):
        return ()
    return ((whole.length + 2, decimal(whole.value, part.value, 1)),)


def _is_of_a_body(row: Row, place: int, value: int) -> bool:
    """Tell whether a temperature is spoken of before a place: «у меня», «градусник», or nothing at all."""
    for at in range(place - 1, max(-1, place - 1 - _LOOKED_BACK), -1):
        if row.tokens[at].ends_sentence:
            return at == place - 1 and value in _USUAL
        if row.key(at).startswith(_MEASURED) or (
            row.key(at) == "у" and row.key(at + 1) not in _MANY_PEOPLE
        ):
            return True
    return place == 0 and value in _USUAL


def apart(row: Row, place: int) -> tuple[Piece, ...]:
    """Keep «вес восемьдесят два и шесть»: it may be a decimal or two numbers, and is no half of each."""
    whole = row.number(place)
    if whole is None or whole.is_ordinal or whole.scales or whole.value < SMALL:
        return ()
    link = place + whole.length
    if row.follows(link - 1) != "и" or not row.joined(link):
        return ()
    part = row.number(link + 1)
    if part is None or not part.is_digit or part.nominative != whole.nominative:
        return ()
    return () if row.joined(link + 1) else ((whole.length + 2, None),)


def _by_genitive(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    """Read «восемь и пять процента»: five are counted in the plural, so it is a part of one."""
    whole, part = row.amount(place), row.number(at + 1)
    if whole is None or part is None or part.is_ordinal:
        return ()
    if whole.first.nominative != part.first.nominative:
        return ()
    value = part.before_scale if part.scales else part.value
    end = at + 1 + part.length - (1 if part.scales else 0)
    if not 0 < value < 100 or takes_singular(value) or not row.joined(end - 1):
        return ()
    noun = row.key(end)
    if GENITIVES.get(noun) != noun or not _is_of_parts(row.precedes(place), noun):
        return ()
    written = decimal(whole.value, value, len(str(value)))
    return _with_percent(row, end - place, written, end)


def _is_of_parts(before: str, noun: str) -> bool:
    """Tell whether parts of a noun are said, not two numbers: «между пятью и шестью часа»."""
    if before == "между" or before in LABELS or before in LABELS_OF_MANY:
        return False
    if noun.startswith(_UNITS_OF_TIME) and before in AT:
        return False
    return noun in PERCENT or noun in MEASURES or noun.startswith(_SCALES)


def _tenths(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    whole = row.amount(place)
    if row.key(at) == "и" and row.joined(at):
        at += 1
    part = row.amount(at)
    if whole is None or part is None:
        return ()
    digits = DIVISORS.get(row.follows(at + part.length - 1))
    if not digits or part.value >= 10**digits:
        return ()
    end = at + part.length + 1
    return _with_percent(row, end - place, decimal(whole.value, part.value, digits), end)


def _mixed(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    """Read «три целых одна третья», «две целых и три четверти»."""
    whole = row.amount(place)
    if row.key(at) == "и" and row.joined(at):
        at += 1
    (length, written), *_ = fractions(row, at) or ((0, None),)
    if not written and row.key(at) in _ONES and row.follows(at) in _ONE_OF:
        length, written = 2, f"1/{_ONE_OF[row.follows(at)]}"
    if whole is None or not written or "/" not in written:
        return ()
    if not whole.value:
        return ((at + length - place, written),)
    return ((at + length - place, f"{grouped(whole.value)} {written}"),)


def _spelt(row: Row, place: int, at: int) -> tuple[Piece, ...]:
    """Read what follows «запятая»: zeros, then a number."""
    whole, zeros = row.amount(place), 0
    while row.key(at) in ZEROS and row.joined(at) and zeros < _MOST_ZEROS:
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


def hundredths_of_money(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «пять рублей ноль пять копеек», «ноль ноль копеек»: a price is read out, digit by digit."""
    if row.key(place) not in ZEROS or not row.joined(place):
        return ()
    part = row.number(place + 1)
    if part is None or part.is_ordinal or part.scales or not 0 <= part.value < 10:
        return ()
    noun = row.follows(place + part.length)
    # «Ноль пять копейки», in the singular, are a half of one; «ноль два цента» as well, but for a price.
    has_whole = row.precedes(place).startswith(_OF_MONEY)
    if noun in (_HUNDREDTHS if has_whole else _HUNDREDTHS_OF_MANY):
        return ((1 + part.length, f"0{part.value}"),)
    return ()


def zero_points(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «ноль пять литра», «ноль семьдесят пять процента»."""
    if row.key(place) not in ZEROS:
        return ()
    found = row.cardinals(place, 3)
    if len(found) != 2 or found[1].is_ordinal or found[1].scales or not found[1].value:
        return ()
    end = place + 1 + found[1].length
    noun = row.follows(end - 1)
    if noun not in MEASURES or noun.startswith(_UNITS_OF_TIME):
        return ()
    return _with_percent(row, end - place, f"0,{found[1].value}", end)


def fractions(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «две третьих», «три четверти», «одна вторая», «пять десятых»."""
    number = row.number(place)
    if number is None or not _is_numerator(row, place, number):
        return ()
    top, at = number.value, place + number.length
    key = row.follows(at - 1)
    length = number.length + 1
    digits = DIVISORS.get(key, 0)
    is_counted = _is_of_many(row.follows(at))
    if 0 < digits < 3 and top < 10**digits and (top == 1) == key.endswith(("ая", "ую", "ой")):
        if row.follows(at) in SHARES or is_counted:
            return ()
        return _with_percent(row, length, decimal(0, top, digits), at + 1)
    if top > 1 and key in _THIRDS:
        is_counted = is_counted or (key in _ALSO_ORDINALS and top >= _THIRDS[key])
        return () if is_counted else ((length, f"{top}/{_THIRDS[key]}"),)
    return _of_ordinal(row, place, number)


def _of_ordinal(row: Row, place: int, number: Number) -> tuple[Piece, ...]:
    """Read «одна вторая», «три пятых»."""
    top, at = number.value, place + number.length
    key = row.follows(at - 1)
    below = row.number(at) if key else None
    ending = "х" if top > 1 else _ONES[row.key(place)]
    if below is None or not max(2, top + 1) <= below.value <= 100 or below.ending != ending:
        return ()
    if _is_of_many(row.follows(at + below.length - 1)):
        return ()
    return ((number.length + below.length, f"{top}/{below.value}"),) if _is_said(top, below) else ()


def _is_of_many(noun: str) -> bool:
    """Tell whether a noun says that ordinals are counted: «пять десятых классов», «три пятых этажа»."""
    return noun.startswith(_NUMBERED) or (noun.endswith(_OF_MANY) and noun not in PERCENT)


def _is_numerator(row: Row, place: int, number: Number) -> bool:
    if number.is_ordinal or not 1 <= number.value < 100:
        return False
    key = row.key(place)
    if key == "одной" and row.precedes(place) in PREPOSITIONS:
        return False  # «в одной пятой школе»
    return key in {1: _ONES, 2: _TWOS}.get(number.value, (key,))


def _is_said(top: int, below: Number) -> bool:
    """Tell «одна вторая» from «три вторых» dishes."""
    return top == 1 or below.value > 2
