"""An exported model read back gives the weights it was made of, but for what eight bits cannot hold."""

import struct

import numpy as np
import pytest

from models.punctuation.export import export
from models.punctuation.labels import CASES, MARKS
from models.punctuation.pieces import SPECIAL, tokenizer_of
from models.punctuation.reread import read_back
from models.punctuation.shape import Shape

SHAPE = Shape(pieces=24, positions=256, hidden=32, layers=2, heads=4, feed_forward=48)


def weights_of(shape):
    chance = np.random.default_rng(7)
    sizes = {
        "encoder.pieces.weight": (shape.pieces, shape.hidden),
        "encoder.positions.weight": (shape.positions, shape.hidden),
        "encoder.norm.weight": (shape.hidden,),
        "encoder.norm.bias": (shape.hidden,),
        "mark.weight": (len(MARKS), shape.hidden),
        "mark.bias": (len(MARKS),),
        "case.weight": (len(CASES), shape.hidden),
        "case.bias": (len(CASES),),
    }
    for layer in (f"encoder.layers.{number}" for number in range(shape.layers)):
        for name, into, out_of in (
            ("query_key_value", 3 * shape.hidden, shape.hidden),
            ("attended", shape.hidden, shape.hidden),
            ("widened", shape.feed_forward, shape.hidden),
            ("narrowed", shape.hidden, shape.feed_forward),
        ):
            sizes |= {f"{layer}.{name}.weight": (into, out_of), f"{layer}.{name}.bias": (into,)}
        for name in ("attended_norm", "narrowed_norm"):
            sizes |= {f"{layer}.{name}.{part}": (shape.hidden,) for part in ("weight", "bias")}
    return {name: chance.normal(0, 0.2, size).astype(np.float32) for name, size in sizes.items()}


@pytest.fixture
def exported(tmp_path):
    weights = weights_of(SHAPE)
    letters = "абвгдежзийклмнопрсту"
    export(
        weights,
        SHAPE,
        tokenizer_of([(piece, 0.0) for piece in (*SPECIAL, *letters)]),
        tmp_path / "model",
        name="tiny",
    )
    return tmp_path / "model", weights


def test_every_weight_comes_back_as_near_as_eight_bits_are(exported):
    folder, weights = exported

    found, shape = read_back(folder)

    assert shape == SHAPE
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        assert found[name].dtype == np.float32
        exact = weight.ndim == 1 or name.startswith(("encoder.positions", "mark.", "case."))
        steps = 127 if name == "encoder.pieces.weight" else 64
        step = 0.0 if exact else np.abs(weight).max(axis=1, keepdims=True) / steps
        assert np.all(np.abs(found[name] - weight) <= step / 2 + 1e-6), name


def test_a_file_cut_short_and_one_of_another_version_are_refused(exported):
    folder, _ = exported
    whole = (folder / "model.bin").read_bytes()

    (folder / "model.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="ends too early"):
        read_back(folder)
    (folder / "model.bin").write_bytes(struct.pack("<I", 5) + whole[4:])
    with pytest.raises(ValueError, match="version 5"):
        read_back(folder)
