"""Make a backup: everything in the database at one moment, while the service runs."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from service.problems import ServiceError, SetUpError, StoreUnavailable
from service.storage.backup_file import (
    FORMAT,
    SEALED_KEY,
    VERSION,
    BackupWriter,
    Manifest,
    Step,
    Table,
    new_backup,
)
from service.storage.encryption.master import MasterKeys
from service.storage.postgres import CONNECTION_LOST, Patience, one_connection
from service.storage.statements import statements

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

LONGEST_S: Final = 24 * 3600.0
"""One table may take this long."""
OF_THE_SCHEMA: Final = "schema_migrations"
_sql: Final = statements("backup")
_keys: Final = statements("keys")


async def make_backup(
    dsn: str,
    path: Path,
    *,
    master: MasterKeys,
    sealed_key: bytes | None = None,
    progress: Callable[[str, int], None] = lambda _, __: None,
) -> Manifest:
    """Write everything in the database to a file.

    Args:
        dsn: of its owner.
        path: a file that is not there yet.
        master: the keys the database is used with; not written.
        sealed_key: these, sealed with a passphrase, to be written all the same.
        progress: called with a table and its rows when it is written.

    Raises:
        SetUpError: `setup.backup_*`, `setup.database_*`.
        StoreUnavailable: the database does not answer, or went away meanwhile.
    """
    with new_backup(path) as writer:
        failure: ServiceError
        try:
            async with one_connection(dsn, patience=Patience(), limit_s=LONGEST_S) as connection:
                await connection.execute(_sql["unhurried"])
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await _write(connection, writer, master, sealed_key, progress)
        except asyncpg.PostgresError as exc:
            failure = SetUpError(
                "setup.backup_failed",
                f"the database cannot be written to a backup (SQLSTATE {exc.sqlstate}): start the "
                "server once, so that its schema is there, and use the user who owns it",
                sqlstate=exc.sqlstate,
            )
            if str(exc.sqlstate)[:2] in {"08", "53", "57"}:
                failure = StoreUnavailable("the database went away during the backup")
        except CONNECTION_LOST:
            failure = StoreUnavailable("the database went away during the backup")
        raise failure


async def _write(
    connection: "Connection",
    writer: BackupWriter,
    master: MasterKeys,
    sealed_key: bytes | None,
    progress: Callable[[str, int], None],
) -> Manifest:
    steps = await connection.fetch(_sql["migrations"])
    used = [row["name"] for row in await connection.fetch(_keys["masters_in_use"])]
    if not set(used) <= set(master.names):
        raise SetUpError(
            "setup.master_key",
            "this database is encrypted with another master key than is here",
            why="other",
        )
    tables = []
    for row in in_order(await connection.fetch(_sql["tables"])):
        if row["name"] == OF_THE_SCHEMA:
            continue
        tables.append(await _write_table(connection, writer, row["name"], tuple(row["columns"])))
        progress(row["name"], tables[-1].rows)
    if sealed_key is not None:
        with writer.part(SEALED_KEY) as part:
            part.write(sealed_key)
    manifest = Manifest(
        format=FORMAT,
        version=VERSION,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        alfavoice=version("alfavoice"),
        masters=tuple(used),
        migrations=tuple(Step(**dict(step)) for step in steps),
        tables=tuple(tables),
        sealed_key_sha256=hashlib.sha256(sealed_key).hexdigest() if sealed_key else None,
    )
    writer.finish(manifest, master)
    return manifest


async def _write_table(
    connection: "Connection", writer: BackupWriter, name: str, columns: tuple[str, ...]
) -> Table:
    digest, size = hashlib.sha256(), 0
    with writer.part(f"tables/{name}.copy") as part:

        async def take(piece: bytes) -> None:
            nonlocal size
            digest.update(piece)
            size += len(piece)
            part.write(piece)

        done = await connection.copy_from_table(
            name, columns=columns, output=take, format="text", timeout=LONGEST_S
        )
    return Table(
        name=name,
        columns=columns,
        rows=int(done.rpartition(" ")[2]),
        size_bytes=size,
        sha256=digest.hexdigest(),
    )


def in_order(tables: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """Put tables after those they refer to.

    Raises:
        SetUpError: `setup.backup_failed`, they refer to each other in a circle.
    """
    ordered: list[asyncpg.Record] = []
    left = list(tables)
    while left:
        done = {row["name"] for row in ordered}
        ready = [row for row in left if set(row["needs"]) <= done]
        if not ready:
            raise SetUpError("setup.backup_failed", "tables refer to each other in a circle")
        ordered += ready
        left = [row for row in left if row not in ready]
    return ordered
