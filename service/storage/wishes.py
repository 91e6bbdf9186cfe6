"""What the library holds that texts are finished by, read from PostgreSQL in as few trips as it takes."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from service.library.kinds import Kind
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.encryption.sealing import Unreadable
from service.storage.postgres import Connection, Postgres
from service.storage.sealed_items import item_values
from service.storage.statements import statements

_sql: Final = statements("wishes")

log = structlog.get_logger()

Values = Mapping[str, Any]
"""Of an item's fields, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a person's library has come."""

    name: str
    """Of the person, as the account has it; empty: there is none."""
    epoch: UUID | None
    """Of the numbering; None: there was no change yet."""
    last: int
    """Number of the newest change of anything."""
    kinds: frozenset[Kind]
    """Kinds of which something changed after the number that was asked about."""


class PostgresWishes:
    """The libraries of all users. Every call raises `StoreUnavailable` when the database is away."""

    def __init__(self, postgres: Postgres, keys: UserKeys) -> None:
        self._postgres = postgres
        self._keys = keys

    async def standing(self, user: UUID, *, since: int | None) -> Standing | None:
        """Say how far a user's library has come, in one statement; None: there is no such user.

        Dictations count as changes of the library but not as a kind: nothing is read again for
        them. The statement looks at the items changed after `since` alone, with an index.

        Args:
            user: whose.
            since: number of the change up to which all is known; None: nothing is, and the answer
                names no kinds.
        """
        # As the owner of the tables: people's own role may not read names of accounts.
        row = await self._postgres.call(
            lambda connection: connection.fetchrow(_sql["standing"], user, since)
        )
        if row is None:
            return None
        return Standing(
            name=row["name"],
            epoch=row["epoch"],
            last=row["last"],
            kinds=frozenset(Kind(kind) for kind in row["kinds"]),
        )

    async def newest(self, user: UUID, most: Mapping[Kind, int]) -> dict[Kind, list[Values]]:
        """Give what the newest items of some kinds hold, the newest first.

        What cannot be opened is left out: the rest is worth having.

        Args:
            user: whose.
            most: of which kinds, and how many.
        """
        cipher = await self._keys.of(user)

        async def read(connection: Connection) -> dict[Kind, list[asyncpg.Record]]:
            return {
                kind: await connection.fetch(_sql["newest"], kind, limit)
                for kind, limit in most.items()
            }

        found = await self._postgres.call_as(user, read)
        return await asyncio.to_thread(_opened, cipher, found)


def _opened(
    cipher: UserCipher, found: Mapping[Kind, Sequence[asyncpg.Record]]
) -> dict[Kind, list[Values]]:
    values: dict[Kind, list[Values]] = {}
    for kind, rows in found.items():
        values[kind] = []
        for row in rows:
            with suppress(Unreadable):
                values[kind].append(item_values(cipher, row["id"], row["sealed"]))
        if len(values[kind]) < len(rows):
            log.warning("items_not_opened", kind=kind.value, items=len(rows) - len(values[kind]))
    return values
