"""What is sealed of an item of the library: its fields with times and writers, and what lost."""

from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from service.library.merging import Contents, Lost, Stamp, Tombstone, Written
from service.storage.encryption.keys import UserCipher


class _SealedField(msgspec.Struct, frozen=True):
    v: Any
    t: int
    w: str


class _SealedLost(msgspec.Struct, frozen=True):
    i: str
    f: str
    v: str
    t: int
    w: str


class _Sealed(msgspec.Struct, frozen=True):
    """What is sealed of an item. Short names: they are in every one."""

    f: dict[str, _SealedField]
    c: list[_SealedLost] = []


class _SealedValue(msgspec.Struct, frozen=True):
    v: Any


class _SealedValues(msgspec.Struct, frozen=True):
    """The same without times, writers and conflicts."""

    f: dict[str, _SealedValue]


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Sealed).decode
_decode_values: Final = msgspec.json.Decoder(_SealedValues).decode


def item_values(cipher: UserCipher, item: UUID, sealed: bytes) -> dict[str, Any]:
    """Read what the fields of an item hold, for who reads thousands: half the work of `stored_item`.

    Raises:
        Unreadable: it was damaged or moved.
    """
    values = _decode_values(cipher.unseal("library_items", "sealed", item, sealed))
    return {name: one.v for name, one in values.f.items()}


def opened_contents(cipher: UserCipher, row: asyncpg.Record) -> Contents | Tombstone:
    """Read what a row of `library_items` holds.

    Raises:
        Unreadable: it was damaged or moved.
    """
    if row["sealed"] is None:
        at = round(row["deleted_at"].timestamp() * 1000)
        return Tombstone(stamp=Stamp(at=at, writer=row["deleted_by"]))
    sealed = _decode(cipher.unseal("library_items", "sealed", row["id"], row["sealed"]))
    return Contents(
        fields={
            name: Written(value=one.v, stamp=Stamp(at=one.t, writer=one.w))
            for name, one in sealed.f.items()
        },
        conflicts=tuple(
            Lost(id=one.i, field=one.f, value=one.v, stamp=Stamp(at=one.t, writer=one.w))
            for one in sealed.c
        ),
    )


def sealed_contents(contents: Contents) -> bytes:
    """Write what is sealed of an item; `opened_contents` reads it again."""
    sealed = _Sealed(
        f={
            name: _SealedField(v=one.value, t=one.stamp.at, w=one.stamp.writer)
            for name, one in contents.fields.items()
        },
        c=[
            _SealedLost(i=one.id, f=one.field, v=one.value, t=one.stamp.at, w=one.stamp.writer)
            for one in contents.conflicts
        ],
    )
    return _encode(sealed)
