"""How words sound, as far as it takes to know a term that was spelt in another way.

Three ways to spell a word, each coarser than the one before:
    plain: «Группэль» -> «групел»   no capitals, doubled letters, ё, э, hard and soft signs
    code: «групел» -> «крупил»      no voice, vowels as they sound without stress
    skeleton: «крупил» -> «крпл»    no vowels
"""

import re
from itertools import groupby
from typing import Final

_DROPPED: Final = str.maketrans("эё", "ее", "ьъ-’'")
_CODE: Final = str.maketrans("бвгджзщцйоыеяю", "пфктшсшсиаииау")
_VOWELS: Final = frozenset("аиу")
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[а-яёА-ЯЁ]+|\d+")
_MOST_READINGS: Final = 24
"""Of one term: «Kubernetes» has 12; each costs an entry of the index."""

_GRAPHEMES: Final = {
    "tion": ("шн",), "tch": ("ч",), "sch": ("ш",), "igh": ("ай",), "sh": ("ш",), "ch": ("ч", "к"),
    "th": ("т", "тх"), "ph": ("ф",), "ck": ("к",), "qu": ("кв",), "oo": ("у",), "ee": ("и",),
    "ea": ("и",), "ai": ("ей", "ай"), "ay": ("ей", "ай"), "ey": ("и", "ей"), "ou": ("ау", "у"),
    "ow": ("оу", "ау"), "au": ("о", "ау"), "kh": ("х",), "zh": ("ж",), "ya": ("я",), "yu": ("ю",),
    "yo": ("е",), "ce": ("с", "се"), "ci": ("си", "сай"), "cy": ("си", "сай"), "ge": ("дж", "ге"),
    "gi": ("ги", "джи"), "gy": ("джи", "ги"),
    "a": ("а", "е"), "b": ("б",), "c": ("к",), "d": ("д",), "e": ("е",), "f": ("ф",), "g": ("г",),
    "h": ("х",), "i": ("и", "ай"), "j": ("дж",), "k": ("к",), "l": ("л",), "m": ("м",), "n": ("н",),
    "o": ("о", "оу"), "p": ("п",), "q": ("к",), "r": ("р",), "s": ("с",), "t": ("т",),
    "u": ("у", "а", "ю"), "v": ("в",), "w": ("в", "у"), "x": ("кс",), "y": ("и", "ай"), "z": ("з",),
}  # fmt: skip
"""How Russians read English spelling; ours, from how such words are written in Russian."""
_INSIDE: Final = {"ce": ("се", "с"), "ge": ("дже", "ге")}
"""Where more of the word follows."""
_GRAPHEME: Final = re.compile("|".join(sorted(_GRAPHEMES, key=len, reverse=True)))
_ENGLISH_NAMES: Final = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "эй би си ди и эф джи эйч ай джей кей эль эм эн оу пи кью ар эс ти ю ви дабл-ю икс уай "
        "зед".split(),
        strict=True,
    )
)


def plain(key: str) -> str:
    """Spell a word in small letters without what is not heard in it."""
    return "".join(letter for letter, _ in groupby(key.translate(_DROPPED)))


def code(word: str) -> str:
    """Spell a plain Cyrillic word as it sounds when nobody listens closely."""
    return "".join(letter for letter, _ in groupby(word.translate(_CODE)))


def skeleton(coded: str) -> str:
    """Give the consonants of a code."""
    return "".join(letter for letter in coded if letter not in _VOWELS)


def readings(latin: str) -> tuple[str, ...]:
    """Give the plain Cyrillic words that a Latin one may be read as, the likeliest first.

    Args:
        latin: «GitHub»: capitals inside part it. Letters outside the English alphabet and digits
            make it unreadable: no reading.
    """
    parts = _PARTS.findall(latin)
    if "".join(parts) != re.sub(r"[-._ ]", "", latin) or not all(map(_is_latin, parts)):
        return ()
    found = [""]
    for part in parts:
        found = [before + after for before in found for after in _readings_of(part.lower())][
            :_MOST_READINGS
        ]
    return tuple(dict.fromkeys(plain(word) for word in found))


def spelt_out(latin: str) -> tuple[str, ...]:
    """Give the names of the letters of an abbreviation: «API» -> «эй», «пи», «ай»; else nothing."""
    if latin.isascii() and latin.isalpha() and latin.isupper() and 2 <= len(latin) <= 5:
        return tuple(plain(_ENGLISH_NAMES[letter]) for letter in latin.lower())
    return ()


def differing(first: str, second: str) -> int:
    """Count the places in which two codes differ; of unequal length: all of the longer one.

    A vowel too many makes another word: «супермаркет» is no СберМаркет.
    """
    if len(first) != len(second):
        return max(len(first), len(second))
    return sum(one != other for one, other in zip(first, second, strict=True))


def _is_latin(part: str) -> bool:
    return part.isascii() and part.isalpha()


def _readings_of(part: str) -> list[str]:
    graphemes = _GRAPHEME.findall(part)
    found = [""]
    for place, grapheme in enumerate(graphemes):
        is_last = place == len(graphemes) - 1
        choices = _GRAPHEMES[grapheme]
        if grapheme == "a" and "a" in graphemes[:place]:
            choices = choices[:1]  # «Slack» has an э, «Grafana» none
        if not is_last:
            choices = _INSIDE.get(grapheme, choices)
        elif grapheme == "e" and place > 1:
            choices = ("", "е")  # «Chrome», «Kaspersky Store»
        found = [before + after for before in found for after in choices][:_MOST_READINGS]
    return found
