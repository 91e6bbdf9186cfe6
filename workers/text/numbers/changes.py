"""Two numbers as what something changes from or to, not a time: «обновись до три двенадцать», «увеличь с два сорок».

Only right after the verb, or with the program between, and only in the nominative: a time has the genitive
after «с» and «до» where somebody takes care, and «обновление назначено на пять тридцать» is a time.
"""

import re
from enum import Enum, auto
from typing import Final

from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.runs import Row
from workers.text.numbers.surroundings import DAYTIMES, VERSIONS
from workers.text.tokens import Token

_SINCE: Final = frozenset(("с", "со"))
_TO: Final = frozenset(("до", "на"))
_UPDATES: Final = re.compile(r"обнови(?:сь|те|тесь|л|ла|ли|лся|лась|лись|м|мся|ть|ться)?")
_MORE_OR_LESS: Final = re.compile(
    r"(?:увелич|уменьш|повыс|сниз)(?:ь|ьте|и|ите|ил|ила|или|им|ить|ился|илась|илось|ились)"
)
_TIMES: Final = (
    "перерыв",
    "встреч",
    "созвон",
    "обед",
    "урок",
    "смен",
    "врем",
    "прием",
    "совещан",
    "занят",
)
_PRICES: Final = ("цен", "тариф")
_PROGRAMS: Final = ("питон", "програм", "приложени", "драйвер", "прошивк", "библиотек", "верси")
_FARTHEST: Final = 8
"""So many words a number and its preposition can take."""


class Change(Enum):
    """What changes."""

    AMOUNT = auto()
    """Or what cannot be told: it stays words."""
    VERSION = auto()


def change(row: Row, place: int) -> Change | None:
    """Tell what changes from or to the numbers at a place; None: nothing is known to change."""
    number = row.number(place)
    if number is None or not number.first.nominative or row.precedes(place) not in _SINCE | _TO:
        return None
    if _after(row, place) in DAYTIMES:
        return None
    at = _before_the_pair(row, place - 1)
    if at < 0 or row.tokens[at].trail:
        return None
    if row.key(at) in VERSIONS and row.precedes(at) in _SINCE:
        return Change.VERSION  # «с версии три одиннадцать на три двенадцать»
    what, verb = row.tokens[at], row.precedes(at)
    if _UPDATES.fullmatch(what.key) or (_UPDATES.fullmatch(verb) and _is_program(what)):
        return Change.VERSION
    is_of_amounts = _UPDATES.fullmatch(verb) and what.key.startswith(_PRICES)
    more = _MORE_OR_LESS.fullmatch(what.key) or (
        _MORE_OR_LESS.fullmatch(verb) and not what.key.startswith(_TIMES)
    )
    return Change.AMOUNT if is_of_amounts or more else None


def _before_the_pair(row: Row, preposition: int) -> int:
    """Give the place before «с три одиннадцать на», or before the one preposition."""
    at = preposition - 1
    if row.key(preposition) in _TO:
        begin = at
        while preposition - begin < _FARTHEST and row.key(begin) in NUMERALS:
            begin -= 1
        if begin < at and row.key(begin) in _SINCE:
            return begin - 1
        if begin < at and row.key(begin) in VERSIONS:
            return begin
    return at


def _is_program(token: Token) -> bool:
    name = token.word
    is_name = name.isascii() and name.isalpha() and not name.islower() and not name.isupper()
    return is_name or token.key in VERSIONS or token.key.startswith(_PROGRAMS)


def _after(row: Row, place: int) -> str:
    """Give the word after the numbers from a place on."""
    at = place
    while at < place + _FARTHEST and (row.key(at) in NUMERALS or row.key(at).isdigit()):
        at += 1
    return row.follows(at - 1)
