"""Whether digits said one by one name something: «ошибка четыре ноль четыре», «кабинеты два ноль пять и три ноль шесть»."""

import re
from typing import Final

from workers.text.numbers.numerals import NUMERALS, Rank
from workers.text.numbers.runs import Row
from workers.text.numbers.surroundings import (
    CALLS,
    CODES,
    LABELS,
    LABELS_OF_MANY,
    NAMED_BY_DIGITS,
    VEHICLES,
)

_LINKS: Final = frozenset(("и", "или"))
_DIGITS: Final = 3
_IN_DIGITS: Final = re.compile("[0-9]{3}")


def is_named(row: Row, place: int) -> bool:
    """Tell whether digits are to be a name because of the word before them, or before their list."""
    members: list[int] = []
    at: int | None = place
    while at is not None and at not in row.named:
        members.append(at)
        row.named[at] = _names(row.precedes(at))
        at = None if row.named[at] else _member_before(row, at)
    first = members[-1] if at is None else at
    row.named.update(dict.fromkeys(members, row.named[first]))
    return row.named[place]


def _names(word: str) -> bool:
    if word.startswith((*CALLS, *NAMED_BY_DIGITS)):
        return True
    return (word in LABELS and word not in VEHICLES) or word in LABELS_OF_MANY or word in CODES


def _member_before(row: Row, place: int) -> int | None:
    """Give where a member of three digits begins after which another one follows in a list."""
    if row.precedes(place) in _LINKS and row.joined(place - 2):
        end = place - 2
    elif place and row.has_comma(place - 1):
        end = place - 1
    else:
        return None
    if _IN_DIGITS.fullmatch(row.key(end)):
        return end
    first = end + 1 - _DIGITS
    if all(_is_digit(row, at) for at in range(first, end + 1)):
        return first if row.joined(first) and row.joined(first + 1) else None
    for at in range(max(0, first), end + 1):
        number = row.number(at)
        if number is not None and at + number.length == end + 1 and not number.is_ordinal:
            return at if 10 ** (_DIGITS - 1) <= number.value < 10**_DIGITS else None
    return None


def _is_digit(row: Row, place: int) -> bool:
    word = NUMERALS.get(row.key(place))
    return word is not None and word.rank <= Rank.UNIT and not word.is_ordinal
