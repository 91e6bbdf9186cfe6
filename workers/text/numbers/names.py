"""Numbers that name: rooms and houses, chapters and pages, versions of programs."""

from typing import Final

from workers.text.numbers.counted import NO_NOUNS, can_be_counted
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.surroundings import (
    CODES,
    GENITIVE_LABELS,
    LABELS,
    PLACES,
    PREPOSITIONS,
)

_FEW: Final = (2, 3, 4)
_DOCUMENTS: Final = frozenset(
    "договора закона кодекса устава контракта соглашения положения регламента приказа".split()
)
"""«В пункте три договора»: not counted by the number of the part before them."""


def labelled(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «кабинет двести пять», «дом пять дробь два», «номер один»; such are not grouped."""
    number = row.number(place)
    if number is None or number.is_ordinal or number.is_bare or not number.nominative:
        return ()
    label = row.precedes(place)
    if label not in LABELS and label not in CODES:
        return ()
    end = place + number.length
    part = row.number(end + 1) if row.follows(end - 1) == "дробь" and row.joined(end) else None
    if part is not None and not part.is_ordinal:
        return ((end + 1 + part.length - place, f"{number.value}/{part.value}"),)
    if number.value < 10 and not _is_name(row, place, number, label):
        return ()
    return ((number.length, str(number.value)),)


def _is_name(row: Row, place: int, number: Number, label: str) -> bool:
    """Tell whether a number below ten names what stands before, not counts what comes after."""
    after = row.follows(place + number.length - 1)
    if number.value == 1:
        if row.key(place) != "один":
            return False
        if label in PLACES:  # «остался в доме один»
            return row.key(place + 1) in LABELS or row.precedes(place - 1) in LABELS
    if number.value in _FEW and label in GENITIVE_LABELS:
        return row.precedes(place - 1) in PREPOSITIONS  # «этажа три»: about three floors
    is_label = after in LABELS and after not in GENITIVE_LABELS
    if not after or is_label or after in _DOCUMENTS or after in NO_NOUNS:
        return True
    return number.value > 1 and not can_be_counted(number.value, after)


def of_programs(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «Windows семь», «Python три»: a small number after a name in Latin letters."""
    number = row.number(place)
    if number is None or not number.is_digit or not number.nominative or number.value < 2:
        return ()
    name = row.tokens[place - 1].word if row.precedes(place) else ""
    if not name.isascii() or not name.isalpha() or name.islower():
        return ()
    if can_be_counted(number.value, row.follows(place)) or row.number(place + 1) is not None:
        return ()
    return ((1, str(number.value)),)
