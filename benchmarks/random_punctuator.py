"""A punctuation model of any size with random weights: what runs, without what is learnt.

Written in the form of `workers.text.rubert.exported`, with a plain NumPy pass over the same weights
to hold it against. Speed does not depend on what the weights are; answers do.
"""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from workers.text.rubert.labels import CASES, MARKS

if TYPE_CHECKING:
    from ctranslate2.specs import common_spec
    from tokenizers import Tokenizer

Weights = dict[str, npt.NDArray[np.float32]]
PAD, UNKNOWN, BEGIN, END = range(4)
EPSILON = 1e-12
"""Of layer normalisation, as in BERT (Devlin et al., 2018)."""
_UNKNOWN = "[UNK]"
_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Dimensions of a BERT."""

    layers: int
    width: int
    heads: int
    inner: int
    pieces: int
    positions: int = 512


SMALL = Shape(layers=3, width=312, heads=12, inner=600, pieces=83_830)
"""As the Russian BERT of 29 million weights that is small enough for any machine."""
MEDIUM = Shape(layers=6, width=384, heads=12, inner=1_536, pieces=16_000)
"""As half of multilingual-e5-small with its vocabulary cut to Russian."""


def pieces(shape: Shape) -> list[str]:
    """Give a vocabulary: special pieces, letters, then pairs and threes of letters until it is full."""
    found = ["[PAD]", _UNKNOWN, "[CLS]", "[SEP]", *"0123456789,.-abcdefghijklmnopqrstuvwxyz"]
    found += _LETTERS
    found += [f"##{letter}" for letter in found[4:]]
    longer = itertools.chain(
        itertools.product(_LETTERS, repeat=2), itertools.product(_LETTERS, repeat=3)
    )
    both = itertools.chain.from_iterable(("".join(each), "##" + "".join(each)) for each in longer)
    found += itertools.islice(both, max(0, shape.pieces - len(found)))
    return found + [f"[unused{number}]" for number in range(shape.pieces - len(found))]


def tokenizer(shape: Shape) -> "Tokenizer":
    """Give a WordPiece tokenizer over that vocabulary."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordPiece

    numbered = {piece: number for number, piece in enumerate(pieces(shape))}
    made = Tokenizer(WordPiece(numbered, unk_token=_UNKNOWN, max_input_chars_per_word=100))
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Lowercase(), normalizers.Replace("ё", "е")]
    )
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def random_weights(shape: Shape, *, seed: int = 1, spread: float = 0.05) -> Weights:
    """Give weights by name, float32; matrices have shape (out, in).

    Args:
        shape: of the model.
        seed: the same seed gives the same weights.
        spread: standard deviation. Larger weights make answers differ more from word to word.
    """
    chance = np.random.default_rng(seed)

    def drawn(*size: int) -> npt.NDArray[np.float32]:
        return (chance.standard_normal(size) * spread).astype(np.float32)

    width, inner = shape.width, shape.inner
    weights = {
        "words": drawn(len(pieces(shape)), width),
        "positions": drawn(shape.positions, width),
    }
    norms = ["norm"]
    for layer in range(shape.layers):
        sizes = {"qkv": (3 * width, width), "out": (width, width)}
        sizes |= {"up": (inner, width), "down": (width, inner)}
        for name, (rows, columns) in sizes.items():
            weights[f"{layer}.{name}.weight"] = drawn(rows, columns)
            weights[f"{layer}.{name}.bias"] = drawn(rows)
        norms += [f"{layer}.attended", f"{layer}.fed"]
    for name in norms:
        weights[f"{name}.gamma"] = 1 + drawn(width)
        weights[f"{name}.beta"] = drawn(width)
    for head, labels in (("mark", MARKS), ("case", CASES)):
        weights[f"{head}_weight"] = drawn(len(labels), width) * 4
        weights[f"{head}_bias"] = drawn(len(labels))
    return weights


