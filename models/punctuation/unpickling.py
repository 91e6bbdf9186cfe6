"""Arrays out of a torch archive, without torch and without running anything that is in it.

A pickle is a program: it names functions and classes, and loading calls them. Here every name stands
for something inert, but for the few that build tensors. Format: torch.package writes a zip
with the pickles and one raw file for each storage, which the pickles refer to by number.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

_STORED: Final = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class Inert:
    """Stands for an object of any class: remembers what the pickle says of it, and does nothing."""

    given: tuple[object, ...]
    entries: dict[Any, object]
    members: list[object]
    attributes: dict[str, Any]

    def __new__(cls, *given: object, **named: object) -> Self:  # noqa: D102
        self = super().__new__(cls)  # a pickle makes objects without calling __init__
        self.given = given
        self.entries = dict(named)
        self.members = []
        self.attributes = {}
        return self

    def __init__(self, *given: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        """Keep what an object would be restored from."""
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.attributes |= part

    def __setitem__(self, key: object, value: object) -> None:
        self.entries[key] = value

    def append(self, member: object) -> None:
        """Take what a list would."""
        self.members.append(member)

    def extend(self, members: list[object]) -> None:
        """Take what a list would."""
        self.members += members

    def add(self, member: object) -> None:
        """Take what a set would."""
        self.members.append(member)


@dataclass(frozen=True, slots=True)
class _Storage:
    content: bytes
    type: np.dtype[Any]


def read_archive(archive: zipfile.ZipFile, path: str) -> Inert:
    """Read a pickle of an archive: containers, numbers, texts and arrays; all else is `Inert`.

    Args:
        archive: as torch writes it, everything below one folder.
        path: of the pickle below that folder.

    Raises:
        UnpicklingError: it refers to something that this format does not have.
        KeyError: it is not there.
    """
    folder = archive.namelist()[0].split("/")[0]
    found = _Reader(archive, folder, archive.read(f"{folder}/{path}")).load()
    if not isinstance(found, Inert):
        raise pickle.UnpicklingError("an object was expected")
    return found


def arrays_below(module: Inert, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Give the arrays of a compiled network and its parts by name, as its state dict would."""
    for name, value in module.attributes.items():
        if isinstance(value, np.ndarray):
            yield f"{prefix}{name}", value
        elif isinstance(value, Inert):
            yield from arrays_below(value, f"{prefix}{name}.")


class _Reader(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, folder: str, content: bytes) -> None:
        super().__init__(BytesIO(content))
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _STORED:
            return np.dtype(_STORED[name])
        # A class of its own for each name: what is made of it can be told apart when looking.
        return type(name.rsplit(".", 1)[-1], (Inert,), {"__module__": module})

    def persistent_load(self, pid: tuple[Any, ...]) -> object:
        kind, *about = pid
        if kind != "storage":
            return Inert(*pid)
        stored, key, *_ = about
        file = (
            key if key.endswith(".storage") else f"{key}.storage"
        )  # compiled networks name the file
        return _Storage(self._archive.read(f"{self._folder}/.data/{file}"), stored)


def _tensor(
    storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> NDArray[Any]:
    flat = np.frombuffer(storage.content, dtype=storage.type)
    strides = tuple(step * flat.itemsize for step in stride)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if 0 in size or offset < 0 or min(stride, default=0) < 0 or last >= len(flat):
        raise pickle.UnpicklingError("a tensor reaches out of its storage")
    return np.lib.stride_tricks.as_strided(flat[offset:], size, strides, writeable=False)


def _parameter(array: NDArray[Any], *_: object) -> NDArray[Any]:
    return array
