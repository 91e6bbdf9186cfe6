"""Ordinals that share a noun: «девятнадцатом и двадцатом веках», «с пятого по седьмое мая»."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from workers.text.numbers.hyphens import Joined, joined_by_hyphen
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row

_BOTH: Final = frozenset(("и", "или"))
_SPAN: Final = frozenset(("по", "до", "на"))
_SINCE: Final = frozenset(("с", "со", "от"))
_MARKS: Final = frozenset((",", " —", " –"))
_MOST: Final = 8
"""Longer rows are read in parts, so that a text of ordinals only takes linear time."""


@dataclass(frozen=True, slots=True)
class Series:
    """Ordinals next to each other, and the word after the last."""

    members: tuple[Number, ...]
    links: tuple[bool, ...]
    """For each but the last, whether a word stands between it and the next, not a mark."""
    noun: str

    def pieces(self, write: Callable[[Number], str]) -> tuple[Piece, ...]:
        """Write all members; the words between them stay."""
        pieces: list[Piece] = []
        for number, has_link in zip(self.members, (*self.links, False), strict=True):
            pieces.append((number.length, write(number)))
            if has_link:
                pieces.append((1, None))
        return tuple(pieces)

    @property
    def length(self) -> int:
        """How many words it takes."""
        return sum(number.length for number in self.members) + sum(self.links)


def series(row: Row, place: int) -> Series | None:
    """Read the ordinals from a place on; None: there is none."""
    first = row.number(place)
    if first is None or not first.is_ordinal:
        return None
    spans = row.precedes(place) in _SINCE
    members, links = [first], list[bool]()
    last = place + first.length - 1
    while len(members) < _MOST:
        link = row.follows(last)
        has_link = link in _BOTH or (spans and link in _SPAN)
        is_bare = not has_link and row.joined(last)
        is_parted = row.tokens[last].trail in _MARKS and row.tokens[last].gap == " "
        if not (has_link or is_bare or is_parted):
            break
        if has_link and not row.joined(last + 1):
            break
        number = row.number(last + 1 + has_link)
        if number is None or not number.is_ordinal:
            break
        if is_bare and number.value != members[-1].value + 1:
            break  # «Николая второго двадцать второго мая»: without commas only neighbours are a list
        if link not in _SPAN and number.ending != members[-1].ending:
            break  # «пришел первым, второго мая»
        if not has_link and row.tokens[last + 1].lead:
            break
        members.append(number)
        links.append(has_link)
        last += has_link + number.length
    return Series(tuple(members), tuple(links), row.follows(last))


def hyphenated(row: Row, place: int) -> Joined | None:
    """Read two ordinals with a hyphen: «семнадцатого-восемнадцатого»; None: it is no such."""
    both = joined_by_hyphen(row, place)
    if both is None or not both.first.is_ordinal:
        return None
    return both if both.first.value < both.second.value else None


def longest(row: Row, place: int, nouns: Sequence[str] | frozenset[str]) -> Series | None:
    """Read the ordinals from a place on if a noun of some follows; None: none does."""
    found = series(row, place)
    return found if found is not None and found.noun in nouns else None
