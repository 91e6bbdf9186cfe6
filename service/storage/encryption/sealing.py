"""Sealed values: AES-256-GCM, each bound to the place it is stored at.

    byte 0     bytes 1-4             bytes 5-16    from byte 17
    version    number of the key     nonce         ciphertext and 16 bytes of tag

The associated data names table, column, row, user and key number, so that a value copied to another
row, column or user cannot be opened there. Nonces are random: 96 bits allow 2^32 values a key with
a chance of a repetition below 2^-32 (NIST SP 800-38D, section 8.3).
"""

import os
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.problems import ServiceError

KEY_BYTES: Final = 32
VERSION: Final = 1
_HEADER: Final = struct.Struct(">BI")
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = _HEADER.size + _NONCE_BYTES + _TAG_BYTES
"""How much longer a sealed value is than what is in it."""


class Unreadable(ServiceError):
    """A sealed value cannot be opened: damaged, moved, or sealed with a key that is gone."""

    def __init__(self, message: str) -> None:
        super().__init__("store.unreadable", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sealed value is stored, and whose it is."""

    table: str
    column: str
    row: str
    """What identifies the row within the table."""
    user: UUID

    def associated(self, number: int) -> bytes:
        """Give the associated data for a value sealed with key `number`."""
        parts = (self.table, self.column, self.row, str(self.user), str(number))
        if any("|" in part for part in parts):
            raise ValueError("a place may not hold |")
        return "|".join(parts).encode()


def new_key() -> bytes:
    """Make a key, 32 random bytes."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def seal(key: bytes, number: int, place: Place, value: bytes) -> bytes:
    """Seal a value for a place.

    Args:
        key: 32 bytes.
        number: of the key, so that it is found again.
        place: where the value will be stored.
        value: of any length.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, value, place.associated(number))
    return _HEADER.pack(VERSION, number) + nonce + sealed


def key_number(sealed: bytes) -> int:
    """Say which key opens a sealed value.

    Raises:
        Unreadable: it is no sealed value.
    """
    if len(sealed) < OVERHEAD_BYTES:
        raise Unreadable("a stored value is cut short")
    version, number = _HEADER.unpack_from(sealed)
    if version != VERSION:
        raise Unreadable("a stored value is of a form unknown here: update AlfaVoice")
    return int(number)


def unseal(key: bytes, place: Place, sealed: bytes) -> bytes:
    """Open a sealed value.

    Raises:
        Unreadable: it was not sealed with this key for this place, or is damaged.
    """
    associated = place.associated(key_number(sealed))
    begin = _HEADER.size + _NONCE_BYTES
    try:
        return AESGCM(key).decrypt(sealed[_HEADER.size : begin], sealed[begin:], associated)
    except InvalidTag:
        pass
    raise Unreadable("a stored value is damaged, or was moved from where it belongs")
