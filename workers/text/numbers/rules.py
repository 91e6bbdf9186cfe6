"""Write the numbers of a Russian text in digits: `write_numbers`.

From left to right; at each place the first rule that has something to say decides. Small numbers
stay words unless they measure, name or tell the time; sayings stay as they are. Words that are no
numbers never change.
"""

from collections.abc import Sequence
from typing import Final

from workers.text.numbers import calendar, daytime, fractions, names, quantities
from workers.text.numbers.replacement import Rule
from workers.text.numbers.runs import Row
from workers.text.numbers.surroundings import STAYS
from workers.text.tokens import Token, one

_RULES: Final[tuple[Rule, ...]] = (
    names.telephones,
    names.codes,
    calendar.dates,
    calendar.centuries,
    calendar.rulers,
    fractions.decimals,
    fractions.halves,
    daytime.clocks,
    daytime.parts_of_day,
    fractions.fractions,
    calendar.years,
    quantities.percentages,
    quantities.measures,
    names.labelled,
    quantities.ranges,
    quantities.pairs,
    quantities.counts,
    quantities.ordinals,
)


def write_numbers(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Write numbers in digits; gives the row with fewer or as many tokens.

    Args:
        tokens: a text in Russian, or in several languages: only Russian numerals are known.
    """
    row = Row(tokens)
    done: list[Token] = []
    place = 0
    while place < len(row):
        stays = _saying(row, place)
        if stays:
            done += row.tokens[place : place + stays]
            place += stays
            continue
        pieces = next((found for rule in _RULES if (found := rule(row, place))), ((1, None),))
        for length, word in pieces:
            taken = row.tokens[place : place + length]
            done += taken if word is None else (one(taken, word),)
            place += length
    return tuple(done)


def _saying(row: Row, place: int) -> int:
    """Give how many words from a place on are a saying."""
    return max(
        (len(saying) for saying in STAYS if row.keys[place : place + len(saying)] == saying),
        default=0,
    )
