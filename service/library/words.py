"""The words of a text as the search knows them: lower case, ё as е, without endings.

Pure. Stems are those of Snowball for Russian and English (M. F. Porter), so that «встречи» finds
«встреча». A word written in both alphabets or with digits is taken as it is.
"""

import re
from functools import cache
from typing import Final, Protocol

import snowballstemmer

LONGEST_WORD: Final = 64
"""Letters of a word that count; a longer one is found by its beginning."""
_WORD: Final = re.compile(r"\w+(?:-\w+)*")
_CYRILLIC: Final = re.compile(r"[а-я]+")
_LATIN: Final = re.compile(r"[a-z]+")


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str:  # noqa: N802 - the library's name
        ...


@cache
def _stemmer(language: str) -> _Stemmer:
    stemmer: _Stemmer = snowballstemmer.stemmer(language)
    return stemmer


def words_of(text: str) -> list[str]:
    """Give the words of a text as they stand in it, in order."""
    return _WORD.findall(text)


def stems(text: str) -> frozenset[str]:
    """Give what a text is found by; of a word with hyphens also its parts."""
    found = set()
    for word in words_of(text):
        plain = word.lower().replace("ё", "е")
        found.add(stem(plain))
        if "-" in plain:
            found.update(stem(part) for part in plain.split("-"))
    return frozenset(found)


def stem(word: str) -> str:
    """Give the stem of one word in lower case."""
    word = word[:LONGEST_WORD]
    if _CYRILLIC.fullmatch(word):
        return _stemmer("russian").stemWord(word)
    if _LATIN.fullmatch(word):
        return _stemmer("english").stemWord(word)
    return word
