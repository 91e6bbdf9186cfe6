"""Master keys: they wrap the keys of users, and are never in the database.

Several may be held at once: the first that is not retired wraps, all of them open what they once
wrapped. Whoever has both the database and these keys can read everything; who has only the
database can read nothing.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.problems import SetUpError, StoreUnavailable
from service.storage.encryption.sealing import KEY_BYTES, Place, seal, unseal

_NAME_DIGITS: Final = 16
NOBODY: Final = UUID(int=0)
"""Whose the values are that belong to the whole server."""


class MasterKeyMissing(StoreUnavailable):
    """A master key is not here (yet): nothing is lost, and an operator can bring it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """One key. Its name says nothing about it."""

    name: str
    """16 hexadecimal digits, from a hash of the key."""
    secret: bytes

    def __repr__(self) -> str:
        """Keep the secret out of logs and tracebacks."""
        return f"MasterKey(name={self.name!r})"

    def derived(self, purpose: str) -> bytes:
        """Derive a key for another purpose (HKDF, RFC 5869): 32 bytes."""
        return HKDF(
            algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()
        ).derive(self.secret)


class MasterKeys:
    """The keys this process holds."""

    def __init__(
        self,
        secrets: Sequence[bytes],
        *,
        source: Callable[[], Sequence[bytes]] | None = None,
    ) -> None:
        """Take the keys.

        Args:
            secrets: keys of 32 bytes, the one in use first.
            source: reads them anew, for keys that can change while the process runs; None: they
                cannot. May raise SetUpError.
        """
        self._source = source
        self._retired: frozenset[str] = frozenset()
        self._keys = _named(secrets)

    @property
    def current(self) -> MasterKey:
        """The key that wraps from now on.

        Raises:
            MasterKeyMissing: all that are here were retired.
        """
        for key in self._keys:
            if key.name not in self._retired:
                return key
        raise MasterKeyMissing("the master key was changed, and the new one is not on this server")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all, in the order they were given."""
        return tuple(key.name for key in self._keys)

    def named(self, name: str) -> MasterKey:
        """Give the key of this name.

        Raises:
            MasterKeyMissing: it is not here.
        """
        for key in self._keys:
            if key.name == name:
                return key
        raise MasterKeyMissing(f"the master key {name} is not on this server: bring its file here")

    def retire(self, names: Iterable[str]) -> None:
        """Wrap nothing with these any more."""
        self._retired = frozenset(names)

    def reload(self) -> bool:
        """Read the keys anew; whether there are others now."""
        if self._source is None:
            return False
        before = self.names
        try:
            self._keys = _named(self._source())
        except SetUpError:  # half written by an editor: those we have stay
            return False
        return self.names != before

    def wrap(self, place: Place, key: bytes) -> bytes:
        """Wrap a user's key with the current one; bound to the place as any sealed value."""
        return seal(self.current.secret, 0, place, key)

    def unwrap(self, name: str, place: Place, wrapped: bytes) -> bytes:
        """Open what the master key of this name wrapped.

        Raises:
            MasterKeyMissing: there is no such master key here.
            Unreadable: the value is damaged or was moved.
        """
        return unseal(self.named(name).secret, place, wrapped)

    def derived(self, purpose: str) -> bytes:
        """Derive a key for another purpose from the current one: 32 bytes."""
        return self.current.derived(purpose)


def parse_master_keys(text: str) -> list[bytes]:
    """Read keys in base64, separated by white space.

    Raises:
        SetUpError: `setup.master_key`.
    """
    secrets = []
    for word in text.split():
        try:
            secrets.append(base64.b64decode(word, validate=True))
        except (binascii.Error, ValueError):  # the latter for letters that are not ASCII
            secrets.append(b"")
    if not secrets or any(len(secret) != KEY_BYTES for secret in secrets):
        raise SetUpError(
            "setup.master_key",
            "a master key is 32 random bytes in base64: put back the one this server had; only for "
            "a new server make one with `openssl rand -base64 32`",
            why="malformed",
        )
    return secrets


def _named(secrets: Sequence[bytes]) -> list[MasterKey]:
    return [MasterKey(name=_name(secret), secret=secret) for secret in dict.fromkeys(secrets)]


def _name(secret: bytes) -> str:
    return hashlib.sha256(b"alfavoice master key name\0" + secret).hexdigest()[:_NAME_DIGITS]
