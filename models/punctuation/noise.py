"""What a recogniser does to words: numbers in another form, misheard letters, lost and doubled words.

The model must not be put off by any of it, so a part of what it learns from is treated like that.
The rates are guesses from reading hypotheses of Whisper base, whose word error rate in Russian is
13 to 24 %; most of its errors are whole other words, which text alone cannot imitate.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.punctuation.labels import (
    FULL_STOP,
    LOWER,
    NONE,
    SENTENCE_ENDS,
    TITLE,
    UNKNOWN,
    Labelled,
)

SPELLED_SHARE: Final = 0.5
"""Of the numbers written in digits: said in words."""
DIGITS_SHARE: Final = 0.15
"""Of the numerals up to twenty written in words: given in digits, as Whisper does."""
MISHEARD_SHARE: Final = 0.01
"""Of the words of four letters and more: one letter another one."""
LOST_SHARE: Final = 0.01
DOUBLED_SHARE: Final = 0.005
DISTURBED_WINDOWS: Final = 0.35
"""Windows in which words are lost and doubled; the others stay as they are."""

_LARGEST: Final = 999_999
_LETTERS: Final = "абвгдежзиклмнопрстуфхцчшыьэюя"
_ONES: Final = (
    *("", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
    *("десять", "одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать"),
    *("шестнадцать", "семнадцать", "восемнадцать", "девятнадцать"),
)
_TENS: Final = (
    *("", "", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят"),
    *("восемьдесят", "девяносто"),
)
_HUNDREDS: Final = (
    *("", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот"),
    *("восемьсот", "девятьсот"),
)
_DIGITS: Final = {
    word: str(number) for number, word in enumerate((*_ONES, "двадцать")) if number > 1
}
_SENTENCE_ENDS: Final = np.array(sorted(SENTENCE_ENDS), dtype=np.uint8)


def spelled(number: int) -> list[str]:
    """Say a number from 0 to 999,999 in the nominative; `[]` for others."""
    if not 0 <= number <= _LARGEST:
        return []
    if number == 0:
        return ["ноль"]
    thousands, rest = divmod(number, 1000)
    words = _below_a_thousand(thousands)
    if thousands:
        last = words[-1]
        words[-1] = {"один": "одна", "два": "две"}.get(last, last)
        few = last in {"два", "три", "четыре"}
        words.append("тысяча" if last == "один" else "тысячи" if few else "тысяч")
    return words + _below_a_thousand(rest)


def _below_a_thousand(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10) if rest >= 20 else (0, rest)
    return [word for word in (_HUNDREDS[hundreds], _TENS[tens], _ONES[ones]) if word]


def varied(words: Iterable[Labelled], chance: random.Random) -> Iterator[Labelled]:
    """Give the words with some numbers in another form and some letters misheard.

    Args:
        words: of one line.
        chance: seeded by the line, so that a corpus prepared twice is the same.
    """
    begins = True
    for each in words:
        word = each.word
        if word.isdecimal() and word.isascii() and len(word) <= 6:
            yield from _said(each, chance, begins=begins)
        elif word.lower() in _DIGITS and chance.random() < DIGITS_SHARE:
            yield Labelled(_DIGITS[word.lower()], each.mark, UNKNOWN)
        elif len(word) > 3 and chance.random() < MISHEARD_SHARE and word.isalpha():
            at = chance.randrange(1, len(word))
            yield Labelled(
                word[:at] + chance.choice(_LETTERS) + word[at + 1 :], each.mark, each.case
            )
        else:
            yield each
        begins = each.mark in SENTENCE_ENDS


def _said(each: Labelled, chance: random.Random, *, begins: bool) -> Iterator[Labelled]:
    said = spelled(int(each.word)) if chance.random() < SPELLED_SHARE else []
    if not said:
        yield each
        return
    # "3." is as often the third as three and a full stop; in words it would be plainly wrong.
    if each.mark == FULL_STOP and len(each.word) < 3:
        yield each
        return
    for place, word in enumerate(said):
        case = TITLE if begins and place == 0 else LOWER
        yield Labelled(word, each.mark if place == len(said) - 1 else NONE, case)


def disturbed(
    words: NDArray[np.int32],
    marks: NDArray[np.uint8],
    cases: NDArray[np.uint8],
    chance: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Lose and double some words of a window.

    The mark of a lost word goes to the word before it if that has none, its capital at the
    beginning of a sentence to the word after it. Of a doubled word the second bears the mark.

    Args:
        words: numbers of the words, shape (n,), n ≥ 2.
        marks: after each word.
        cases: of each word.
        chance: what decides.
    """
    marks, cases = marks.copy(), cases.copy()
    draws = chance.random(len(words))
    copies = np.where(draws < LOST_SHARE, 0, np.where(draws > 1 - DOUBLED_SHARE, 2, 1))
    if not copies.any():
        copies[:] = 1
    for lost in np.flatnonzero(copies == 0):
        if lost > 0 and marks[lost - 1] == NONE:
            marks[lost - 1] = marks[lost]
        if lost + 1 < len(words) and cases[lost] == TITLE and cases[lost + 1] == LOWER:
            cases[lost + 1] = TITLE
    taken = np.repeat(np.arange(len(words)), copies)
    first_of_two = np.append(taken[1:] == taken[:-1], np.False_)
    second_of_two = np.append(np.False_, taken[1:] == taken[:-1])
    words, marks, cases = words[taken], marks[taken], cases[taken]
    marks[first_of_two] = NONE
    # Whether a name is said twice or a sentence begins with a restart, nobody can tell here.
    cases[second_of_two & (cases == TITLE)] = UNKNOWN
    return words, marks, cases
