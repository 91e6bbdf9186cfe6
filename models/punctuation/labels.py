"""What the model says of a word, the mark after it and its case, and how written text shows it.

The label scheme is that of the public Russian models of this kind (RUPunct): case {lower, title,
upper} times mark {none , . ? ! : — … ;}, here as two labels a word instead of one of their product.
"""

import re
from dataclasses import dataclass
from html import unescape
from typing import Final

MARKS: Final = ("", ",", ".", "?", "!", ":", "—", "…", ";")
"""Row numbers of the mark head."""
CASES: Final = ("lower", "title", "upper")
"""Row numbers of the case head."""
UNKNOWN: Final = 255
"""Stands for a case that the text does not show: of digits, of «iPhone». Not learned, not scored."""

NONE, FULL_STOP = MARKS.index(""), MARKS.index(".")
SENTENCE_ENDS: Final = frozenset(MARKS.index(mark) for mark in ".?!…")
LOWER, TITLE, UPPER = range(len(CASES))

_EDGE: Final = ".,!?…:;—–-\"'«»„“”‘’()[]{}<>*"
"""Signs that are no part of a word where they stand at its edge; as the text pipeline reads words."""
_STRENGTH: Final = "?!….;:,—"
"""Where several marks meet the first of these stands for all: «?!» is «?», «, —» is «,»."""
_BRACKETED: Final = re.compile(r"\([^()]{0,100}\)")
_DOTS: Final = re.compile(r"\.{2,}")
_LOOSE_DASH: Final = re.compile(r"(?<=\s)(?:-{1,3}|–|―)(?=\s)")
_QUOTES: Final = str.maketrans({"`": '"', "\u00a0": " ", "\u0301": None, "\u00ad": None})
_UNFIT: Final = re.compile(r"[<>|{}=_\\@~^\[\]()]|://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A word with what the text says of it."""

    word: str
    """As it is written, without the marks around it."""
    mark: int
    """Of `MARKS`: what stands after it."""
    case: int
    """Of `CASES`, or `UNKNOWN`."""


def labelled(line: str) -> tuple[Labelled, ...]:
    """Read a line of written text.

    What stands in brackets is left out: nobody says brackets. Quotation marks and the dash that
    opens a turn of a dialogue are no labels.

    Returns:
        The words in order; none where the line is unfit to learn from: it has addresses, menus or
        formulas in it, brackets that do not pair, or is written in capitals.
    """
    text = _LOOSE_DASH.sub("—", _DOTS.sub("…", unescape(line).translate(_QUOTES)))
    text = _BRACKETED.sub(" ", text)
    if _UNFIT.search(text):
        return ()
    words: list[str] = []
    trails: list[str] = []
    for part in text.split():
        word = part.strip(_EDGE)
        if not word:
            if trails:
                trails[-1] += part
            continue
        begins = part.index(word)
        if trails and "—" in part[:begins]:
            trails[-1] += "—"
        words.append(word)
        trails.append(part[begins + len(word) :])
    if _is_shouted(words):
        return ()
    return tuple(
        Labelled(word, mark_of(trail), case_of(word))
        for word, trail in zip(words, trails, strict=True)
    )


def mark_of(trail: str) -> int:
    """Say which label stands for the marks after a word."""
    if trail:
        for mark in _STRENGTH:
            if mark in trail:
                return MARKS.index(mark)
    return NONE


def case_of(word: str) -> int:
    """Say how a word is capitalised; `UNKNOWN` without letters and for «iPhone»."""
    letters = [sign for sign in word if sign.isalpha()]
    if not letters:
        return UNKNOWN
    if word == word.lower():
        return LOWER
    if len(letters) > 1 and all(sign.isupper() for sign in letters):
        return UPPER
    return TITLE if letters[0].isupper() else UNKNOWN


def _is_shouted(words: list[str]) -> bool:
    long = [word for word in words if len(word) > 2]
    return len(long) > 1 and 2 * sum(case_of(word) == UPPER for word in long) > len(long)
