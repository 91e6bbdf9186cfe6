"""Restore a backup: all of it in one transaction, or nothing.

    check the file ─► set aside what is there ─► the schema of the backup ─► its rows
    ─► newer migrations ─► commit

A database with something in it is refused. With `force` its tables move to a schema of their own,
where nobody looks and nothing is lost, until an operator drops that schema. Tables of a server that
was started but never used are dropped with the same commit.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import asyncpg

from service.accounts.principal import LOCAL_USER
from service.problems import ServiceError, SetUpError, StoreUnavailable
from service.storage.backup import LONGEST_S, OF_THE_SCHEMA, in_order
from service.storage.backup_file import BackupReader, Manifest, Table, damaged
from service.storage.encryption.master import MasterKeys
from service.storage.migrate import LOCK, Migration, shipped_migrations
from service.storage.postgres import CONNECTION_LOST, Patience, one_connection
from service.storage.statements import statements

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_OF_A_NEW_SERVER: Final = frozenset(
    {
        OF_THE_SCHEMA, "audit_events", "invitations", "key_rotations", "login_attempts",
        "master_keys", "retired_master_keys", "user_changes", "user_keys", "users",
    }
)  # fmt: skip
"""Tables that may have rows although nobody has used the server; of users only the local one."""
_sql: Final = statements("backup")
_migrate: Final = statements("migrate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done."""

    manifest: Manifest
    set_aside: str | None
    """Schema that now holds what was in the database before."""
    migrated: int
    """Migrations applied to bring the backup up to date."""


def check_fits(reader: BackupReader, master: MasterKeys) -> None:
    """Make sure that this program and these keys can use a backup.

    Raises:
        SetUpError: `setup.backup_too_new`, `setup.backup_damaged`, `setup.master_key`.
    """
    known = shipped_migrations()
    _versions(reader.manifest, known)
    missing = [name for name in reader.manifest.masters if name not in master.names]
    if missing or not reader.vouched_for(master):
        raise SetUpError(
            "setup.master_key",
            "the master key of this backup is not here"
            + (f" (its name is {missing[0]})" if missing else "")
            + ": put its key file in place first",
            why="not_here" if missing else "unknown",
            name=missing[0] if missing else "",
        )


async def restore_backup(
    dsn: str,
    reader: BackupReader,
    *,
    master: MasterKeys,
    force: bool = False,
    progress: Callable[[str, int], None] = lambda _, __: None,
) -> Restored:
    """Restore into a database that no service uses.

    Args:
        dsn: of its owner.
        reader: the backup.
        master: keys to what is in it.
        force: whether a database with something in it may be set aside.
        progress: called with a table and its rows when they are there.

    Raises:
        SetUpError: `setup.backup_*`, `setup.master_key`, `setup.database_not_empty`,
            `setup.database_in_use`, `setup.restore_failed`; nothing was changed.
        StoreUnavailable: the database went away; nothing was changed.
    """
    reader.check()
    check_fits(reader, master)
    failure: ServiceError
    try:
        async with one_connection(dsn, patience=Patience(), limit_s=LONGEST_S) as connection:
            await connection.execute(_sql["unhurried"])
            async with connection.transaction():
                return await _restore(connection, reader, force, progress)
    except asyncpg.PostgresError as exc:
        failure = SetUpError(
            "setup.restore_failed",
            f"the backup could not be restored (SQLSTATE {exc.sqlstate}), nothing was changed: check "
            "the free space of the database's disk and that its user owns it",
            sqlstate=exc.sqlstate,
        )
        if str(exc.sqlstate)[:2] in {"08", "57"}:
            failure = StoreUnavailable("the database went away, nothing was restored")
    except CONNECTION_LOST:
        failure = StoreUnavailable("the database went away, nothing was restored")
    raise failure


async def _restore(
    connection: "Connection",
    reader: BackupReader,
    force: bool,  # noqa: FBT001 - passed on
    progress: Callable[[str, int], None],
) -> Restored:
    await connection.execute(_migrate["lock"], LOCK)
    if await connection.fetchval(_sql["services"]):
        raise SetUpError(
            "setup.database_in_use",
            "a server uses this database: stop it, then restore",
            why="restore",
        )
    set_aside = await _set_aside(connection, force)
    known = shipped_migrations()
    had = _versions(reader.manifest, known)
    await connection.execute(_migrate["make_table"])
    for migration in known[:had]:
        await _apply(connection, migration)
    await _fill(connection, reader, progress)
    for migration in known[had:]:
        await _apply(connection, migration)
    if had >= 3:
        await connection.execute(_sql["new_epochs"])
    if set_aside is not None and set_aside.is_empty:
        await connection.execute(f"DROP SCHEMA {set_aside.schema} CASCADE")
    return Restored(
        manifest=reader.manifest,
        set_aside=set_aside.schema if set_aside and not set_aside.is_empty else None,
        migrated=len(known) - had,
    )


