"""Endings of Russian nouns, by how the noun ends."""

from collections.abc import Mapping
from typing import Final

_CONSONANTS: Final = frozenset("бвгджзклмнпрстфхцчшщ")
_AFTER_CONSONANT: Final = frozenset(["", *"а у ом ем е ы и ов ей ам ами ах".split()])
_BY_LAST: Final[Mapping[str, frozenset[str]]] = {
    "й": frozenset("й я ю ем е и ев ям ями ях".split()),
    "ь": frozenset(["", *"ь я ю ем е и ью ей ям ями ях".split()]),
    "а": frozenset(["", *"а ы и е у ой ою ей ам ами ах".split()]),
    "я": frozenset(["", *"я и е ю ей ею ь й ям ями ях".split()]),
    "ы": frozenset(["", *"ы ам ами ах ов".split()]),
    "и": frozenset(["", *"и ам ами ах ов ей ям ями ях".split()]),
}
LONGEST: Final = 3
"""Letters of the longest ending."""


def declined(key: str) -> tuple[str, frozenset[str]]:
    """Cut a noun into what stays and the endings it may have; «Токио» has none but its own.

    Args:
        key: the noun in small letters, ё as е.
    """
    last = key[-1:]
    if last in _CONSONANTS:
        return key, _AFTER_CONSONANT
    if last in _BY_LAST:
        return key[:-1], _BY_LAST[last]
    return key, frozenset({""})
