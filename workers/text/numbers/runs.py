"""Rows of numerals read as numbers: «две тысячи двадцать четвертого» is 2024, an ordinal.

Numerals form one number as long as each is of a lower rank than the one before; the next one begins
another number: «сто двадцать три сорок пять» is 123 and 45.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from workers.text.numbers.numerals import NUMERALS, Numeral, Rank
from workers.text.numbers.surroundings import PERCENT, ZEROS
from workers.text.tokens import Token

# How often the hundreds below a scale may be read: after «двадцать» comes a unit or a scale.
_NEXT: Final[Mapping[Rank, Rank]] = MappingProxyType(
    {Rank.HUNDRED: Rank.HUNDRED, Rank.TEN: Rank.TEEN, Rank.TEEN: Rank.UNIT, Rank.UNIT: Rank.ZERO}
)
_THOUSAND: Final = 1000
_BEYOND: Final = 10**15
"""More than any scale."""
_DIGITS: Final = re.compile("0|[1-9][0-9]{0,5}")


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
    in_digits: bool = False
    """Whether the recogniser wrote it in digits."""
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

    @property
    def is_scale(self) -> bool:
        """Whether it is one word for a thousand or more: «тысяча», «двухтысячный»."""
        return self.length == 1 and self.first.rank is Rank.SCALE

    @property
    def before_scale(self) -> int:
        """What stands before the only scale that it ends in: 5 of «пять миллионов»; else 0."""
        return self.value // self.scale if self.scales == 1 and self.scale > 1 < self.length else 0


class Row:
    """A text as the rules look at it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens: Final = tuple(tokens)
        self.keys: Final = tuple(token.key for token in tokens)
        self._numbers: dict[int, Number | None] = {}
        self.named: Final[dict[int, bool]] = {}
        """What `named.is_named` has found: it looks at each member of a list once."""

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

    def has_comma(self, place: int) -> bool:
        """Tell whether a comma, and nothing else, parts the token at a place from the next one."""
        if not 0 <= place < len(self.tokens) - 1:
            return False
        token = self.tokens[place]
        return (token.trail, token.gap, self.tokens[place + 1].lead) == (",", " ", "")

    def has_half(self, place: int) -> bool:
        """Tell whether «с половиной» follows the token at a place."""
        return self.follows(place) == "с" and self.follows(place + 1) == "половиной"

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

    def scale(self, place: int) -> int:
        """Give the value of a scale at a place, in any form: 1000 of «тысяч»; 0: there is none."""
        word = NUMERALS.get(self.key(place))
        return 0 if word is None or word.rank is not Rank.SCALE or word.is_ordinal else word.value

    def amount(self, place: int) -> Number | None:
        """Read a cardinal at a place, also one that is in digits already."""
        number = self.number(place)
        if number is not None:
            return None if number.is_ordinal else number
        key = self.key(place)
        if _DIGITS.fullmatch(key) is None:
            return None
        return Number(value=int(key), length=1, in_digits=True, first=Numeral(int(key), Rank.UNIT))

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

    def cardinals(self, place: int, most: int) -> list[Number]:
        """Read the cardinals that follow each other as `numbers` does, up to an ordinal."""
        return list(takewhile(lambda number: not number.is_ordinal, self.numbers(place, most)))

    def _read(self, place: int) -> Number | None:
        first = NUMERALS.get(self.key(place))
        if first is None:
            return None
        if first.rank is Rank.ZERO:
            return Number(value=0, length=1, nominative=first.nominative, first=first)
        if first.rank is Rank.SCALE and self.precedes(place)[-1:].isdigit():
            return None  # «5 тысяч»
        words = self._words(place)
        total, group, scales = 0, 0, 0
        for word in words:
            if word.rank is Rank.SCALE:
                total, group, scales = total + (group or 1) * word.value, 0, scales + 1
            else:
                group += word.value
        last = words[-1]
        return Number(
            value=total + group,
            length=len(words),
            ending=last.ending,
            nominative=last.nominative,
            scale=last.value if last.rank is Rank.SCALE and not last.is_ordinal else 1,
            scales=scales,
            is_bare=len(words) == 1 and last.rank is Rank.SCALE and not last.is_ordinal,
            first=first,
        )

    def _words(self, place: int) -> list[Numeral]:
        """Give the numerals from a place on that are one number, 1 or more."""
        words: list[Numeral] = []
        lowest, below = Rank.SCALE, _BEYOND
        # «Ноль восемь тысяча девятьсот восьмидесятого»: a month and a year.
        is_month = self.precedes(place) in ZEROS
        sure = 0  # so many words end in a scale
        while True:
            word = NUMERALS.get(self.key(place + len(words)))
            if word is None or (words and not _goes_on(words, word, lowest)):
                break
            if is_month and words and word.rank is Rank.SCALE and word.singular:
                break
            if word.rank is Rank.SCALE:
                if word.value >= below:
                    # «пять миллионов два миллиона»: «два» belongs to the next number.
                    return words[:sure] if sure else words
                below, lowest, sure = word.value, Rank.SCALE, len(words) + 1
            else:
                lowest = _NEXT[word.rank]
            words.append(word)
            if word.is_ordinal or not self.joined(place + len(words) - 1):
                break
        is_share = self.follows(place + len(words) - 1) in PERCENT
        return words[: _as_one(words, is_share=is_share)]


def _as_one(words: Sequence[Numeral], *, is_share: bool) -> int:
    """Give how many of some words are one number: «десяти миллионов двадцать процентов» are two.

    «Миллион двести» may be 1,200,000 or 1,000,200: it is read as two numbers, so that it stays words.

    Args:
        words: 0 or more.
        is_share: whether a percentage ends in them.
    """
    if not words or words[-1].is_ordinal:
        return len(words)
    for place in range(1, len(words)):
        scale, rest = words[place - 1], words[place:]
        if scale.rank is not Rank.SCALE or rest[0].rank is Rank.SCALE:
            continue
        head = words[place - 2] if place > 1 else scale
        is_hundred = scale.value == _THOUSAND and rest[0].rank is Rank.HUNDRED
        if is_share or not (
            head.nominative or head.value == 90 or not rest[0].nominative or is_hundred
        ):
            return place
        is_round = all(word.rank in {Rank.TEN, Rank.HUNDRED} for word in rest)
        if scale.value > _THOUSAND and is_round and sum(word.value for word in rest) >= 50:
            return place
    return len(words)


def _goes_on(words: Sequence[Numeral], word: Numeral, lowest: Rank) -> bool:
    """Tell whether a numeral can be part of the number that some begin."""
    last = words[-1]
    if word.rank is Rank.ZERO:
        return False
    if word.rank is Rank.SCALE:
        return not word.is_ordinal and (last.rank is not Rank.SCALE or word.singular)
    if word.rank >= lowest:
        return False
    if len(words) == 1 and last.rank is Rank.SCALE and not last.singular:
        # «тысяч пять» is about 5000; «около тысячи двухсот» is 1200.
        return word.rank is Rank.HUNDRED and not word.nominative and not word.is_ordinal
    if word.is_ordinal:
        return last.nominative or last.rank is Rank.SCALE
    # «девяноста» and «девяносто» sound alike.
    return last.rank is Rank.SCALE or last.nominative == word.nominative or last.value == 90
