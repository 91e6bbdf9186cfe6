"""One spelling for a reference and a hypothesis before words are compared.

Lower case, ё as е, hyphens as blanks, marks dropped, and numbers written out: references from
phone menus write «нажмите 1» where readers of prose write «нажмите один», and so do recognisers.
Inflection of written-out numbers is not guessed: «12 марта» becomes «двенадцать марта», and a
hypothesis «двенадцатое марта» counts as wrong. Both sides go through the same function, so no
contestant gains from it.
"""

import re
from typing import Final

from num2words import num2words

_GROUPED: Final = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\d])")
_ORDINAL_RU: Final = re.compile(r"\b(\d+)-?(?:й|я|е|ый|ая|ое|го|му|м|ом|х|ой|ую)\b")
_ORDINAL_EN: Final = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_DECIMAL: Final = re.compile(r"(\d+)[.,](\d+)")
_DIGITS: Final = re.compile(r"\d+")
_SIGNS: Final = {
    "ru": {"%": " процентов ", "№": " номер ", "$": " долларов ", "+": " плюс "},
    "en": {"%": " percent ", "№": " number ", "$": " dollars ", "+": " plus ", "&": " and "},
}
_AND: Final = {"ru": "и", "en": "point"}
_LONGEST_NUMBER: Final = 9
"""More digits than this are a telephone or card number, said digit by digit or in groups."""


def words(text: str, *, language: str) -> list[str]:
    """Give the comparable words of a text.

    Args:
        text: with marks, digits and capitals.
        language: "ru" or "en".
    """
    line = text.lower().replace("ё", "е")
    for sign, spoken in _SIGNS[language].items():
        line = line.replace(sign, spoken)
    line = _GROUPED.sub(lambda match: re.sub(r"\D", "", match[0]), line)
    ordinal = _ORDINAL_RU if language == "ru" else _ORDINAL_EN
    line = ordinal.sub(lambda match: _written(match[1], language, to="ordinal"), line)
    line = _DECIMAL.sub(rf"\1 {_AND[language]} \2", line)
    line = _DIGITS.sub(lambda match: f" {_written(match[0], language)} ", line)
    line = line.replace("'", "").replace("’", "").replace("ё", "е")
    return re.findall(r"[^\W_]+", line)


def unbroken(text: str) -> str:
    """Write the blanks inside of numbers as no-break ones: «1 250 000» is one word."""
    return _GROUPED.sub(lambda match: re.sub(r"\D", "\u00a0", match[0]), text)


def normalise(text: str, *, language: str) -> str:
    """Give the comparable words of a text, joined by single blanks."""
    return " ".join(words(text, language=language))


def _written(digits: str, language: str, *, to: str = "cardinal") -> str:
    if len(digits) > _LONGEST_NUMBER or (digits.startswith("0") and len(digits) > 1):
        return " ".join(str(num2words(int(digit), lang=language)) for digit in digits)
    return str(num2words(int(digits), lang=language, to=to))
