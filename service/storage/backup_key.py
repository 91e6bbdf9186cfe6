"""Master keys in a backup, under a passphrase.

The key that seals them is made with argon2id (RFC 9106) in more memory than a login needs: a
backup can be tried at leisure by whoever finds it.
"""

import base64
import os
from typing import Annotated, Final

import msgspec
from argon2.low_level import Type, hash_secret_raw
from msgspec import Meta

from service.problems import SetUpError
from service.storage.backup_file import damaged
from service.storage.encryption.master import NOBODY, parse_master_keys
from service.storage.encryption.sealing import KEY_BYTES, Place, Unreadable, seal, unseal

SHORTEST_PASSPHRASE: Final = 12
_PLACE: Final = Place(table="backup", column="master_keys", row="", user=NOBODY)


class _SealedKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    salt: bytes
    rounds: Annotated[int, Meta(ge=1, le=16)]
    memory_kib: Annotated[int, Meta(ge=8192, le=1 << 20)]
    lanes: Annotated[int, Meta(ge=1, le=16)]
    sealed: bytes

    def key(self, passphrase: str) -> bytes:
        return hash_secret_raw(
            passphrase.encode(),
            self.salt,
            time_cost=self.rounds,
            memory_cost=self.memory_kib,
            parallelism=self.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )


def seal_master_keys(secrets: list[bytes], passphrase: str) -> bytes:
    """Seal master keys; takes about a second and 256 MiB.

    Raises:
        SetUpError: `setup.passphrase`, it is too short.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise SetUpError(
            "setup.passphrase",
            f"the passphrase has fewer than {SHORTEST_PASSPHRASE} letters: take a longer one",
            why="short",
            letters=SHORTEST_PASSPHRASE,
        )
    form = _SealedKeys(salt=os.urandom(16), rounds=4, memory_kib=256 * 1024, lanes=4, sealed=b"")
    text = b"\n".join(base64.b64encode(secret) for secret in secrets)
    sealed = seal(form.key(passphrase), 0, _PLACE, text)
    return msgspec.json.encode(msgspec.structs.replace(form, sealed=sealed))


def unseal_master_keys(sealed: bytes, passphrase: str) -> list[bytes]:
    """Open them.

    Raises:
        SetUpError: `setup.passphrase`, it is another one; `setup.backup_damaged`.
    """
    try:
        form = msgspec.json.decode(sealed, type=_SealedKeys)
    except msgspec.MsgspecError:
        raise damaged("the master key in it is not understood") from None
    try:
        return parse_master_keys(unseal(form.key(passphrase), _PLACE, form.sealed).decode())
    except Unreadable:
        raise SetUpError(
            "setup.passphrase",
            "this is not the passphrase the backup was made with",
            why="wrong",
        ) from None
