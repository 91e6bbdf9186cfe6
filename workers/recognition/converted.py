"""The tensors of a converted model: CTranslate2's `model.bin`, read without CTranslate2.

Layout, all little-endian, as `ctranslate2.specs.model_spec.ModelSpec._save` writes it (binary
version 6; strings are a 16-bit length, bytes and a NUL that the length counts):

    version u32 | specification string | revision u32
    count u32 | count x ( name | rank u8 | dimensions u32 ... | type u8 | bytes u32 | data )
    count u32 | count x ( alias | name )

The file is mapped, not read: a tensor nobody asks for costs nothing. The mapping ends with the last
tensor that is kept.
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BINARY_VERSION: Final = 6

_TYPES: Final = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
"""CTranslate2's `DataType`; 5 is bfloat16, which numpy does not have."""

Array = npt.NDArray[Any]


class UnreadableModel(Exception):
    """The file is no converted model, or one in a form that is not understood here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedModel:
    """What a `model.bin` holds."""

    specification: str
    """Name of the class that wrote it, such as `WhisperSpec`."""
    tensors: Mapping[str, Array]
    """Read-only, by name and by alias, as stored: float32, float16, int32, int16 or int8."""

    def weights(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """Give a tensor in float32; one stored in 8 or 16 bits is multiplied out.

        Raises:
            UnreadableModel: there is none of this name and shape.
        """
        if self.shape(name) != shape:
            raise UnreadableModel(f"{name} is {self.shape(name)}, expected {shape}")
        values: npt.NDArray[np.float32] = self.tensors[name].astype(np.float32)
        scale = self.tensors.get(f"{name}_scale")
        if scale is not None:  # one for each row, or one for all; stored = value * scale
            if scale.size not in {1, *shape[:1]} or not scale.all():
                raise UnreadableModel(f"{name} does not go with its scale")
            values /= scale.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
        return values

    def shape(self, name: str) -> tuple[int, ...]:
        """Give a tensor's shape.

        Raises:
            UnreadableModel: there is none of this name.
        """
        stored = self.tensors.get(name)
        if stored is None:
            raise UnreadableModel(f"the model has no {name}")
        return stored.shape

    def setting(self, name: str) -> int | None:
        """Give a whole number that is stored as a tensor, or None.

        Raises:
            UnreadableModel: it is not one number.
        """
        stored = self.tensors.get(name)
        if stored is None:
            return None
        if stored.size != 1:
            raise UnreadableModel(f"{name} is not one number")
        return int(stored.reshape(-1)[0])


def read_model(path: Path) -> ConvertedModel:
    """Map a `model.bin` into memory.

    Raises:
        UnreadableModel: it is no converted model of the version known here, is cut short, or holds
            a type that numpy lacks.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as exc:
            raise UnreadableModel("the file is empty") from exc
    try:
        return _parse(_Cursor(memoryview(mapped)))
    except (struct.error, ValueError, KeyError) as exc:
        raise UnreadableModel("it is no converted model, or damaged") from exc


def _parse(cursor: "_Cursor") -> ConvertedModel:
    version = cursor.number("<I")
    if version != BINARY_VERSION:
        raise UnreadableModel(f"binary version {version}, expected {BINARY_VERSION}")
    specification = cursor.string()
    cursor.number("<I")
    tensors: dict[str, Array] = {}
    for _ in range(cursor.number("<I")):
        name = cursor.string()
        shape = [cursor.number("<I") for _ in range(cursor.number("<B"))]
        kind = _TYPES.get(cursor.number("<B"))
        if kind is None:
            raise UnreadableModel(f"{name} is of a type unknown here")
        tensors[name] = np.frombuffer(cursor.take(cursor.number("<I")), kind).reshape(shape)
    for _ in range(cursor.number("<I")):
        alias = cursor.string()
        name = cursor.string()
        tensors[alias] = tensors[name]
        if f"{name}_scale" in tensors:  # goes with its tensor without being named, as on their side
            tensors[f"{alias}_scale"] = tensors[f"{name}_scale"]
    return ConvertedModel(specification=specification, tensors=tensors)


class _Cursor:
    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._place = 0

    def take(self, count: int) -> memoryview:
        taken = self._view[self._place : self._place + count]
        if len(taken) != count:
            raise ValueError("the file ends early")
        self._place += count
        return taken

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def string(self) -> str:
        return bytes(self.take(self.number("<H"))[:-1]).decode()