def _versions(manifest: Manifest, known: tuple[Migration, ...]) -> int:
    """Give how many of the known migrations the backup's database had."""
    had = len(manifest.migrations)
    if had > len(known):
        raise SetUpError(
            "setup.backup_too_new",
            f"this backup needs an AlfaVoice that knows schema {had}, this one knows "
            f"{len(known)}: update this one",
            why="schema",
            needs=had,
            knows=len(known),
        )
    if not had:
        raise damaged("it names no schema")
    for step, migration in zip(manifest.migrations, known, strict=False):
        if (step.version, step.checksum) != (migration.version, migration.checksum):
            raise SetUpError(
                "setup.migration_changed",
                f"this backup was made with another {step.name} than is known here: restore it "
                "with the AlfaVoice that made it",
                why="backup",
                name=step.name,
            )
    return had


async def _apply(connection: "Connection", migration: Migration) -> None:
    await connection.execute(migration.sql)
    await connection.execute(
        _migrate["record"],
        migration.version,
        migration.name,
        migration.compatible_from,
        migration.checksum,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _SetAside:
    schema: str
    is_empty: bool


async def _set_aside(connection: "Connection", force: bool) -> _SetAside | None:  # noqa: FBT001
    """Move what is in the database out of the way."""
    tables = [row["name"] for row in await connection.fetch(_sql["tables"])]
    if not tables:
        return None
    is_empty = await _is_unused(connection, tables)
    if not (is_empty or force):
        raise SetUpError(
            "setup.database_not_empty",
            "this database has something in it, nothing was changed: restore into an empty one, or "
            "add --force, which sets aside what is there in a schema of its own",
        )
    functions = [row["name"] for row in await connection.fetch(_sql["functions"])]
    schema = f"before_restore_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    await connection.execute(f"CREATE SCHEMA {schema}")
    for table in tables:
        await connection.execute(f'ALTER TABLE "{table}" SET SCHEMA {schema}')
    for function in functions:
        await connection.execute(f"ALTER FUNCTION {function} SET SCHEMA {schema}")
    return _SetAside(schema=schema, is_empty=is_empty)


async def _is_unused(connection: "Connection", tables: list[str]) -> bool:
    if OF_THE_SCHEMA not in tables:
        return False  # somebody else's tables
    for table in tables:
        if table in _OF_A_NEW_SERVER:
            continue
        if await connection.fetchval(f'SELECT EXISTS (SELECT FROM "{table}")'):  # noqa: S608 - from the catalogue
            return False
    if "users" not in tables:
        return True
    return not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM users WHERE id <> $1)", LOCAL_USER
    )


async def _fill(
    connection: "Connection", reader: BackupReader, progress: Callable[[str, int], None]
) -> None:
    """Put the backup's rows into the tables just made."""
    made = {row["name"]: row for row in in_order(await connection.fetch(_sql["tables"]))}
    del made[OF_THE_SCHEMA]
    for table in reader.manifest.tables:
        if table.name not in made or sorted(table.columns) != sorted(made[table.name]["columns"]):
            raise damaged(f"its table {table.name} is not of its schema")
    # What the migrations themselves put there is in the backup as it became.
    names = ", ".join(f'"{name}"' for name in made)
    await connection.execute(f"TRUNCATE {names}")
    for table in reader.manifest.tables:
        # Rows come as they were, numbers of changes included.
        await connection.execute(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER')
        await _fill_table(connection, reader, table)
        await connection.execute(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')
        progress(table.name, table.rows)


async def _fill_table(connection: "Connection", reader: BackupReader, table: Table) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in reader.rows_of(table):
            yield piece

    done = await connection.copy_to_table(
        table.name, columns=table.columns, source=pieces(), format="text", timeout=LONGEST_S
    )
    if int(done.rpartition(" ")[2]) != table.rows:
        raise damaged(f"table {table.name} has another number of rows than it says")
