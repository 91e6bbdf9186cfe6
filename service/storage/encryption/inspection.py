"""What an operator wants to know of the keys: how they stand, and whether everything opens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from service.problems import ServiceError
from service.storage.encryption.keys import UserKeys, key_place
from service.storage.encryption.master import MasterKeyMissing
from service.storage.encryption.sealed_columns import SEALED_COLUMNS, SealedColumn, row_name
from service.storage.encryption.sealing import Unreadable
from service.storage.encryption.user_rotation import page
from service.storage.postgres import Postgres
from service.storage.statements import statements

_BATCH: Final = 500
_sql: Final = statements("keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """How the keys stand."""

    current: str
    """Name of the master key in use."""
    here: tuple[str, ...]
    """Names of the master keys on this machine."""
    wrapped_by: dict[str, int]
    """Keys of users by the master key that wraps them."""
    users: int
    keys: int
    is_rotating: bool
    """Whether a `rotate-users` was begun and not finished."""
    rotated_at: datetime | None
    """When the last one was finished; aware."""


@dataclass(slots=True, kw_only=True)
class Examined:
    """What opens, and what does not."""

    opened: dict[str, int] = field(default_factory=dict)
    """Values by table; `user_keys` are the keys themselves."""
    unreadable: dict[str, int] = field(default_factory=dict)

    def count(self, table: str, *, opens: bool) -> None:
        """Count one value."""
        counts = self.opened if opens else self.unreadable
        counts[table] = counts.get(table, 0) + 1


async def key_status(postgres: Postgres, keys: UserKeys) -> KeyStatus:
    """Look at the keys, changing nothing."""
    row = await postgres.call(lambda connection: connection.fetchrow(_sql["status"]))
    wrapped = await postgres.call(lambda connection: connection.fetch(_sql["wrapped_by"]))
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return KeyStatus(
        current=keys.master.current.name,
        here=keys.master.names,
        wrapped_by={each["name"]: each["keys"] for each in wrapped},
        users=row["users"],
        keys=row["keys"],
        is_rotating=row["is_rotating"],
        rotated_at=row["rotated_at"],
    )


async def examine_sealed(
    postgres: Postgres, keys: UserKeys, *, progress: Callable[[str, int], None] = lambda _, __: None
) -> Examined:
    """Open every key and every sealed value, keeping nothing of them.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    found = Examined()
    await _examine_keys(postgres, keys, found)
    for column in SEALED_COLUMNS:
        after, seen = column.before_first, 0
        while True:
            rows, after = await page(postgres, column, after, everything=True)
            if not rows:
                break
            for row in rows:
                if row["sealed"] is not None:
                    await _open(keys, column, row, found)
            seen += len(rows)
            progress(column.table, seen)
    return found


async def _examine_keys(postgres: Postgres, keys: UserKeys, found: Examined) -> None:
    after: tuple[UUID, int] = (UUID(int=0), -1)
    while rows := await _keys_after(postgres, *after):
        for row in rows:
            try:
                place = key_place(row["user_id"], row["number"])
                keys.master.unwrap(row["master"], place, row["wrapped"])
            except (MasterKeyMissing, Unreadable):
                found.count("user_keys", opens=False)
            else:
                found.count("user_keys", opens=True)
        after = (rows[-1]["user_id"], rows[-1]["number"])


async def _open(keys: UserKeys, column: SealedColumn, row: asyncpg.Record, found: Examined) -> None:
    name = row_name(*(row[part] for part in column.named_by))
    try:
        cipher = await keys.of(row["user_id"])
        cipher.unseal(column.table, column.column, name, row["sealed"])
    except (MasterKeyMissing, Unreadable):
        found.count(column.table, opens=False)
    except ServiceError as exc:
        if exc.code != "account.gone":  # being deleted: its keys went first
            raise
    else:
        found.count(column.table, opens=True)


async def _keys_after(postgres: Postgres, user: UUID, number: int) -> list[asyncpg.Record]:
    return await postgres.call(
        lambda connection: connection.fetch(_sql["every_key"], user, number, _BATCH)
    )
