"""The master key: wraps the keys of users, and is never in the database.

It comes from the environment (`ALFAVOICE_MASTER_KEY`) or from a file, one key a line in base64: the
first is the one in use, those below it are older and only open what they once wrapped. Without
either, a file is made in the data folder. Whoever has both the database and this key can
read everything; who has only the database can read nothing.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.problems import SetUpError
from service.storage.encryption.sealing import KEY_BYTES, Place, Unreadable, new_key, seal, unseal

_NAME_DIGITS: Final = 16
NOBODY: Final = UUID(int=0)
"""Whose the values are that belong to the whole server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """One key. Its name says nothing about it."""

    name: str
    """16 hexadecimal digits, from a hash of the key."""
    secret: bytes

    def __repr__(self) -> str:
        """Keep the secret out of logs and tracebacks."""
        return f"MasterKey(name={self.name!r})"


class MasterKeys:
    """The key in use and the older ones."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Take keys of 32 bytes; the first is the one in use."""
        self._keys = [MasterKey(name=_name(secret), secret=secret) for secret in secrets]

    @property
    def current(self) -> MasterKey:
        """The key that wraps from now on."""
        return self._keys[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all, the current one first."""
        return tuple(key.name for key in self._keys)

    def wrap(self, place: Place, key: bytes) -> bytes:
        """Wrap a user's key; bound to the place as any sealed value."""
        return seal(self.current.secret, 0, place, key)

    def unwrap(self, name: str, place: Place, wrapped: bytes) -> bytes:
        """Open what the master key of this name wrapped.

        Raises:
            Unreadable: there is no such master key here, or the value is damaged or was moved.
        """
        for key in self._keys:
            if key.name == name:
                return unseal(key.secret, place, wrapped)
        raise Unreadable(f"master key {name} is not among those of this server")

    def derived(self, purpose: str) -> bytes:
        """Derive a key for another purpose from the current one (HKDF, RFC 5869): 32 bytes."""
        return HKDF(
            algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()
        ).derive(self.current.secret)


def _name(secret: bytes) -> str:
    return hashlib.sha256(b"alfavoice master key name\0" + secret).hexdigest()[:_NAME_DIGITS]


def load_master_keys(*, value: str | None, file: Path | None, data_dir: Path) -> MasterKeys:
    """Load the master keys; make one where nothing is configured and none was made before.

    Args:
        value: keys in base64 separated by white space (from the environment), or None.
        file: a file of keys, or None.
        data_dir: where `master.key` is when neither is given.

    Raises:
        SetUpError: `setup.master_key`, a key is malformed, or the file cannot be read or made.
    """
    if value is not None:
        return parse_master_keys(value)
    path = file or data_dir / "master.key"
    try:
        if file is None and not path.exists():
            _make(path)
        return parse_master_keys(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "not text"
        raise SetUpError(
            "setup.master_key",
            f"the file of the master key cannot be used ({reason}): check ALFAVOICE_MASTER_KEY_FILE "
            "and who owns the file",
        ) from None


def parse_master_keys(text: str) -> MasterKeys:
    """Read keys in base64, separated by white space.

    Raises:
        SetUpError: `setup.master_key`.
    """
    secrets = []
    for word in text.split():
        try:
            secrets.append(base64.b64decode(word, validate=True))
        except binascii.Error:
            secrets.append(b"")
    if not secrets or any(len(secret) != KEY_BYTES for secret in secrets):
        raise SetUpError(
            "setup.master_key",
            "a master key is 32 random bytes in base64: make one with `openssl rand -base64 32`",
        )
    return MasterKeys(secrets)


def _make(path: Path) -> None:
    """Make a file with a new key, whole or not at all; another process may be doing the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123
            out.write(base64.b64encode(new_key()) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(unfinished, path)  # unlike a rename, never replaces what somebody else made
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        unfinished.unlink(missing_ok=True)
