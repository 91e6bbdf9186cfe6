"""Telephone numbers, in the groups that people write them in.

Between the groups commas may stand, where the recogniser heard a pause.
"""

import re
from collections.abc import Iterator
from typing import Final

from workers.text.numbers.formats import GROUP
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Row

_MOST_NUMBERS: Final = 16
_LONGEST: Final = len("+79991234567")
_COUNTRYWIDE: Final = re.compile(r"(\+7|8)([3-9]\d{2})(\d{3})(\d{2})(\d{2})")
_PREFIXES: Final = frozenset(("8", "7", "+7"))
_MOBILE: Final = re.compile(r"(9\d{2})(\d{3})(\d{2})(\d{2})")
_OF_CITY: Final = re.compile(r"(?!80[1-9])([3-8]\d{2})(\d{3})(\d{2})(\d{2})")
_LOCAL: Final = re.compile(r"(\d{3})(\d{2})(\d{2})")
_GROUPS: Final = (1, 3, 3, 2, 2)
_WRITTEN: Final = re.compile(r"\+?[0-9]+")
_NAMED: Final = ("телефон", "мобильн", "сотов", "позвони", "звони", "набер")
_CALLED: Final = frozenset(
    "телефон телефону телефона позвони позвоните позвонить звони звоните звонить набери наберите набрать".split()
)
_OF_SOMETHING: Final = ("инн", "заказ", "договор", "заявк", "счет", "код", "нет")
"""With one of these before them ten digits are not of a city's telephone."""
_NUMBER: Final = frozenset("номер номеру номера".split())
_NO_LIST: Final = frozenset("номер номеру".split())
"""«Номера девятьсот, сто, сорок» are several."""
_ENDS_OF_GROUPS: Final = frozenset((0, 3, 6, 8, 10))
"""After so many digits, those of the country aside, a comma may stand."""
_OF_COUNTRY: Final = 10
"""So many digits a number has without the country's."""
_LOOKED_BACK: Final = 3


def telephones(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «восемь девятьсот двенадцать сто двадцать три сорок пять шестьдесят семь»."""
    if not _can_begin(row, place):
        return ()
    # «Восемьсот пять» may begin 805 or 800 5: it is what makes the number whole.
    return (
        _read(row, place, is_code_apart=False)
        or _read(row, place, is_code_apart=True)
        or _with_commas(row, place)
    )


def _with_commas(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «восемь девятьсот двенадцать, сто двадцать три, сорок пять, шестьдесят семь»."""
    length, digits, ends, has_words = 0, "", list[int](), False
    for words, said, is_word in _parts(row, place, over_commas=True):
        length, digits, has_words = length + words, digits + said, has_words or is_word
        if len(digits) >= _LONGEST:
            break
        if not row.joined(place + length - 1):
            ends.append(len(digits))
    country = len(digits) - _OF_COUNTRY
    if not has_words or not _ENDS_OF_GROUPS.issuperset(end - country for end in ends):
        return ()
    written = _countrywide(digits)
    if _is_named(row, place, frozenset()) or row.precedes(place) in _NO_LIST:
        written = written or _mobile(digits)
        if not written and _is_called(row, place):
            written = _of_city(digits)
    elif country in ends:
        written = ""  # «Восемь, девятьсот двенадцать, …»: a list
    return ((length, written),) if written else ()


def _read(row: Row, place: int, *, is_code_apart: bool) -> tuple[Piece, ...]:
    length, digits, groups = 0, "", list[int]()
    has_words = False
    for words, said, is_word in _parts(row, place):
        part = said
        if is_code_apart and digits in _PREFIXES and said[1:] != "00" and len(said) == len("800"):
            part = f"{said[0]}00{int(said[1:])}"
        length, digits, has_words = length + words, digits + part, has_words or is_word
        if said != "+":
            groups.append(len(said))
        if len(digits) >= _LONGEST:
            break
    if digits.startswith("+7") and groups[:1] == [2]:
        groups[0] = 1  # «+7» in one word
    if len(groups) < 3 or (not has_words and tuple(groups) != _GROUPS):
        return ()
    written = _countrywide(digits)
    if not written and not is_code_apart and has_words:
        if len(groups) <= 6 or _is_named(row, place, _NUMBER):
            written = _mobile(digits)
        if not written and groups[0] == 3 and _is_called(row, place):
            written = _of_city(digits)
        if not written and groups[0] == 3 and _is_named(row, place, _NUMBER):
            written = _local(digits)
    return ((length, written),) if written else ()


def _countrywide(digits: str) -> str:
    found = _COUNTRYWIDE.fullmatch(digits)
    return f"{found[1]}{GROUP}{found[2]}{GROUP}{'-'.join(found.groups()[2:])}" if found else ""


def _mobile(digits: str) -> str:
    found = _MOBILE.fullmatch(digits)
    return f"{found[1]}{GROUP}{'-'.join(found.groups()[1:])}" if found else ""


def _of_city(digits: str) -> str:
    found = _OF_CITY.fullmatch(digits)
    return f"{found[1]}{GROUP}{'-'.join(found.groups()[1:])}" if found else ""


def _local(digits: str) -> str:
    found = _LOCAL.fullmatch(digits)
    return "-".join(found.groups()) if found else ""


def _can_begin(row: Row, place: int) -> bool:
    number, key = row.number(place), row.key(place)
    if number is not None:
        return not number.is_ordinal and (number.value in {8, 9} or 100 <= number.value < 1000)
    return key in {"плюс", "8", "+7"}


def _parts(row: Row, place: int, *, over_commas: bool = False) -> Iterator[tuple[int, str, bool]]:
    """Give how many words each part took, its digits, and whether it was said in words."""
    at = place
    if row.key(at) == "плюс" and row.joined(at):
        yield 1, "+", True
        at += 1
    for _ in range(_MOST_NUMBERS):
        number = row.number(at)
        key = row.key(at)
        if number is not None and not number.is_ordinal and not number.scales:
            yield number.length, str(number.value), True
            at += number.length
        elif _WRITTEN.fullmatch(key):
            yield 1, key, False
            at += 1
        else:
            return
        if not row.joined(at - 1) and not (over_commas and row.has_comma(at - 1)):
            return


def _is_named(row: Row, place: int, forms: frozenset[str]) -> bool:
    """Tell whether a word before, or a form of «номер», says that a telephone number follows."""
    before = row.keys[max(0, place - _LOOKED_BACK) : place]
    return any(key.startswith(_NAMED) or key in forms for key in before)


def _is_called(row: Row, place: int) -> bool:
    """Tell whether ten digits are a telephone number that does not begin like a mobile one."""
    before = row.keys[max(0, place - _LOOKED_BACK) : place]
    is_of_something = any(key.startswith(_OF_SOMETHING) for key in before)
    return not is_of_something and not _CALLED.isdisjoint(before)
