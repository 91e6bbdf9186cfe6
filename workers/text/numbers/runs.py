"""Rows of numerals read as numbers: «две тысячи двадцать четвертого» is 2024, an ordinal.

Numerals form one number as long as each is of a lower rank than the one before; the next one begins
another number: «сто двадцать три сорок пять» is 123 and 45.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from workers.text.numbers.numerals import NUMERALS, Numeral, Rank
from workers.text.tokens import Token

# How often the hundreds below a scale may be read: after «двадцать» comes a unit or a scale.
_NEXT: Final[Mapping[Rank, Rank]] = MappingProxyType(
    {Rank.HUNDRED: Rank.HUNDRED, Rank.TEN: Rank.TEEN, Rank.TEEN: Rank.UNIT, Rank.UNIT: Rank.ZERO}
)
MOST_VALUE: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number as it was said."""

    value: int
    length: int
    """How many words it took."""
    ending: str = ""
    """Of an ordinal, what is written after the digits; "" of a cardinal."""
    nominative: bool = True
    scale: int = 1
    """The last scale if the number ends in it: 10⁶ of «пять миллионов»; else 1."""
    scales: int = 0
    """How many scales it has."""
    is_bare: bool = False
    """Whether it is a scale alone: «тысяча»."""
    first: Numeral
    """Its first word."""

    @property
    def is_ordinal(self) -> bool:
        """Whether it is an ordinal."""
        return bool(self.ending)

    @property
    def is_digit(self) -> bool:
        """Whether it is a cardinal of one word from 0 to 9."""
        return not self.ending and self.length == 1 and self.value < 10


class Row:
    """A text as the rules look at it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens: Final = tuple(tokens)
        self.keys: Final = tuple(token.key for token in tokens)
        self._numbers: dict[int, Number | None] = {}

    def __len__(self) -> int:
        """Count the tokens."""
        return len(self.tokens)

    def key(self, place: int) -> str:
        """Give the word at a place as rules look for it; "" beyond the ends."""
        return self.keys[place] if 0 <= place < len(self.keys) else ""

    def joined(self, place: int) -> bool:
        """Tell whether the token at a place and the next one have no mark between them."""
        if not 0 <= place < len(self.tokens) - 1:
            return False
        token = self.tokens[place]
        return not token.trail and token.gap == " " and not self.tokens[place + 1].lead

    def follows(self, place: int) -> str:
        """Give the word after the token at a place, if nothing parts them; else ""."""
        return self.keys[place + 1] if self.joined(place) else ""

    def precedes(self, place: int) -> str:
        """Give the word before the token at a place, if nothing parts them; else ""."""
        return self.keys[place - 1] if place > 0 and self.joined(place - 1) else ""

    def number(self, place: int) -> Number | None:
        """Read the number that begins at a place; None: none does."""
        if place not in self._numbers:
            self._numbers[place] = self._read(place)
        return self._numbers[place]

    def numbers(self, place: int, most: int) -> list[Number]:
        """Read the numbers that follow each other without a mark, from a place on, `most` of them."""
        found: list[Number] = []
        while len(found) < most:
            if found and not self.joined(place - 1):
                break
            number = self.number(place)
            if number is None:
                break
            found.append(number)
            place += number.length
        return found

    def _read(self, place: int) -> Number | None:
        first = NUMERALS.get(self.key(place))
        if first is None:
            return None
        total, group, lowest, below, scales = 0, 0, Rank.SCALE, MOST_VALUE, 0
        length, last = 0, first
        while True:
            numeral = NUMERALS.get(self.key(place + length))
            if numeral is None:
                break
            if numeral.rank is Rank.SCALE:
                if numeral.value >= below or (numeral.is_ordinal and length):
                    break
                if not group and (total or length) and not numeral.singular:
                    break
                total += (group or 1) * numeral.value
                below, group, lowest, scales = numeral.value, 0, Rank.SCALE, scales + 1
            elif numeral.rank is Rank.ZERO:
                if length:
                    break
                return Number(value=0, length=1, nominative=numeral.nominative, first=numeral)
            else:
                if numeral.rank >= lowest or (length and not _agree(last, numeral)):
                    break
                group += numeral.value
                lowest = _NEXT[numeral.rank]
            last = numeral
            length += 1
            if numeral.is_ordinal or not self.joined(place + length - 1):
                break
        if not length:
            return None
        return Number(
            value=total + group,
            length=length,
            ending=last.ending,
            nominative=last.nominative,
            scale=last.value if last.rank is Rank.SCALE and not last.is_ordinal else 1,
            scales=scales,
            is_bare=length == 1 and last.rank is Rank.SCALE,
            first=first,
        )


def _agree(before: Numeral, after: Numeral) -> bool:
    """Tell whether two cardinals can be of one number: «двадцати пяти», not «двадцати пять»."""
    if after.is_ordinal:
        return before.nominative or before.rank is Rank.SCALE
    if before.rank is Rank.SCALE:
        return True
    return before.nominative == after.nominative
