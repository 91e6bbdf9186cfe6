"""The folder of an exported punctuation model, read and checked before anything is loaded.

labels.json      how words are laid out, and the order of the labels
heads.npz        two linear layers over the encoder's last hidden state
tokenizer.json   letters to pieces; adds no special piece by itself
model.bin, config.json, vocabulary.json   the encoder, as CTranslate2 has it
"""

import zipfile
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workers.text.rubert.errors import invalid, missing
from workers.text.rubert.labels import CASES, MARKS
from workers.text.rubert.windows import EDGE_PIECES

LABELS_FILE: Final = "labels.json"
HEADS_FILE: Final = "heads.npz"
TOKENIZER_FILE: Final = "tokenizer.json"
ENCODER_FILES: Final = ("model.bin", "config.json")

Weights = npt.NDArray[np.float32]
PieceId = Annotated[int, Field(ge=0)]


class Labels(BaseModel):
    """`labels.json`, format 1. Keys that are not known here are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    format: Literal[1]
    name: str = Field(min_length=1, max_length=200)
    marks: list[str]
    """What each row of the mark head stands for."""
    cases: list[str]
    read: Literal["first", "last"]
    cls: PieceId
    sep: PieceId
    unk: PieceId
    max_pieces: int = Field(le=1_024)
    max_pieces_per_word: int = Field(ge=1)
    overlap_words: int = Field(ge=0)
    languages: list[str] = Field(default_factory=lambda: ["ru"])
    thresholds: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _labels_are_ours(self) -> "Labels":
        for found, known in ((self.marks, MARKS), (self.cases, CASES)):
            if len(set(found)) != len(found) or not set(found) <= set(known):
                raise ValueError(f"labels other than {list(known)}, or one of them twice")
        if "" not in self.marks or "lower" not in self.cases:
            raise ValueError("no label for no mark, or none for small letters")
        if self.max_pieces_per_word > self.max_pieces - EDGE_PIECES:
            raise ValueError("a word may have more pieces than a window has room for")
        return self


class Head:
    """A linear layer whose rows are brought into our order of labels."""

    def __init__(self, weight: Weights, bias: Weights) -> None:
        self.weight = weight
        """Shape (hidden, labels)."""
        self.bias = bias
        """Shape (labels,). A label that the model does not have has -inf: its probability is 0."""

    @classmethod
    def in_order(
        cls, weight: Weights, bias: Weights, found: list[str], order: tuple[str, ...]
    ) -> "Head":
        """Move the rows of `found` to where `order` wants them."""
        ordered = np.zeros((len(order), weight.shape[1]), np.float32)
        offset = np.full(len(order), -np.inf, np.float32)
        for row, label in enumerate(found):
            ordered[order.index(label)] = weight[row]
            offset[order.index(label)] = bias[row]
        return cls(np.ascontiguousarray(ordered.T), offset)

    def logits(self, hidden: Weights) -> Weights:
        """Give logits of shape (words, labels) for hidden states of shape (words, hidden)."""
        result: Weights = hidden @ self.weight + self.bias
        return result


def read_labels(folder: Path) -> Labels:
    """Read `labels.json`.

    Raises:
        PunctuatorUnusable: it is missing or not format 1.
    """
    try:
        content = (folder / LABELS_FILE).read_bytes()
    except OSError as exc:
        raise missing(LABELS_FILE) from exc
    try:
        return Labels.model_validate_json(content)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise invalid(LABELS_FILE, f"{where}: {first['msg']}".removeprefix(": ")) from exc


def read_heads(folder: Path, labels: Labels) -> tuple[Head, Head]:
    """Read the heads for marks and for cases, their rows in our order.

    Raises:
        PunctuatorUnusable: the file is missing, or not two layers that fit `labels`.
    """
    path = folder / HEADS_FILE
    if not path.is_file():
        raise missing(HEADS_FILE)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: np.asarray(stored[name], np.float32) for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as exc:
        raise invalid(HEADS_FILE, "it is no file of arrays") from exc
    heads = []
    for kind, found, order in (("mark", labels.marks, MARKS), ("case", labels.cases, CASES)):
        weight, bias = arrays.get(f"{kind}_weight"), arrays.get(f"{kind}_bias")
        if weight is None or bias is None:
            raise invalid(HEADS_FILE, f"there is no {kind}_weight or no {kind}_bias")
        if weight.ndim != 2 or len(weight) != len(found) or bias.shape != (len(found),):
            raise invalid(
                HEADS_FILE, f"the shape of {kind}_weight or {kind}_bias is not the labels'"
            )
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise invalid(HEADS_FILE, f"{kind}_weight or {kind}_bias holds no numbers")
        heads.append(Head.in_order(weight, bias, found, order))
    if heads[0].weight.shape[0] != heads[1].weight.shape[0]:
        raise invalid(HEADS_FILE, "the two heads are for encoders of different width")
    return heads[0], heads[1]
