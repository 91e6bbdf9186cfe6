"""Bring a database to the schema this program knows: plain .sql files, each applied once, in order.

`migrations/0001_what_it_does.sql` opens with the line `-- compatible-from: N`: the oldest schema a
program must know to work with the database *after* this file. A file that only adds has
N below its own number, so that during an update the old copies of the service work on; a file that
takes something away has its own number. A program refuses a database that asks for a newer one.

Any number of processes may start at once: each step is one transaction under an advisory lock.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import asyncpg
import structlog

from service.problems import ServiceError, SetUpError, StoreUnavailable
from service.storage.postgres import CONNECTION_LOST, Patience, one_connection
from service.storage.statements import statements

STEP_S: Final = 600.0
"""Longest single migration, and longest wait for another process's."""
LOCK: Final = int.from_bytes(b"alfavoic")
"""Number of the advisory lock: our name, so that it meets nobody else's."""

_NO_RIGHT: Final = "42501"

_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_HEADER: Final = re.compile(r"-- compatible-from: (\d+)\n")
_sql: Final = statements("migrate")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    version: int  # from 1, without gaps
    name: str
    compatible_from: int  # oldest schema version a program must know afterwards
    sql: str
    checksum: str  # SHA-256 of the text with line ends as \n, hexadecimal


def shipped_migrations(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """Read the migrations of this program, in order.

    Args:
        folder: another folder than the package's own.

    Raises:
        SetUpError: `setup.migrations`, the installation is damaged.
    """
    folder = folder or resources.files("service.storage") / "migrations"
    found: list[Migration] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if (name := _NAME.fullmatch(file.name)) is None:
            continue
        # The same checksum from a checkout that has \r\n.
        sql = file.read_bytes().decode().replace("\r\n", "\n")
        header = _HEADER.match(sql)
        version = int(name[1])
        if header is None or version != len(found) + 1 or int(header[1]) > version:
            raise SetUpError(
                "setup.migrations",
                f"migration {file.name} is out of order: install AlfaVoice again",
            )
        found.append(
            Migration(
                version=version,
                name=file.name,
                compatible_from=int(header[1]),
                sql=sql,
                checksum=hashlib.sha256(sql.encode()).hexdigest(),
            )
        )
    if not found:
        raise SetUpError("setup.migrations", "no migrations found: install AlfaVoice again")
    return tuple(found)


async def migrate(
    dsn: str,
    *,
    migrations: Sequence[Migration] | None = None,
    patience: Patience | None = None,
) -> int:
    """Apply what is not applied yet; gives how many were.

    Raises:
        SetUpError: `setup.database_too_new`, `setup.migration_changed`, `setup.migration_failed`,
            `setup.database_role`, or what `open_postgres` raises.
        StoreUnavailable: the database does not answer, or went away meanwhile.
    """
    known = tuple(migrations) if migrations is not None else shipped_migrations()
    count = 0
    async with one_connection(dsn, patience=patience or Patience(), limit_s=STEP_S) as connection:
        while (applied := await _step(connection, known)) is not None:
            _log.info("migration_applied", migration=applied.name)
            count += 1
    return count


async def _step(
    connection: "asyncpg.Connection[asyncpg.Record]", known: Sequence[Migration]
) -> Migration | None:
    """Apply the next one, if any; and check those applied before."""
    doing = "schema_migrations"
    failure: ServiceError
    try:
        async with asyncio.timeout(2 * STEP_S), connection.transaction():
            await connection.execute(_sql["lock"], LOCK)
            await connection.execute(_sql["make_table"])
            pending = _next(await connection.fetch(_sql["applied"]), known)
            if pending is None:
                return None
            doing = pending.name
            await connection.execute(pending.sql)
            await connection.execute(
                _sql["record"],
                pending.version,
                pending.name,
                pending.compatible_from,
                pending.checksum,
            )
            return pending
    except asyncpg.PostgresError as exc:
        sqlstate = str(exc.sqlstate)
        failure = SetUpError(
            "setup.migration_failed",
            f"{doing} could not be applied (SQLSTATE {sqlstate}), nothing was changed by it: check "
            "that the database is ours alone and its user owns it",
        )
        if sqlstate[:2] in {"08", "53", "57"}:
            failure = StoreUnavailable(f"the database went away during {doing}")
        elif sqlstate == _NO_RIGHT:
            failure = SetUpError(
                "setup.database_role",
                f"{doing} needs a right that the user in DATABASE_URL lacks, nothing was changed by "
                "it: let an administrator of the PostgreSQL server run `CREATE ROLE "
                "alfavoice_service NOLOGIN` and `GRANT alfavoice_service TO <that user>`, and make "
                "that user the owner of the database",
            )
    except CONNECTION_LOST:
        failure = StoreUnavailable(f"the database went away during {doing}")
    raise failure


def _next(rows: Sequence[asyncpg.Record], known: Sequence[Migration]) -> Migration | None:
    """Check what is applied against what is known; give the first that is not applied."""
    newest = known[-1].version
    asked = max((row["compatible_from"] for row in rows), default=0)
    if asked > newest:
        raise SetUpError(
            "setup.database_too_new",
            f"the database needs an AlfaVoice that knows schema {asked}, this one knows {newest}: "
            "update AlfaVoice, or restore the database's backup from before the update",
        )
    for row, migration in zip(rows, known, strict=False):
        if row["version"] != migration.version or row["checksum"] != migration.checksum:
            raise SetUpError(
                "setup.migration_changed",
                f"{migration.name} is not the file that was applied to this database: install the "
                "released AlfaVoice again; a migration once applied must never be edited",
            )
    return known[len(rows)] if len(rows) < len(known) else None
