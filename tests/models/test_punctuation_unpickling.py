"""Arrays are taken out of an archive that nobody need trust."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.errors import ChecksumMismatch
from models.punctuation.encoder import unpack, weights_of
from models.punctuation.unpickling import Inert, arrays_below, read_archive


class Network:
    """Stands for a compiled network: the reader knows no such class."""


class Touching:
    """Would make a file when loaded by pickle itself."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def archive_with(path, written):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("any/first", pickle.dumps(written))
    return zipfile.ZipFile(path)


def test_nothing_that_an_archive_names_is_run(tmp_path):
    made = tmp_path / "made"

    with archive_with(tmp_path / "a.pt", Touching(made)) as archive:
        found = read_archive(archive, "first")

    assert isinstance(found, Inert)
    assert found.given == (str(made),)
    assert not made.exists()
    pickle.loads(pickle.dumps(Touching(made)))  # noqa: S301 - what the same bytes do elsewhere
    assert made.exists()


def test_objects_keep_their_attributes_and_do_nothing(tmp_path):
    network = Network()
    network.names = {"а": 1}
    network.part = Network()
    network.part.files = {Path("x")}

    with archive_with(tmp_path / "a.pt", network) as archive:
        found = read_archive(archive, "first")

    assert found.attributes["names"] == {"а": 1}
    assert isinstance(found.attributes["part"], Inert)
    assert list(arrays_below(found)) == []


def test_an_archive_of_no_object_is_refused(tmp_path):
    with (
        archive_with(tmp_path / "a.pt", [1, 2]) as archive,
        pytest.raises(pickle.UnpicklingError),
    ):
        read_archive(archive, "first")


def test_another_archive_than_the_pinned_one_is_refused(tmp_path):
    archive_with(tmp_path / "accentor.pt", Network()).close()

    with pytest.raises(ChecksumMismatch):
        unpack(tmp_path / "accentor.pt", tmp_path / "encoder")

    assert not (tmp_path / "encoder").exists()


def test_weights_get_our_names():
    chance = np.random.default_rng(0)

    def values(*size):
        return chance.normal(size=size).astype(np.float32)

    layer = {
        **{f"attention.self.{name}": (4, 4) for name in ("query", "key", "value")},
        "attention.output.dense": (4, 4),
        "attention.output.LayerNorm": (4,),
        "intermediate.dense": (6, 4),
        "output.dense": (4, 6),
        "output.LayerNorm": (4,),
    }
    found = {
        "scale": np.float32(0.5),
        "zero_point": np.float32(2),
        "embeddings.word_embeddings.weight": np.array([[4, 2, 0, -2]], dtype=np.int8),
        "embeddings.position_embeddings.weight": values(600, 4),
        "embeddings.token_type_embeddings.weight": values(2, 4),
        "embeddings.LayerNorm.weight": values(4),
        "embeddings.LayerNorm.bias": values(4),
    }
    for name, size in layer.items():
        found[f"encoder.layer.0.{name}.weight"] = values(*size)
        found[f"encoder.layer.0.{name}.bias"] = values(size[0])

    weights = weights_of(found)

    np.testing.assert_array_equal(weights["pieces.weight"], [[1, 0, -1, -2]])
    np.testing.assert_allclose(
        weights["positions.weight"],
        found["embeddings.position_embeddings.weight"][:512]
        + found["embeddings.token_type_embeddings.weight"][0],
    )
    np.testing.assert_array_equal(
        weights["layers.0.query_key_value.weight"][4:8],
        found["encoder.layer.0.attention.self.key.weight"],
    )
    assert weights["layers.0.widened.weight"].shape == (6, 4)
    assert len(weights) == 2 + 2 + 2 * 6
    assert {each.dtype for each in weights.values()} == {np.dtype(np.float32)}
