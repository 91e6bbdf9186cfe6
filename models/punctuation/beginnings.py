"""What a run begins with: an encoder's weights, an exported model's, or the one under the other's upper layers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.punctuation import bert
from models.punctuation.pieces import load_tokenizer
from models.punctuation.reread import read_back
from models.punctuation.shape import Shape


def initial_model(
    encoder: Path, rows: NDArray[np.int64], *, dropout: float
) -> bert.PunctuationModel:
    """Take an encoder's weights for the pieces that are kept."""
    full = Shape.load(encoder / "shape.json")
    weights = _weights(encoder)
    weights["pieces.weight"] = weights["pieces.weight"][rows]
    return bert.from_encoder(weights, replace(full, pieces=len(rows)), dropout=dropout)


def exported_model(folder: Path, corpus: Path, *, dropout: float) -> bert.PunctuationModel:
    """Take the weights of an exported model.

    Raises:
        ValueError: the corpus is cut into other pieces than the model knows.
    """
    known, used = (load_tokenizer(each / "tokenizer.json").get_vocab() for each in (folder, corpus))
    if known != used:
        raise ValueError(f"the model in {folder.name} knows other pieces than the corpus has")
    weights, shape = read_back(folder)
    return _model(weights, shape, dropout)


def grown_model(
    folder: Path, corpus: Path, encoder: Path, *, dropout: float
) -> bert.PunctuationModel:
    """Take the weights of an exported model, and above its layers those that the encoder has more.

    They expect almost what they get: the lower ones began as layers of the same encoder. A run makes good the rest.

    Raises:
        ValueError: other pieces, or the encoder has no more layers, or its layers are of another size.
    """
    below = exported_model(folder, corpus, dropout=dropout)
    small, full = below.encoder.shape, Shape.load(encoder / "shape.json")
    if replace(full, pieces=small.pieces, layers=small.layers) != small:
        raise ValueError(f"the layers in {encoder.name} are of another size than the model's")
    if full.layers <= small.layers:
        raise ValueError(
            f"{encoder.name} has {full.layers} layers, the model {small.layers} already"
        )
    more = tuple(f"layers.{number}." for number in range(small.layers, full.layers))
    weights = below.arrays() | {
        f"encoder.{name}": each for name, each in _weights(encoder).items() if name.startswith(more)
    }
    return _model(weights, replace(small, layers=full.layers), dropout)


def _weights(encoder: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(encoder / "weights.npz", allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def _model(
    weights: dict[str, NDArray[np.float32]], shape: Shape, dropout: float
) -> bert.PunctuationModel:
    model = bert.PunctuationModel(shape, dropout)
    model.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()})
    return model
