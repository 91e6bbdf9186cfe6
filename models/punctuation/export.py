"""A trained model as the product reads it: a CTranslate2 encoder in int8 and the heads in NumPy.

The layout is the one CTranslate2's own converter gives a BERT (4.x, `TransformerEncoderSpec`), but
for two things: there is no pooler, and as the only token type is already in the positions
(`shape`) there is one source embedding instead of two.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.punctuation.exported import FORMAT
from models.punctuation.labels import CASES, MARKS
from models.punctuation.pieces import CLS, MAX_PIECES, MAX_PIECES_PER_WORD, PAD, SEP, UNK
from models.punctuation.shape import Shape

OVERLAP_WORDS: Final = 24
"""Context on each side of every word where a text takes several windows: the attention of a trained
model rarely reaches further, and 24 words are about ten seconds of speech."""

LARGEST_INT8: Final = 127
LARGEST_WEIGHT: Final = 64
"""Of the matrices that activations are multiplied with, where CTranslate2's converter takes 127. A CPU
without VNNI adds two products of eight bits in sixteen, and 2 · 255 · 127 does not fit: on AVX2 the
hidden states of a random model came out wrong by 22 % (RMS) of their spread, with 64 by 3 %
(measured in November 2026 with CTranslate2 4.8.5)."""

Weights = Mapping[str, NDArray[np.float32]]


def export(weights: Weights, shape: Shape, tokenizer: Tokenizer, into: Path, *, name: str) -> None:
    """Write a model folder.

    Args:
        weights: `encoder.…`, `mark.…` and `case.…`, as `PunctuationModel.arrays` gives them.
        shape: of the encoder.
        tokenizer: of as many pieces as the encoder knows.
        into: made if it is not there; files in it are replaced.
        name: of the model, for logs.
    """
    into.mkdir(parents=True, exist_ok=True)
    _write_encoder(weights, shape, tokenizer, into)
    tokenizer.save(str(into / "tokenizer.json"), pretty=False)
    heads = {
        f"{head}_{part}": np.ascontiguousarray(weights[f"{head}.{part}"], dtype=np.float32)
        for head in ("mark", "case")
        for part in ("weight", "bias")
    }
    np.savez(into / "heads.npz", **heads)  # type: ignore[arg-type]  # numpy types its own flag too
    labels: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "marks": MARKS,
        "cases": CASES,
        "read": "last",
        **{
            key: tokenizer.token_to_id(piece)
            for key, piece in (("pad", PAD), ("unk", UNK), ("cls", CLS), ("sep", SEP))
        },
        "max_pieces": MAX_PIECES,
        "max_pieces_per_word": MAX_PIECES_PER_WORD,
        "overlap_words": OVERLAP_WORDS,
        "languages": ["ru"],
        "thresholds": {},
    }
    text = json.dumps(labels, ensure_ascii=False, indent=2)
    (into / "labels.json").write_text(f"{text}\n", "utf-8")


def _write_encoder(weights: Weights, shape: Shape, tokenizer: Tokenizer, into: Path) -> None:
    encoder = transformer_spec.TransformerEncoderSpec(
        shape.layers,
        shape.heads,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
    )
    encoder.scale_embeddings = False
    _quantise(encoder.embeddings[0], weights["encoder.pieces.weight"], LARGEST_INT8)
    encoder.position_encodings.encodings = weights["encoder.positions.weight"]
    _set_norm(encoder.layernorm_embedding, weights, "encoder.norm")
    for number, layer in enumerate(encoder.layer):
        prefix = f"encoder.layers.{number}"
        attention, network = layer.self_attention, layer.ffn
        _set_linear(attention.linear[0], weights, f"{prefix}.query_key_value")
        _set_linear(attention.linear[1], weights, f"{prefix}.attended")
        _set_norm(attention.layer_norm, weights, f"{prefix}.attended_norm")
        _set_linear(network.linear_0, weights, f"{prefix}.widened")
        _set_linear(network.linear_1, weights, f"{prefix}.narrowed")
        _set_norm(network.layer_norm, weights, f"{prefix}.narrowed_norm")
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.config.unk_token = UNK
    spec.config.layer_norm_epsilon = shape.norm_epsilon
    vocabulary = tokenizer.get_vocab()
    spec.register_vocabulary(sorted(vocabulary, key=vocabulary.__getitem__))
    spec.validate()
    spec.save(str(into))


def _set_linear(spec: common_spec.LinearSpec, weights: Weights, name: str) -> None:
    _quantise(spec, weights[f"{name}.weight"], LARGEST_WEIGHT)
    spec.bias = weights[f"{name}.bias"]


def _quantise(
    spec: common_spec.LinearSpec | common_spec.EmbeddingsSpec,
    weight: NDArray[np.float32],
    largest: int,
) -> None:
    """Set a weight in eight bits with a scale for each row, as CTranslate2 reads it."""
    peaks = np.abs(weight).max(axis=1)
    scale = np.where(peaks > 0, largest / np.maximum(peaks, 1e-30), 1).astype(np.float32)
    spec.weight = np.rint(weight * scale[:, None]).astype(np.int8)
    spec.weight_scale = scale


def _set_norm(spec: common_spec.LayerNormSpec, weights: Weights, name: str) -> None:
    spec.gamma, spec.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]
