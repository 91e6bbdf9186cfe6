"""Words as the pieces a model reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LONGEST_WORD: Final = 200
"""Letters. No word of a language is longer, and a tokenizer may take the square of them."""


class WordPieces:
    """Cut words into pieces; may be called from several threads at once."""

    def __init__(self, tokenizer: "Tokenizer", *, unknown: int, most: int) -> None:
        """Wrap a tokenizer.

        Args:
            tokenizer: reads the word in small letters, whatever its normalizer does: how the
                recogniser wrote it must not be heard in how it is to be written.
            unknown: piece of a word that has none of its own: a control character, half a pair of
                surrogates, a word of more than 200 letters.
            most: pieces kept of a word, 1 or more.
        """
        self._tokenizer = tokenizer
        if hasattr(tokenizer.model, "_resize_cache"):  # it would keep what people say for ever
            tokenizer.model._resize_cache(0)
            tokenizer.model._clear_cache()
        self._unknown = unknown
        self._most = most

    def of(self, words: Sequence[str]) -> list[list[int]]:
        """Give 1 to `most` pieces for each word; they depend on nothing but the word."""
        return [self._cut(word) for word in words]

    def _cut(self, word: str) -> list[int]:
        try:
            word.encode()
        except UnicodeEncodeError:  # half a pair of surrogates
            return [self._unknown]
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        ids = self._tokenizer.encode(word.lower(), add_special_tokens=False).ids
        return ids[: self._most] or [self._unknown]
