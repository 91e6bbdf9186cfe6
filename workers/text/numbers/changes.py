"""Two numbers as what something changes from or to, not a time: «обновись до три двенадцать».

A word before them in the phrase tells it, unless one of times of day stands there too: «обнови
расписание с три сорок».
"""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.runs import Row
from workers.text.numbers.surroundings import (
    DAYTIMES,
    HOURS,
    OCCASIONS,
    VEHICLES,
    VERSIONS,
)
from workers.text.tokens import Token

_SINCE: Final = frozenset(("с", "со"))
_TO: Final = frozenset(("до", "на"))
_UPDATES: Final = ("обнов", "апдейт", "апгрейд")
_ALSO_LASTING: Final = "обновл"
"""«Обновляем с двух тридцати» is when, «обновились с …» is from what."""
_MORE_OR_LESS: Final = (
    "увелич", "уменьш", "повыс", "повыш", "подня", "подни", "сниз", "сниж", "подорож", "подешев",
    "вырос", "выраст",
)  # fmt: skip
_PRICES: Final = frozenset("цена цены цене цену ценой цен ценам ценами ценах".split())
_PROGRAMS: Final = (
    "питон",
    "програм",
    "приложени",
    "драйвер",
    "прошивк",
    "библиотек",
    "зависимост",
)
_TIMES: Final = (
    *OCCASIONS,
    *"врем встреч созвон совещан планерк расписан график будильник рейс запис урок занят занима "
    "лекци перерыв обед дедлайн перенес перенос дежур".split(),
)
_TIME_FORMS: Final = (
    VEHICLES
    | HOURS
    | frozenset(
        "смена смены смене смену сменой пара пары пару сон сна прием приема приему слот слота бронь "
        "брони начало начала конец конца сбор выезд вылет".split()
    )
)
_PLEASE: Final = "пожалуйста"
_PARTS: Final = frozenset(",;:—–()")
_LOOKED_BACK: Final = 8
"""So many words, numbers and what links them aside."""
_FARTHEST: Final = 20
_LONGEST: Final = 8
"""So many words two numbers can take."""


class Change(Enum):
    """What changes."""

    AMOUNT = auto()
    """Or what cannot be told: it stays words."""
    VERSION = auto()


def change(row: Row, place: int) -> Change | None:
    """Tell what changes from or to the numbers at a place; None: nothing is known to change."""
    if row.precedes(place) not in _SINCE | _TO:
        return None
    before = tuple(_before(row, place))
    if not any(_changes(token.key) for token in before):
        return None
    after = _after(row, place)
    if after in DAYTIMES or any(_is_of_times(token.key) for token in before):
        return None
    keys = [token.key for token in before]
    if any(key.startswith(_ALSO_LASTING) for key in keys) and (link := _lasting(row, place)):
        return Change.AMOUNT if link in _TO else None
    is_version = any(key.startswith(_UPDATES) or key in VERSIONS for key in keys)
    is_version = is_version or any(map(_is_program, before))
    return Change.VERSION if is_version and _PRICES.isdisjoint(keys) else Change.AMOUNT


def _before(row: Row, place: int) -> Iterator[Token]:
    """Give the words before a place, the nearest first, up to where the phrase begins."""
    left = _LOOKED_BACK
    for at in range(place - 1, max(-1, place - 1 - _FARTHEST), -1):
        if left == 0 or _parts(row, at):
            return
        if row.key(at) in _SINCE | _TO or row.key(at) in NUMERALS or row.key(at).isdigit():
            continue
        left -= 1
        yield row.tokens[at]


def _parts(row: Row, at: int) -> bool:
    """Tell whether a phrase ends after a word; not around «пожалуйста», nor «с трёх, до двух»."""
    token = row.tokens[at]
    if token.ends_sentence or _PARTS.isdisjoint(token.trail):
        return token.ends_sentence
    following = row.key(at + 1)
    goes_on = following in _TO and row.key(at) in NUMERALS
    return token.trail != "," or not (goes_on or _PLEASE in {row.key(at), following})


def _changes(key: str) -> bool:
    return key in VERSIONS or key in _PRICES or key.startswith((*_UPDATES, *_MORE_OR_LESS))


def _is_of_times(key: str) -> bool:
    return key in _TIME_FORMS or key.startswith(_TIMES)


def _is_program(token: Token) -> bool:
    name = token.word
    is_name = name.isascii() and name.isalpha() and not name.islower() and not name.isupper()
    return is_name or token.key.startswith(_PROGRAMS)


def _after(row: Row, place: int) -> str:
    """Give the word after the numbers from a place on."""
    at = place
    while at < place + _LONGEST and (row.key(at) in NUMERALS or row.key(at).isdigit()):
        at += 1
    return row.follows(at - 1)


def _lasting(row: Row, place: int) -> str:
    """Give «до» of «с двух тридцати до трёх», «с» if no end is said; "" of what lasts for no time."""
    if row.precedes(place) in _SINCE:
        after = _after(row, place)
        return "" if after == "на" else after if after == "до" else "с"
    at = place - 2
    while row.key(at) in NUMERALS and place - at < _LONGEST:
        at -= 1
    return "до" if row.precedes(place) == "до" and row.key(at) in _SINCE else ""