def write_model(
    folder: Path,
    shape: Shape,
    weights: Weights,
    *,
    quantization: str | None = "int8",
    **labels: object,
) -> None:
    """Write the folder of an exported model.

    Args:
        folder: exists and is empty.
        shape: of the model.
        weights: as `random_weights` gives them.
        quantization: of CTranslate2; None: float32.
        labels: of `labels.json`, where they are to differ from the usual.
    """
    _encoder(shape, weights, quantization, folder)
    heads = {name: weights[name] for name in weights if name.startswith(("mark_", "case_"))}
    with (folder / "heads.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **heads)
    tokenizer(shape).save(str(folder / "tokenizer.json"))
    usual = {
        "format": 1,
        "name": "random",
        "marks": list(MARKS),
        "cases": list(CASES),
        "read": "last",
        "cls": BEGIN,
        "sep": END,
        "unk": UNKNOWN,
        "pad": PAD,
        "max_pieces": min(256, shape.positions),
        "max_pieces_per_word": 8,
        "overlap_words": 24,
        "languages": ["ru"],
        "thresholds": {},
    }
    (folder / "labels.json").write_text(json.dumps(usual | labels), encoding="utf-8")


def _encoder(shape: Shape, weights: Weights, quantization: str | None, folder: Path) -> None:
    from ctranslate2.specs import common_spec, transformer_spec

    encoder = transformer_spec.TransformerEncoderSpec(
        shape.layers,
        shape.heads,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
    )
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["words"].copy()
    encoder.position_encodings.encodings = weights["positions"]
    _set_norm(encoder.layernorm_embedding, weights, "norm")
    for number, layer in enumerate(encoder.layer):
        _set_linear(layer.self_attention.linear[0], weights, f"{number}.qkv")
        _set_linear(layer.self_attention.linear[1], weights, f"{number}.out")
        _set_norm(layer.self_attention.layer_norm, weights, f"{number}.attended")
        _set_linear(layer.ffn.linear_0, weights, f"{number}.up")
        _set_linear(layer.ffn.linear_1, weights, f"{number}.down")
        _set_norm(layer.ffn.layer_norm, weights, f"{number}.fed")
    spec.config.unk_token = _UNKNOWN
    spec.config.layer_norm_epsilon = EPSILON
    spec.register_vocabulary(pieces(shape))
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))


def _set_linear(spec: "common_spec.LinearSpec", weights: Weights, name: str) -> None:
    spec.weight = weights[f"{name}.weight"].copy()  # quantisation writes into it
    spec.bias = weights[f"{name}.bias"]


def _set_norm(spec: "common_spec.LayerNormSpec", weights: Weights, name: str) -> None:
    spec.gamma = weights[f"{name}.gamma"]
    spec.beta = weights[f"{name}.beta"]


def plain_pass(shape: Shape, weights: Weights, row: Sequence[int]) -> npt.NDArray[np.float32]:
    """Give the last hidden states of one row in NumPy: float32, shape (pieces, width)."""
    count, size = len(row), shape.width // shape.heads
    x = _normed(weights["words"][list(row)] + weights["positions"][:count], weights, "norm")
    for layer in range(shape.layers):
        qkv = _linear(x, weights, f"{layer}.qkv").reshape(count, 3, shape.heads, size)
        query, key, value = qkv.transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(size)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        attended = scores / scores.sum(axis=-1, keepdims=True) @ value
        attended = attended.transpose(1, 0, 2).reshape(count, shape.width)
        x = _normed(x + _linear(attended, weights, f"{layer}.out"), weights, f"{layer}.attended")
        up = _linear(x, weights, f"{layer}.up")
        fed = _linear(up * (1 + erf(up / math.sqrt(2))) / 2, weights, f"{layer}.down")
        x = _normed(x + fed, weights, f"{layer}.fed")
    return x.astype(np.float32)


def _linear(x: npt.NDArray[np.float32], weights: Weights, name: str) -> npt.NDArray[np.float32]:
    result: npt.NDArray[np.float32] = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return result


def _normed(x: npt.NDArray[np.float32], weights: Weights, name: str) -> npt.NDArray[np.float32]:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(centred.var(axis=-1, keepdims=True) + EPSILON)
    result: npt.NDArray[np.float32] = scaled * weights[f"{name}.gamma"] + weights[f"{name}.beta"]
    return result
