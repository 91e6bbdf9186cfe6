"""The words of a text as the search knows them: lower case, ё as е, without endings.

Pure. Stems are those of Snowball for Russian and English (M. F. Porter), so that «встречи» finds
«встреча». A word written in both alphabets or with digits is taken as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import local
from typing import Final, Protocol

import snowballstemmer

LONGEST_WORD: Final = 64
"""Letters of a word that count; a longer one is found by its beginning."""
_REMEMBERED: Final = 20_000
"""Words whose stems are kept, 5 MB at most: stemming one takes 45 µs (measured 2026-11), and most of
what people say are the same words again."""
_WORD: Final = re.compile(r"\w+(?:-\w+)*")
_CYRILLIC: Final = re.compile(r"[а-я]+")
_LATIN: Final = re.compile(r"[a-z]+")


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str:  # noqa: N802 - the library's name
        ...


class _Stemmers(local):
    """Stemmers of one thread: while it works, one holds the word it works on."""

    def __init__(self) -> None:
        self.russian: _Stemmer = snowballstemmer.stemmer("russian")
        self.english: _Stemmer = snowballstemmer.stemmer("english")


_stemmers: Final = _Stemmers()


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word where it stands in a text."""

    start: int
    """Index of its first character."""
    end: int
    """Index after its last."""
    plain: str
    """In lower case, ё as е."""


def words_of(text: str) -> list[str]:
    """Give the words of a text as they stand in it, in order."""
    return _WORD.findall(text)


def placed_words(text: str) -> Iterator[PlacedWord]:
    """Give the words of a text in order, each with its place."""
    for found in _WORD.finditer(text):
        yield PlacedWord(found.start(), found.end(), plain(found[0]))


def plain(word: str) -> str:
    """Give a word as words are compared: in lower case, ё as е."""
    return word.lower().replace("ё", "е")


def stems(text: str) -> frozenset[str]:
    """Give what a text is found by; of a word with hyphens also its parts."""
    found: set[str] = set()
    for word in {plain(word) for word in words_of(text)}:
        found.update(stems_of(word))
    return frozenset(found)


def stems_of(word: str) -> frozenset[str]:
    """Give what one plain word is found by."""
    if "-" not in word:
        return frozenset((stem(word),))
    return frozenset((stem(word), *map(stem, word.split("-"))))


def stem(word: str) -> str:
    """Give the stem of one plain word."""
    return _stem(word[:LONGEST_WORD])


@lru_cache(maxsize=_REMEMBERED)
def _stem(word: str) -> str:
    if _CYRILLIC.fullmatch(word):
        return _stemmers.russian.stemWord(word)
    if _LATIN.fullmatch(word):
        return _stemmers.english.stemWord(word)
    return word
