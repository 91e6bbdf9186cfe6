"""Write the numbers of a Russian text in digits: `write_numbers`.

From left to right; at each place the first rule that has something to say decides. Small numbers
stay words unless they measure, name or tell the time; sayings stay as they are. Words that are no
numbers never change, but for the noun after a decimal: «двенадцать с половиной часов» are 12,5 часа.
"""

from collections.abc import Callable, Sequence
from typing import Final

from workers.text.numbers import (
    calendar,
    codes,
    daytime,
    fractions,
    halves,
    names,
    quantities,
    ranges,
    sayings,
    telephones,
)
from workers.text.numbers.ranges import LONGEST_RUN
from workers.text.numbers.replacement import Piece, Rule
from workers.text.numbers.runs import Row
from workers.text.tokens import Token, one

_KEPT: Final[tuple[Callable[[Row, int], int], ...]] = (
    sayings.said,
    sayings.entitled,
    sayings.counted_aloud,
)
"""What stays words: each gives how many from a place on, 0 if it has nothing to say."""
_RULES: Final[tuple[Rule, ...]] = (
    telephones.telephones,
    calendar.dates_in_digits,
    codes.dotted,
    codes.versions,
    codes.scores,
    codes.codes,
    calendar.dates,
    calendar.spans,
    calendar.centuries,
    calendar.parts_of_centuries,
    calendar.rulers,
    calendar.years_in_halves,
    calendar.years,
    daytime.said_in_words,
    fractions.decimals,
    fractions.hundredths_of_money,
    fractions.zero_points,
    halves.ranges_of_halves,
    halves.halves,
    daytime.clocks,
    daytime.from_part_to_part,
    daytime.parts_of_day,
    fractions.fractions,
    ranges.pairs,
    ranges.lists,
    ranges.ranges,
    ranges.dashed,
    ranges.dimensions,
    fractions.apart,
    quantities.of_people,
    quantities.percentages,
    quantities.shares,
    quantities.measures,
    quantities.prices,
    ranges.neighbours,
    ranges.runs_in_words,
    names.labelled,
    names.of_programs,
    quantities.after_one_measure,
    quantities.begun_in_digits,
    quantities.parted_by_commas,
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
        for length, word in _whole(row, place):
            taken = row.tokens[place : place + length]
            done += taken if word is None else (one(taken, word),)
            place += length
    return tuple(done)


def _whole(row: Row, place: int) -> tuple[Piece, ...]:
    """Give the pieces from a place on, of all numbers that follow each other there.

    Half of what was said in digits and half in words reads worse than words: «за два 40».
    """
    run = row.cardinals(place, LONGEST_RUN)
    if len(run) < 2:
        return _pieces(row, place)
    length = sum(number.length for number in run)
    pieces: list[Piece] = []
    at = 0
    has_words, has_digits = False, False
    while at < length:
        found = _pieces(row, place + at)
        if not at and sum(words for words, _ in found) >= length:
            return found  # one rule understood the whole
        for words, word in found:
            if at < length:
                has_words, has_digits = has_words or word is None, has_digits or word is not None
            pieces.append((words, word))
            at += words
    return ((length, None),) if has_words and has_digits else tuple(pieces)


def _pieces(row: Row, place: int) -> tuple[Piece, ...]:
    stays = max(kept(row, place) for kept in _KEPT)
    if stays:
        return ((stays, None),)
    return next((found for rule in _RULES if (found := rule(row, place))), ((1, None),))
