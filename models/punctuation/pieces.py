"""Word pieces: an encoder's vocabulary made small, and words as rows of piece numbers.

Words come to the model without capitals and without ё, so a vocabulary with both has pieces nobody
will ever see. Each folded piece takes the weights of the best of its spellings: «путин» stands in no
vocabulary with capitals, and the weights of «Путин» know that it is a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Lowercase, Replace
from tokenizers.normalizers import Sequence as InOrder
from tokenizers.pre_tokenizers import Metaspace

PAD, UNK, CLS, SEP = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
"""The first pieces of every vocabulary that this module writes: their numbers are 0 to 3."""
BEGINS: Final = "▁"
"""Stands before the first piece of a word (SentencePiece)."""
LONGEST_WORD: Final = 200
"""Letters; a longer word is unknown, as it is where the model is used."""
MAX_PIECES: Final = 256
"""Of one window, [CLS] and [SEP] included: a minute of speech, and attention still costs less than
the rest of the encoder."""
MAX_PIECES_PER_WORD: Final = 8
"""The rest of a longer word is not looked at: one word of the corpus in ten thousand has more."""

Vocabulary = Sequence[tuple[str, float]]
"""Pieces with the logarithms of their probabilities, by which a word is cut (Kudo 2018, arXiv:1804.10959)."""

_NEEDED: Final = "абвгдежзийклмнопрстуфхцчшщъыьэюя0123456789abcdefghijklmnopqrstuvwxyz"
_SIGNS: Final = "—–§°%&@#+-*/=_'.:,()«»\"€₽$!?;"


def folded(piece: str) -> str:
    """Write a piece as the model sees words: small letters, ё as е."""
    return piece.lower().replace("ё", "е")


def is_writable(piece: str) -> bool:
    """Say whether a piece can stand in a Russian or English text, or is one of the special ones."""
    signs = folded(piece).removeprefix(BEGINS)
    return piece in SPECIAL or all(sign in _NEEDED or sign in _SIGNS for sign in signs)


def best_rows(vocabulary: Vocabulary) -> dict[str, int]:
    """Say for each folded piece which row of the encoder's embeddings it takes.

    The spelling in small letters wins, then the one with fewest capitals.
    """
    rows: dict[str, int] = {}
    capitals: dict[str, int] = {}
    for row, (piece, _) in enumerate(vocabulary):
        if piece in SPECIAL:
            continue
        name = folded(piece)
        distance = sum(a != b for a, b in zip(piece, name, strict=False))
        if name not in rows or distance < capitals[name]:
            rows[name], capitals[name] = row, distance
    return rows


def folded_vocabulary(vocabulary: Vocabulary) -> list[tuple[str, float]]:
    """Give the special pieces, then all folded ones with the best score of their spellings."""
    scores = dict.fromkeys(best_rows(vocabulary), -np.inf)
    for piece, score in vocabulary:
        if piece not in SPECIAL:
            scores[folded(piece)] = max(scores[folded(piece)], score)
    return [*((piece, 0.0) for piece in SPECIAL), *scores.items()]


def tokenizer_of(pieces: Vocabulary) -> Tokenizer:
    """Make the tokenizer of a vocabulary; it adds no special pieces.

    Args:
        pieces: folded, the special ones first.
    """
    tokenizer = Tokenizer(Unigram(list(pieces), unk_id=SPECIAL.index(UNK), byte_fallback=False))
    tokenizer.normalizer = InOrder(
        [NFKC(), Lowercase(), Replace("ё", "е"), Replace("\u0301", "")]  # stress marks
    )
    tokenizer.pre_tokenizer = Metaspace(BEGINS, prepend_scheme="always")
    return tokenizer


def pieces_of(tokenizer: Tokenizer, words: Sequence[str]) -> list[list[int]]:
    """Give the numbers of each word's pieces: 1 to `MAX_PIECES_PER_WORD`."""
    short = [word if len(word) <= LONGEST_WORD else "" for word in words]
    return [
        found.ids[:MAX_PIECES_PER_WORD] or [SPECIAL.index(UNK)]
        for found in tokenizer.encode_batch(short, add_special_tokens=False)
    ]


def cut(
    vocabulary: Vocabulary, counts: Mapping[str, int], *, at_most: int
) -> list[tuple[str, float]]:
    """Choose the pieces that the words of a corpus use most.

    Args:
        vocabulary: all pieces of the encoder.
        counts: how often each word occurs; folded or not.
        at_most: pieces to keep, the special ones included.

    Returns:
        Special pieces, then the single letters, digits and signs, so that every Russian or English
        word can be written, then the rest by how often they are used.
    """
    whole = folded_vocabulary(vocabulary)
    tokenizer = tokenizer_of(whole)
    used = np.zeros(len(whole), dtype=np.int64)
    words = list(counts)
    for word, numbers in zip(words, pieces_of(tokenizer, words), strict=True):
        np.add.at(used, numbers, counts[word])
    alone = [number for number, (piece, _) in enumerate(whole) if len(piece) == 1]
    kept = [*range(len(SPECIAL)), *alone]
    taken = set(kept)
    for number in np.argsort(-used, kind="stable").tolist():
        if len(kept) >= at_most or used[number] == 0:
            break
        if number not in taken:
            kept.append(number)
    return [whole[number] for number in kept]


def kept_rows(vocabulary: Vocabulary, kept: Vocabulary) -> NDArray[np.int64]:
    """Say which row of the encoder's embeddings each kept piece takes."""
    rows = best_rows(vocabulary)
    rows |= {piece: row for row, (piece, _) in enumerate(vocabulary) if piece in SPECIAL}
    return np.array([rows[piece] for piece, _ in kept], dtype=np.int64)


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
