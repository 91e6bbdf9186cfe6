"""The key of the desktop client's outbox: 64 hex digits, or a passphrase and the salt beside it.

The client writes `outbox.salt.json` beside `outbox.db`; it says which of the two it is, and has a check
value by which a wrong key is told from a damaged file. This reads the same with none of its code.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from service.problems import SetUpError

_CHECK_LABEL: Final = b"alfavoice outbox key check 1"
_CHECK_BYTES: Final = 16
_KEY_BYTES: Final = 32
_HEX_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_PASSES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNote:
    """What lies beside the file."""

    is_passphrase: bool
    salt: bytes
    memory_kib: int
    passes: int
    check: str
    """Hex of the beginning of a SHA-256 over the key."""


def read_note(file: Path) -> KeyNote | None:
    """Read the note of an outbox; None: there is none, or it is damaged.

    Args:
        file: the outbox itself.
    """
    try:
        told = json.loads(file.with_suffix(".salt.json").read_bytes())
        note = KeyNote(
            is_passphrase=told["kind"] == "passphrase",
            salt=bytes.fromhex(told["salt"]),
            memory_kib=int(told["memory_kib"]),
            passes=int(told["passes"]),
            check=str(told["check"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if note.memory_kib > _MOST_MEMORY_KIB or note.passes > _MOST_PASSES:
        return None
    return note


def key_from(secret: str, note: KeyNote | None) -> bytes:
    """Give the 32 bytes of the key.

    Args:
        secret: 64 hex digits, or the passphrase where the note says that there is one.
        note: what lies beside the file.

    Raises:
        SetUpError: `setup.outbox_key`, it is not the key of that file.
    """
    if _HEX_KEY.fullmatch(secret):
        key = bytes.fromhex(secret)
    elif note is not None and note.is_passphrase:
        key = hash_secret_raw(
            secret.encode(),
            note.salt,
            time_cost=note.passes,
            memory_cost=note.memory_kib,
            parallelism=1,
            hash_len=_KEY_BYTES,
            type=Type.ID,
        )
    else:
        raise wrong_key()
    if note is not None and check_of(key) != note.check:
        raise wrong_key()
    return key


def check_of(key: bytes) -> str:
    """Give the check value of a key, as the note has it."""
    return hashlib.sha256(_CHECK_LABEL + key).digest()[:_CHECK_BYTES].hex()


def wrong_key() -> SetUpError:
    """Make the error that says so."""
    return SetUpError("setup.outbox_key", "this is not the key of the outbox")
