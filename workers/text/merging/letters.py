"""In what case and script a word is written, and the same word in another case."""

import re
from enum import Enum
from typing import Final

_MOST_READ: Final = 200
"""Letters looked at: no word is longer, and what is longer is nobody's to correct."""

_PLACES: Final = re.compile(
    r"(?:алма-ат|баден-баден|буэнос-айрес|горно-алтайск|йошкар-ол|комсомольск\w*-на-амуре|коста-(?:брав|рик)"
    r"|лас-(?:вегас|пальмас)|лос-(?:аламос|анджелес)|наро-фоминск|нью-(?:гэмпшир|дели|джерси|йорк|мексико|орлеан)"
    r"|орехово-зуев|пуэрто-рико|рио-(?:гранде|де-жанейро)|ростов\w*-на-дону|франкфурт\w*-на-майне"
    r"|сан-(?:антонио|диего|марино|паулу|сальвадор|себастьян|томе|франциско|хосе|хуан)|санкт-(?:мориц|петербург)"
    r"|тель-авив|улан-(?:батор|удэ)|усть-(?:илимск|каменогорск|кут)|ханты-мансийск|шри-ланк|южно-сахалинск)"
    r"(?:[аеиоуыя]|ом|ой)?"
    r"|(?:гусь-хрустальн|(?:каменск|петропавловск|переславл)\w*-(?:уральск|шахтинск|камчатск|залесск))"
    r"(?:[иы]й|ого|ому|[иыо]м)"
)
"""Names of several parts that are written with a capital in each, in all their cases; no words made of them."""
_JOINING: Final = frozenset({"на", "де"})


class Script(Enum):
    """What a word is written in, as far as a model for Russian is concerned."""

    CYRILLIC = "cyrillic"
    OTHER = "other"
    NONE = "none"
    """Digits, signs: it takes after its neighbours."""


class Case(Enum):
    """How the letters of a word are written."""

    SMALL = "lower"
    TITLE = "title"
    CAPITALS = "upper"
    MIXED = "mixed"
    """«iPhone», «Санкт-Петербург», «МГУшный»: somebody meant it."""
    NONE = "none"
    """No letter has a case."""


def script_of(word: str) -> Script:
    """Give the script of at least half of a word's letters."""
    letters = [letter for letter in word[:_MOST_READ] if letter.isalpha()]
    if not letters:
        return Script.NONE
    cyrillic = sum("\u0400" <= letter <= "\u052f" for letter in letters)
    return Script.CYRILLIC if 2 * cyrillic >= len(letters) else Script.OTHER


def case_of(word: str) -> Case:
    """Give the case of a word. A single capital is a title: «Я»."""
    if word == word.lower():
        return Case.SMALL if word != word.upper() else Case.NONE
    if word[:1].isupper() and word[1:] == word[1:].lower():
        return Case.TITLE
    return Case.CAPITALS if word == word.upper() else Case.MIXED


def in_case(word: str, case: Case) -> str:
    """Write a word small, with a capital («Киев», «Санкт-Петербург»), or all in capitals.

    The word stays the same word: where changing case would change letters («ß» to «SS»), and where
    the first sign is no letter, nothing changes.
    """
    if case is Case.SMALL:
        changed = word.lower()
    elif case is Case.TITLE:
        changed = _titled(word)
    elif case is Case.CAPITALS:
        changed = word.upper()
    else:
        return word
    is_same = len(changed) == len(word) and changed.lower() == word.lower()
    return changed if is_same else word


def _titled(word: str) -> str:
    """Write a word as a name, or as the first one of a sentence."""
    first, *others = word.split("-")
    capital = first[:1].upper() + first[1:]
    if not _PLACES.fullmatch(word.lower()):
        return "-".join([capital, *others])
    named = (part if part in _JOINING else part[:1].upper() + part[1:] for part in others)
    return "-".join([capital, *named])
