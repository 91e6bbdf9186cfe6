"""Stems of Russian words: what is left when the ending of a form is cut off."""

from collections.abc import Sequence

import snowballstemmer


def stems(keys: Sequence[str]) -> tuple[str, ...]:
    """Give the stem of each word by Snowball's Russian rules (Porter, snowballstem.org).

    Args:
        keys: words in small letters, ё as е; Latin ones stay as they are.
    """
    # A stemmer holds the word at hand, so each call has one of its own; making one is cheap.
    return tuple(snowballstemmer.stemmer("russian").stemWords(list(keys)))
