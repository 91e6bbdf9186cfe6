"""Change the data keys of all users, while the service runs.

    a new key each ─► wait until every process has it ─► close the old keys ─► wait for those who
    are writing ─► seal all values again ─► delete the closed keys

A service takes a new key for sealing only when it is old enough that every other process has read
it (`UserKeys.settle_s`), and holds what it read for half of that. A value sealed with a closed key is
refused by a trigger (migration 0005) and tried again. The trigger cannot see what is closed after it
ran, so every transaction that may have passed it before then is waited for. So when the pass over all
values begins no more can come, and when it ends the closed keys open nothing. Interrupted, it starts
from where it was; the pass over the values from its beginning, leaving alone what is done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from service.problems import ServiceError
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.encryption.sealed_columns import SEALED_COLUMNS, SealedColumn, row_name
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_BATCH: Final = 500
_MARGIN_S: Final = 10.0
"""For a call that began with keys just about to be read again; calls end within 5 s."""
_LOOK_AGAIN_S: Final = 0.05
"""How often is looked whether a transaction is over; most take a millisecond."""
_sql: Final = statements("keys")
_sealed: Final = statements("sealed")


async def rotate_users(
    postgres: Postgres,
    keys: UserKeys,
    *,
    progress: Callable[[str, int], None] = lambda _, __: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """Give all users new data keys, or finish what was begun; gives how many values were sealed.

    Args:
        postgres: with nobody else at it (`only_rotation`).
        keys: of this database; `settle_s` as that of the services.
        progress: called with what is done (`keys`, `wait`: seconds, `writers`: transactions that are
            waited for, or a table) and how many.
        sleep: waits some seconds.

    Raises:
        StoreUnavailable: the database does not answer; run it again.
        Unreadable: a value is damaged; all old keys stay.
    """
    begun = await postgres.call(_begun)
    made = 0
    while rows := await postgres.call(
        lambda connection: connection.fetch(_sql["users_to_rekey"], begun, _BATCH)
    ):
        for row in rows:
            await keys.add(row["user_id"], [row["newest"] + 1])
        made += len(rows)
        progress("keys", made)
    await _settle(postgres, keys, progress, sleep)
    await postgres.call(lambda connection: connection.execute(_sql["close_old_keys"]))
    await _writers_end(postgres, progress, sleep)
    sealed = 0
    for column in SEALED_COLUMNS:
        sealed += await _seal_again(postgres, keys, column, progress)
    await postgres.call(lambda connection: connection.execute(_sql["delete_closed_keys"]))
    await postgres.call(lambda connection: connection.execute(_sql["finish_rotation"]))
    return sealed


async def _begun(connection: Connection) -> datetime:
    begun = await connection.fetchval(_sql["unfinished_rotation"])
    if begun is None:
        begun = await connection.fetchval(_sql["begin_rotation"])
    found: datetime = begun
    return found


async def _settle(
    postgres: Postgres,
    keys: UserKeys,
    progress: Callable[[str, int], None],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Wait until every service seals with the new keys."""
    cached_s = keys.settle_s / 2
    wait_s = keys.settle_s + cached_s + (_MARGIN_S if cached_s else 0.0)
    while (
        left := await postgres.call(
            lambda connection: connection.fetchval(_sql["unsettled_s"], wait_s)
        )
    ) > 0:
        progress("wait", round(left))
        await sleep(min(left, 5.0))


async def _writers_end(
    postgres: Postgres,
    progress: Callable[[str, int], None],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Wait until all who write sealed values now are done; whoever begins now sees what is closed.

    A transaction holds the lock on the table from before the trigger runs until its end, as
    `CREATE INDEX CONCURRENTLY` relies on too (PostgreSQL manual, 13.3.1).
    """
    tables = [column.table for column in SEALED_COLUMNS]

    async def writers() -> set[str]:
        rows = await postgres.call(lambda connection: connection.fetch(_sql["writers"], tables))
        return {row["virtualtransaction"] for row in rows}

    left = await writers()
    while left:
        progress("writers", len(left))
        await sleep(_LOOK_AGAIN_S)
        left &= await writers()


async def _seal_again(
    postgres: Postgres,
    keys: UserKeys,
    column: SealedColumn,
    progress: Callable[[str, int], None],
) -> int:
    done = 0
    after = column.before_first
    while True:
        rows, after = await page(postgres, column, after, everything=False)
        if not rows:
            return done
        stale = [row for row in rows if row["sealed"] is not None]
        ciphers = await ciphers_of(keys, {row["user_id"] for row in stale})
        values = [
            (
                *(row[name] for name in column.primary_key),
                row["sealed"],
                _again(ciphers[row["user_id"]], column, row),
            )
            for row in stale
            if row["user_id"] in ciphers
        ]
        if values:
            await postgres.call(lambda connection, v=values: _replace(connection, column, v))  # type: ignore[misc]
        done += len(values)
        progress(column.table, done)


async def page(
    postgres: Postgres, column: SealedColumn, after: tuple[object, ...], *, everything: bool
) -> tuple[list[asyncpg.Record], tuple[object, ...]]:
    """Give the next rows of a table, and the primary key of the last one.

    Args:
        postgres: the database.
        column: which.
        after: the primary key of the last row of the page before.
        everything: whether `sealed` is given of all; otherwise only where it was sealed with a key
            that is not its user's newest, and None elsewhere.
    """
    statement = _sealed[f"page_{column.table}"]
    rows = await postgres.call(
        lambda connection: connection.fetch(statement, *after, column.page_rows, everything)
    )
    return rows, tuple(rows[-1][name] for name in column.primary_key) if rows else after


async def ciphers_of(keys: UserKeys, users: set[UUID]) -> dict[UUID, UserCipher]:
    """Give the ciphers of these users, leaving out those deleted meanwhile."""
    found = {}
    for user in users:
        try:
            found[user] = await keys.of(user)
        except ServiceError as exc:
            if exc.code != "account.gone":
                raise
    return found


def _again(cipher: UserCipher, column: SealedColumn, row: asyncpg.Record) -> bytes:
    name = row_name(*(row[part] for part in column.named_by))
    value = cipher.unseal(column.table, column.column, name, row["sealed"])
    return cipher.seal(column.table, column.column, name, value)


async def _replace(
    connection: Connection, column: SealedColumn, values: list[tuple[object, ...]]
) -> None:
    async with connection.transaction():
        await connection.execute(_sql["quiet_changes"])
        await connection.execute(
            _sealed[f"replace_{column.table}"], *(list(each) for each in zip(*values, strict=True))
        )
