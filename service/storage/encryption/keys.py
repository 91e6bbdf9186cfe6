"""Keys of users: every person's values are sealed with keys of their own.

    master key (outside the database) ─ wraps ─► data keys 1, 2, … and a search key of each user

Data keys are numbered; the newest seals, all open. Deleting a user deletes the wrapped keys, after
which nothing of theirs can be read any more, not in a backup made later and not by us. The search key
stays the same when data keys change, so that the blind index need not be rebuilt.
"""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.problems import ServiceError, SetUpError
from service.storage.encryption.master import NOBODY, MasterKeys
from service.storage.encryption.sealing import Place, Unreadable, key_number, new_key, seal, unseal
from service.storage.postgres import FOREIGN_KEY_VIOLATION, Connection, Postgres, StatementRefused
from service.storage.statements import statements

_sql: Final = statements("keys")

_CACHED_USERS: Final = 10_000
"""Users whose keys are held in memory, about 1 kB each."""
_CACHED_S: Final = 300.0
"""How long: a user deleted, or a key rotated, by another process is noticed within this time."""
_SEARCH: Final = 0
"""Number of the search key."""
_PROOF: Final = b"alfavoice"


class UserCipher:
    """One user's keys, unwrapped."""

    def __init__(self, user: UUID, keys: Mapping[int, bytes]) -> None:
        self.user = user
        self._keys = keys
        self._newest = max(keys)

    def seal(self, table: str, column: str, row: str | UUID, value: bytes) -> bytes:
        """Seal a value for a place of this user."""
        place = Place(table=table, column=column, row=str(row), user=self.user)
        return seal(self._keys[self._newest], self._newest, place, value)

    def unseal(self, table: str, column: str, row: str | UUID, sealed: bytes) -> bytes:
        """Open a value of this user.

        Raises:
            Unreadable: it was sealed for another place, with a key that is gone, or is damaged.
        """
        number = key_number(sealed)
        key = self._keys.get(number)
        if key is None or number == _SEARCH:
            raise Unreadable("the key of a stored value is gone")
        return unseal(key, Place(table=table, column=column, row=str(row), user=self.user), sealed)

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value was sealed with the newest key."""
        return key_number(sealed) == self._newest

    def blind(self, word: str) -> int:
        """Give the number that stands for a word in the search index: 64 bits, signed.

        Keyed by user: the same word of two people has nothing in common.
        """
        digest = hmac.digest(self._keys[_SEARCH], word.encode(), hashlib.sha256)
        return int.from_bytes(digest[:8], signed=True)


@dataclass(slots=True)
class _Cached:
    cipher: UserCipher
    until: float


class UserKeys:
    """Where ciphers of users come from."""

    def __init__(
        self,
        postgres: Postgres,
        master: MasterKeys,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._postgres = postgres
        self._master = master
        self._clock = clock
        self._cache: OrderedDict[UUID, _Cached] = OrderedDict()

    @property
    def master(self) -> MasterKeys:
        """The master keys that wrap them."""
        return self._master

    async def check(self) -> None:
        """Make sure that this is the database's master key; a new database takes it as its own.

        Raises:
            SetUpError: `setup.master_key`.
        """
        name = self._master.current.name
        proof = self._master.wrap(_proof_place(name), _PROOF)

        async def prove(connection: Connection) -> list[str]:
            rows = await connection.fetch(_sql["known_masters"])
            names = [row["name"] for row in rows]
            if not names or set(names) & set(self._master.names):
                await connection.execute(_sql["know_master"], name, proof)
                names.append(name)
            for row in rows:
                if row["name"] in self._master.names:
                    self._master.unwrap(row["name"], _proof_place(row["name"]), row["proof"])
            return names

        known = await self._postgres.call(prove)
        if name not in known:
            raise SetUpError(
                "setup.master_key",
                f"this database was encrypted with another master key (its name is {known[0]}, ours "
                f"is {name}): put back the key file, or ALFAVOICE_MASTER_KEY, it was made with",
            )

    async def of(self, user: UUID) -> UserCipher:
        """Give a user's cipher, making the first keys of a new user.

        Raises:
            StoreUnavailable: the database does not answer.
            ServiceError: `account.gone`, there is no such user (any more).
            Unreadable: the master key that wrapped them is not here.
        """
        now = self._clock()
        cached = self._cache.get(user)
        if cached is not None and cached.until > now:
            self._cache.move_to_end(user)
            return cached.cipher
        keys = await self._stored(user)
        if len(keys) < 2:
            await self._make(user)
            keys = await self._stored(user)
        cipher = UserCipher(user, keys)
        self._cache[user] = _Cached(cipher, now + _CACHED_S)
        while len(self._cache) > _CACHED_USERS:
            self._cache.popitem(last=False)
        return cipher

    def forget(self, user: UUID) -> None:
        """Drop a user's keys from memory: they were deleted or rotated."""
        self._cache.pop(user, None)

    async def add(self, user: UUID) -> None:
        """Give a user a new data key; older values stay readable until they are sealed again."""
        keys = await self._stored(user)
        await self._insert(user, [max(keys, default=0) + 1])
        self.forget(user)

    async def _make(self, user: UUID) -> None:
        await self._insert(user, [_SEARCH, 1])

    async def _insert(self, user: UUID, numbers: list[int]) -> None:
        master = self._master.current.name
        wrapped = [self._master.wrap(key_place(user, number), new_key()) for number in numbers]
        try:
            await self._postgres.call(
                lambda connection: connection.execute(
                    _sql["insert"], user, numbers, wrapped, master
                )
            )
        except StatementRefused as exc:
            if exc.sqlstate == FOREIGN_KEY_VIOLATION:
                raise _no_such_user() from None
            raise

    async def _stored(self, user: UUID) -> dict[int, bytes]:
        rows = await self._postgres.call(lambda connection: connection.fetch(_sql["of_user"], user))
        return {
            row["number"]: self._master.unwrap(
                row["master"], key_place(user, row["number"]), row["wrapped"]
            )
            for row in rows
        }


def key_place(user: UUID, number: int) -> Place:
    """Give the place of a wrapped key."""
    return Place(table="user_keys", column="wrapped", row=str(number), user=user)


def _proof_place(name: str) -> Place:
    return Place(table="master_keys", column="proof", row=name, user=NOBODY)


def _no_such_user() -> ServiceError:
    return ServiceError("account.gone", "there is no such account (any more)")
