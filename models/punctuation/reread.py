"""The weights of an exported model, read back: to go on training where only the exported model is left.

Eight-bit weights come back as multiples of their row's scale, off by at most half of one: about 0.4 % of the largest in
the row for embeddings, 0.8 % for matrices. Training makes that good within its first minutes.

Source of the layout: CTranslate2 4.x, `python/ctranslate2/specs/model_spec.py`, version 6 of the binary format.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from models.punctuation.shape import Shape

VERSION: Final = 6
_TYPES: Final = (np.float32, np.int8, np.int16, np.int32, np.float16)
_LINEAR: Final = {
    "self_attention/linear_0": "query_key_value",
    "self_attention/linear_1": "attended",
    "ffn/linear_0": "widened",
    "ffn/linear_1": "narrowed",
}
_NORMS: Final = {"self_attention/layer_norm": "attended_norm", "ffn/layer_norm": "narrowed_norm"}

_Variables = dict[str, NDArray[np.generic]]


def read_back(folder: Path) -> tuple[dict[str, NDArray[np.float32]], Shape]:
    """Read a model folder as `export` writes it.

    Returns:
        `encoder.…`, `mark.…` and `case.…` in float32, as `PunctuationModel.arrays` gives them, and the
        encoder's shape.

    Raises:
        ValueError: the file is of another version of the format or not of such an encoder.
    """
    with (folder / "model.bin").open("rb") as file:
        variables = dict(_variables(file))
    try:
        weights = dict(_encoder(variables))
        heads = int(variables["encoder/num_heads"])
    except KeyError as missing:
        raise ValueError(f"{folder.name}/model.bin has no {missing}") from missing
    with np.load(folder / "heads.npz", allow_pickle=False) as arrays:
        for name in arrays.files:
            head, part = name.split("_")
            weights[f"{head}.{part}"] = arrays[name].astype(np.float32)
    pieces, hidden = weights["encoder.pieces.weight"].shape
    shape = Shape(
        pieces=pieces,
        positions=len(weights["encoder.positions.weight"]),
        hidden=hidden,
        layers=sum(name.endswith(".attended.weight") for name in weights),
        heads=heads,
        feed_forward=len(weights["encoder.layers.0.widened.weight"]),
    )
    return weights, shape


def _variables(file: BinaryIO) -> Iterator[tuple[str, NDArray[np.generic]]]:
    version = _number(file, "I")
    if version != VERSION:
        raise ValueError(f"version {version} of CTranslate2's format is not known")
    _text(file)  # name of the kind of model
    _number(file, "I")  # its revision
    for _ in range(_number(file, "I")):
        name = _text(file)
        shape = [_number(file, "I") for _ in range(_number(file, "B"))]
        kind = _TYPES[_number(file, "B")]
        content = _exactly(file, _number(file, "I"))
        yield name, np.frombuffer(content, kind).reshape(shape)


def _encoder(variables: _Variables) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield "encoder.pieces.weight", _matrix(variables, "encoder/embeddings_0")
    positions = variables["encoder/position_encodings/encodings"]
    yield "encoder.positions.weight", positions.astype(np.float32)
    yield from _norm(variables, "encoder/layernorm_embedding", "encoder.norm")
    for number in range(sum(name.endswith("/ffn/linear_0/bias") for name in variables)):
        theirs, ours = f"encoder/layer_{number}", f"encoder.layers.{number}"
        for part, name in _LINEAR.items():
            yield f"{ours}.{name}.weight", _matrix(variables, f"{theirs}/{part}")
            yield f"{ours}.{name}.bias", variables[f"{theirs}/{part}/bias"].astype(np.float32)
        for part, name in _NORMS.items():
            yield from _norm(variables, f"{theirs}/{part}", f"{ours}.{name}")


def _matrix(variables: _Variables, name: str) -> NDArray[np.float32]:
    scale = variables[f"{name}/weight_scale"].astype(np.float32)
    return variables[f"{name}/weight"].astype(np.float32) / scale[:, None]


def _norm(
    variables: _Variables, theirs: str, ours: str
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield f"{ours}.weight", variables[f"{theirs}/gamma"].astype(np.float32)
    yield f"{ours}.bias", variables[f"{theirs}/beta"].astype(np.float32)


def _number(file: BinaryIO, kind: str) -> int:
    (value,) = struct.unpack(f"<{kind}", _exactly(file, struct.calcsize(f"<{kind}")))
    return int(value)


def _text(file: BinaryIO) -> str:
    return _exactly(file, _number(file, "H"))[:-1].decode()  # it ends with a zero


def _exactly(file: BinaryIO, count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise ValueError("the model file ends too early")
    return content
