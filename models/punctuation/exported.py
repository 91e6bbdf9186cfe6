"""An exported model, read and asked: what evaluation uses. The product has a reader of its own.

The folder holds `model.bin`, `config.json` and `vocabulary.json` (a CTranslate2 encoder, int8),
`tokenizer.json`, `heads.npz` and `labels.json`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from models.punctuation.pieces import load_tokenizer, pieces_of

FORMAT: Final = 1
BATCH: Final = 8

_Window = tuple[list[int], list[int]]
"""Pieces, and the place of each word's last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model says of a row of n words."""

    marks: NDArray[np.float32]
    """Probabilities, shape (n, marks)."""
    cases: NDArray[np.float32]
    """Probabilities, shape (n, cases)."""


class ExportedModel:
    """A model folder, loaded."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self.labels: Final[dict[str, Any]] = json.loads((folder / "labels.json").read_text("utf-8"))
        if self.labels["format"] != FORMAT:
            raise ValueError(f"format {self.labels['format']} of {folder.name} is not known")
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        with np.load(folder / "heads.npz", allow_pickle=False) as heads:
            self._heads = {name: heads[name] for name in heads.files}
        self._encoder = ctranslate2.Encoder(
            str(folder), device="cpu", compute_type="int8", intra_threads=threads
        )

    def answers(self, rows: Sequence[Sequence[str]]) -> Iterator[Answer]:
        """Answer rows of one word or more, in windows without overlap where a row is long."""
        windows = [window for words in rows for window in self._windows(words)]
        states = chain.from_iterable(
            self._states(windows[at : at + BATCH]) for at in range(0, len(windows), BATCH)
        )
        for words in rows:
            found = [next(states)]
            while sum(map(len, found)) < len(words):
                found.append(next(states))
            yield self._answer(np.concatenate(found))

    def states(self, pieces: Sequence[int]) -> NDArray[np.float32]:
        """Give the encoder's last hidden states of one row of pieces, shape (length, hidden)."""
        output = self._encoder.forward_batch([list(pieces)])
        states: NDArray[np.float32] = np.asarray(output.last_hidden_state, dtype=np.float32)[0]
        return states

    def _windows(self, words: Sequence[str]) -> Iterator[_Window]:
        """Write words as pieces; a new window begins where the one before is full."""
        pieces: list[int] = []
        read: list[int] = []
        for word in pieces_of(self._tokenizer, words):
            if len(pieces) + len(word) + 2 > self.labels["max_pieces"]:
                yield self._framed(pieces), read
                pieces, read = [], []
            pieces += word
            read.append(len(pieces))  # of its last piece: [CLS] moves all by one
        yield self._framed(pieces), read

    def _framed(self, pieces: list[int]) -> list[int]:
        return [self.labels["cls"], *pieces, self.labels["sep"]]

    def _states(self, windows: Sequence[_Window]) -> Iterator[NDArray[np.float32]]:
        output = self._encoder.forward_batch([pieces for pieces, _ in windows])
        states = np.asarray(output.last_hidden_state, dtype=np.float32)
        for row, (_, read) in zip(states, windows, strict=True):
            yield row[read]

    def _answer(self, states: NDArray[np.float32]) -> Answer:
        heads = self._heads
        return Answer(
            marks=_softmax(states @ heads["mark_weight"].T + heads["mark_bias"]),
            cases=_softmax(states @ heads["case_weight"].T + heads["case_bias"]),
        )


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
