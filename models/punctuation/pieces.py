"""Word pieces: an encoder's vocabulary made small, and words as rows of piece numbers.

Words come to the model without capitals and without ё, so a vocabulary with both has pieces nobody
will ever see. Each folded piece takes the weights of the best of its spellings: «москва» stands in no
vocabulary with capitals, and the weights of «Москва» know that it is a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import NFC, Lowercase, Replace
from tokenizers.normalizers import Sequence as InOrder
from tokenizers.pre_tokenizers import BertPreTokenizer

PAD, UNK, CLS, SEP = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
"""The first pieces of every vocabulary that this module writes: their numbers are 0 to 3."""
CONTINUED: Final = "##"
LONGEST_WORD: Final = 100
"""Letters; a longer word is unknown. WordPiece takes time that grows with the square of it."""
MAX_PIECES: Final = 256
"""Of one window, [CLS] and [SEP] included: a minute of speech, and attention still costs less than
the rest of the encoder."""
MAX_PIECES_PER_WORD: Final = 8
"""The rest of a longer word is not looked at: 8 pieces hold every Russian word of the corpus."""


def folded(piece: str) -> str:
    """Write a piece as the model sees words: small letters, ё as е."""
    return piece.lower().replace("ё", "е")


def best_rows(vocabulary: Sequence[str]) -> dict[str, int]:
    """Say for each folded piece which row of the encoder's embeddings it takes.

    The spelling in small letters wins, then the one with fewest capitals.
    """
    rows: dict[str, int] = {}
    capitals: dict[str, int] = {}
    for row, piece in enumerate(vocabulary):
        if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
            continue
        name = folded(piece)
        distance = sum(a != b for a, b in zip(piece, name, strict=False))
        if name not in rows or distance < capitals[name]:
            rows[name], capitals[name] = row, distance
    return rows


def tokenizer_of(pieces: Sequence[str]) -> Tokenizer:
    """Make the tokenizer of a vocabulary; it adds no special pieces."""
    numbers = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        WordPiece(
            vocab=numbers,
            unk_token=UNK,
            continuing_subword_prefix=CONTINUED,
            max_input_chars_per_word=LONGEST_WORD,
        )
    )
    tokenizer.normalizer = InOrder(
        [NFC(), Lowercase(), Replace("ё", "е"), Replace("\u0301", "")]  # stress marks
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def pieces_of(tokenizer: Tokenizer, words: Sequence[str]) -> list[list[int]]:
    """Give the numbers of each word's pieces: 1 to `MAX_PIECES_PER_WORD`."""
    short = [word if len(word) <= 2 * LONGEST_WORD else "" for word in words]
    return [
        found.ids[:MAX_PIECES_PER_WORD] or [SPECIAL.index(UNK)]
        for found in tokenizer.encode_batch(short, add_special_tokens=False)
    ]


def cut(vocabulary: Sequence[str], counts: Mapping[str, int], *, at_most: int) -> list[str]:
    """Choose the pieces that the words of a corpus use most.

    Args:
        vocabulary: all pieces of the encoder.
        counts: how often each word occurs; folded or not.
        at_most: pieces to keep, the special ones included.

    Returns:
        Special pieces, then all single signs that occur in a Russian or English text, so that every
        such word can be written, then the rest by how often they are used.
    """
    rows = best_rows(vocabulary)
    whole = [*SPECIAL, *rows]
    tokenizer = tokenizer_of(whole)
    used = np.zeros(len(whole), dtype=np.int64)
    words = list(counts)
    for word, numbers in zip(words, pieces_of(tokenizer, words), strict=True):
        used[numbers] += counts[word]
    kept = list(SPECIAL)
    kept += [piece for piece in rows if _is_needed_sign(piece.removeprefix(CONTINUED))]
    taken = set(kept)
    for number in np.argsort(-used, kind="stable"):
        if len(kept) >= at_most or used[number] == 0:
            break
        if whole[number] not in taken:
            kept.append(whole[number])
    return kept


def _is_needed_sign(sign: str) -> bool:
    if len(sign) != 1:
        return False
    return "а" <= sign <= "я" or sign.isascii() or sign in "—–№°§«»…€₽"


def kept_rows(vocabulary: Sequence[str], kept: Sequence[str]) -> NDArray[np.int64]:
    """Say which row of the encoder's embeddings each kept piece takes."""
    rows = best_rows(vocabulary)
    special = {piece: row for row, piece in enumerate(vocabulary) if piece in SPECIAL}
    return np.array(
        [special[piece] if piece in SPECIAL else rows[piece] for piece in kept], dtype=np.int64
    )


class PieceTable:
    """The pieces of each of many words, to be looked up by the word's number."""

    def __init__(self, tokenizer: Tokenizer, words: Sequence[str]) -> None:
        found = pieces_of(tokenizer, words)
        self.lengths: Final[NDArray[np.int32]] = np.array([len(row) for row in found], np.int32)
        self._begins: Final = np.concatenate(([0], np.cumsum(self.lengths, dtype=np.int64)))
        self._flat: Final = np.array([each for row in found for each in row], dtype=np.int64)

    def pieces(self, words: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Write a row of words as pieces, without [CLS] and [SEP].

        Returns:
            The pieces, shape (m,), and for each word the place of its last one among them.
        """
        lengths = self.lengths[words].astype(np.int64)
        ends = np.cumsum(lengths)
        offsets = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        return self._flat[np.repeat(self._begins[words], lengths) + offsets], ends - 1


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`."""
    return Tokenizer.from_file(str(path))


def distinct(words: Iterable[str], numbers: dict[str, int]) -> list[int]:
    """Number words by their first occurrence, going on from the numbers given."""
    return [numbers.setdefault(word, len(numbers)) for word in words]
