"""Keys of users: every person's values are sealed with keys of their own.

    master key (outside the database) ─ wraps ─► data keys 1, 2, … and a search key of each user

Data keys are numbered; the newest seals, all open. Deleting a user deletes the wrapped keys, after
which nothing of theirs can be read any more, not in a backup made later and not by us. The search key
stays the same when data keys change, so that the blind index need not be rebuilt.
"""

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from service.problems import RequestRefused, SetUpError
from service.storage.encryption.master import NOBODY, MasterKeyMissing, MasterKeys
from service.storage.encryption.sealing import Place, Unreadable, key_number, new_key, seal, unseal
from service.storage.postgres import FOREIGN_KEY_VIOLATION, Connection, Postgres, StatementRefused
from service.storage.statements import statements

_sql: Final = statements("keys")
_log = structlog.get_logger(__name__)

CACHED_S: Final = 60.0
"""How long a user's keys are held in memory: a user deleted by another process is noticed within
this time, and a new key is used by nobody before all processes have it."""
_CACHED_USERS: Final = 10_000
"""Users whose keys are held, about 1 kB each."""
SEARCH: Final = 0
"""Number of the search key."""
_PROOF: Final = b"alfavoice"


class UserCipher:
    """One user's keys, unwrapped. Ask `UserKeys.of` for each piece of work: keys change."""

    def __init__(self, user: UUID, keys: Mapping[int, bytes], *, sealing: int) -> None:
        self.user = user
        self._keys = keys
        self._sealing = sealing

    def seal(self, table: str, column: str, row: str | UUID, value: bytes) -> bytes:
        """Seal a value for a place of this user; `sealed_columns` must know the column."""
        place = Place(table=table, column=column, row=str(row), user=self.user)
        return seal(self._keys[self._sealing], self._sealing, place, value)

    def unseal(self, table: str, column: str, row: str | UUID, sealed: bytes) -> bytes:
        """Open a value of this user.

        Raises:
            Unreadable: it was sealed for another place, with a key that is gone, or is damaged.
        """
        number = key_number(sealed)
        key = self._keys.get(number)
        if key is None or number == SEARCH:
            raise Unreadable("the key of a stored value is gone")
        return unseal(key, Place(table=table, column=column, row=str(row), user=self.user), sealed)

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value was sealed with the key that seals now."""
        return key_number(sealed) == self._sealing

    def blind(self, word: str) -> int:
        """Give the number that stands for a word in the search index: 64 bits, signed.

        Keyed by user: the same word of two people has nothing in common.
        """
        digest = hmac.digest(self._keys[SEARCH], word.encode(), hashlib.sha256)
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
        cached_s: float = CACHED_S,
    ) -> None:
        self._postgres = postgres
        self._master = master
        self._clock = clock
        self._cached_s = cached_s
        self._cache: OrderedDict[UUID, _Cached] = OrderedDict()

    @property
    def master(self) -> MasterKeys:
        """The master keys that wrap them."""
        return self._master

    @property
    def settle_s(self) -> float:
        """From this age on a new data key seals; every process has read it by then."""
        return 2 * self._cached_s

    async def check(self) -> None:
        """Make sure that these are the database's master keys; a new database takes ours.

        Raises:
            SetUpError: `setup.master_key`.
        """

        async def prove(connection: Connection) -> tuple[list[str], list[str]]:
            async with connection.transaction():
                # Two servers may come to a new database at once, each with a key of its own.
                await connection.execute(_sql["lock_masters"])
                rows = await connection.fetch(_sql["known_masters"])
                retired = await connection.fetch(_sql["retired_masters"])
                self._master.retire(row["name"] for row in retired)
                known = [row["name"] for row in rows]
                for row in rows:
                    if row["name"] in self._master.names:
                        self._prove(row)
                if not known or set(known) & set(self._master.names):
                    current = self._master.current.name
                    proof = self._master.wrap(_proof_place(current), _PROOF)
                    await connection.execute(_sql["know_master"], current, proof)
                    known.append(current)
                used = await connection.fetch(_sql["masters_in_use"])
            return known, [row["name"] for row in used]

        known, used = await self._postgres.call(prove)
        ours = self._master.names
        missing = [name for name in used if name not in ours]
        if missing or not set(known) & set(ours):
            raise SetUpError(
                "setup.master_key",
                "this database is encrypted with another master key (its name is "
                f"{(missing or known)[0]}, here is {', '.join(ours)}): put back the key file, or "
                "ALFAVOICE_MASTER_KEY, it was used with",
                why="other",
            )

    async def of(self, user: UUID) -> UserCipher:
        """Give a user's cipher, making the first keys of a new user.

        Raises:
            StoreUnavailable: the database does not answer, or the master key is not here (yet).
            RequestRefused: `account.gone`, there is no such user (any more).
            Unreadable: the stored keys are damaged.
        """
        now = self._clock()
        cached = self._cache.get(user)
        if cached is not None and cached.until > now:
            self._cache.move_to_end(user)
            return cached.cipher
        rows = await self._rows(user)
        if not rows:
            await self.add(user, [SEARCH, 1])
            rows = await self._rows(user)
        if not rows:
            self.forget(user)
            raise RequestRefused("account.gone", "there is no such account (any more)", status=401)
        cipher = await self._cipher(user, rows)
        self._cache[user] = _Cached(cipher, now + self._cached_s)
        while len(self._cache) > _CACHED_USERS:
            self._cache.popitem(last=False)
        return cipher

    def forget(self, user: UUID) -> None:
        """Drop a user's keys from memory: they were deleted or changed."""
        self._cache.pop(user, None)

    async def add(self, user: UUID, numbers: Sequence[int]) -> None:
        """Make new keys of these numbers; one that exists stays, and so does a deleted user."""
        self.forget(user)
        for is_last in (False, True):
            await self._learn_retired()
            master = self._master.current
            wrapped = [self._master.wrap(key_place(user, number), new_key()) for number in numbers]
            values = ([user] * len(numbers), numbers, wrapped, master.name)
            try:
                await self._postgres.call(
                    lambda connection, values=values: connection.execute(_sql["insert"], *values)  # type: ignore[misc]
                )
            except StatementRefused as exc:
                # The user was deleted, or the master key retired, at this very moment.
                if exc.sqlstate != FOREIGN_KEY_VIOLATION or is_last:
                    raise
            else:
                return

    async def _learn_retired(self) -> None:
        """Look whether the key file, or which of its keys wraps, was changed meanwhile."""
        await asyncio.to_thread(self._master.reload)
        retired = await self._postgres.call(
            lambda connection: connection.fetch(_sql["retired_masters"])
        )
        self._master.retire(row["name"] for row in retired)

    async def _rows(self, user: UUID) -> list[asyncpg.Record]:
        return await self._postgres.call(
            lambda connection: connection.fetch(_sql["of_user"], user, self.settle_s)
        )

    async def _cipher(self, user: UUID, rows: Sequence[asyncpg.Record]) -> UserCipher:
        try:
            keys = unwrapped(self._master, rows, user)
        except MasterKeyMissing:
            if not await asyncio.to_thread(self._master.reload):
                _log.error("master_key_missing")
                raise
            keys = unwrapped(self._master, rows, user)
        data = [row["number"] for row in rows if row["number"] != SEARCH]
        if SEARCH not in keys or not data:
            raise Unreadable("the keys of an account are not complete")
        settled = [row["number"] for row in rows if row["is_settled"] and row["number"] in data]
        return UserCipher(user, keys, sealing=max(settled, default=min(data)))

    def _prove(self, row: asyncpg.Record) -> None:
        try:
            self._master.unwrap(row["name"], _proof_place(row["name"]), row["proof"])
        except Unreadable:
            raise SetUpError(
                "setup.master_key",
                f"the proof of master key {row['name']} in the database is damaged: restore the "
                "database from a backup",
            ) from None


def unwrapped(master: MasterKeys, rows: Sequence[asyncpg.Record], user: UUID) -> dict[int, bytes]:
    """Unwrap rows of `user_keys`, by number."""
    return {
        row["number"]: master.unwrap(row["master"], key_place(user, row["number"]), row["wrapped"])
        for row in rows
    }


def key_place(user: UUID, number: int) -> Place:
    """Give the place of a wrapped key."""
    return Place(table="user_keys", column="wrapped", row=str(number), user=user)


def _proof_place(name: str) -> Place:
    return Place(table="master_keys", column="proof", row=name, user=NOBODY)
