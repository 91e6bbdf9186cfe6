"""Words as recognisers without punctuation write them: lower case, no marks. Pure.

Some protocols promise such words, beside or instead of finished text.
"""

import re
from typing import Final

_OUTER_MARKS: Final = re.compile(r"^[^\w]+|[^\w%°]+$")
"""Marks around a word. Those within it (3,5 и кое-что, don't) and a sign of a unit are the word's."""


def bare_word(word: str) -> str:
    """Give a word without the marks around it, in lower case; empty for a lone dash."""
    return _OUTER_MARKS.sub("", word).lower()


def bare_text(text: str) -> str:
    """Give a text as its bare words, with one blank between them."""
    return " ".join(bare for word in text.split() if (bare := bare_word(word)))
