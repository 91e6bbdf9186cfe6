"""What somebody searches for, and where it stands in a text.

    бюджет "план на квартал"      both words of every kind, and these three words in a row

Pure. Words are compared by their stems, phrases word by word as they are written (case, ё and
punctuation do not count).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.library.words import PlacedWord, placed_words, plain, stems, stems_of, words_of

SNIPPET_CHARACTERS: Final = 240
"""Length of the part of a text that is shown: two or three lines."""
_BEFORE: Final = 60
"""Characters shown before the first match."""
_PHRASE: Final = re.compile(r'["«„“]([^"«»„“”]*)["»“”]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for."""

    stems: frozenset[str]
    """All of them must be there, those of the phrases included; empty: there was no word."""
    phrases: tuple[tuple[str, ...], ...]
    """Plain words that must stand one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A part of a text with what was found in it."""

    text: str
    highlights: tuple[tuple[int, int], ...]
    """Start and end of each match, in characters (Unicode code points) of `text`."""


def read_query(text: str) -> Query:
    """Read a query; a quotation mark without its partner counts for nothing."""
    phrases = (tuple(plain(word) for word in words_of(said)) for said in _PHRASE.findall(text))
    return Query(stems=stems(text), phrases=tuple(phrase for phrase in phrases if len(phrase) > 1))


def has_phrases(query: Query, text: str) -> bool:
    """Whether every phrase stands in the text."""
    words = [word.plain for word in placed_words(text)]
    return all(_starts(words, phrase) for phrase in query.phrases)


def snippet(query: Query, text: str) -> Snippet:
    """Cut the part of a text around the first match: a phrase if there is one, else a word."""
    words = list(placed_words(text))
    plain_words = [word.plain for word in words]
    in_phrase: set[int] = set()
    for phrase in query.phrases:
        for start in _starts(plain_words, phrase):
            in_phrase.update(range(start, start + len(phrase)))

    def matches(index: int) -> bool:
        return index in in_phrase or not query.stems.isdisjoint(stems_of(plain_words[index]))

    numbers = range(len(words))
    first = min(in_phrase) if in_phrase else next(filter(matches, numbers), None)
    begin, end = _window(text, words, None if first is None else words[first])
    shown = (n for n in numbers if begin <= words[n].start and words[n].end <= end)
    return Snippet(
        text=text[begin:end],
        highlights=tuple(
            (words[number].start - begin, words[number].end - begin)
            for number in shown
            if matches(number)
        ),
    )


def _starts(words: Sequence[str], phrase: tuple[str, ...]) -> list[int]:
    """Give where a phrase begins, as indices of words."""
    length = len(phrase)
    return [
        index
        for index, word in enumerate(words)
        if word == phrase[0] and tuple(words[index : index + length]) == phrase
    ]


def _window(text: str, words: Sequence[PlacedWord], first: PlacedWord | None) -> tuple[int, int]:
    """Give start and end of what is shown; both at words, except within one that is endless."""
    begin = 0
    if first is not None and first.start > _BEFORE and len(text) > SNIPPET_CHARACTERS:
        earliest = min(first.start - _BEFORE, len(text) - SNIPPET_CHARACTERS)
        begin = next(word.start for word in words if word.start >= max(0, earliest))
        begin = min(begin, first.start)
    if len(text) - begin <= SNIPPET_CHARACTERS:
        return begin, len(text)
    latest = begin + SNIPPET_CHARACTERS
    ends = [word.end for word in words if begin < word.end <= latest]
    return begin, max(ends, default=latest)
