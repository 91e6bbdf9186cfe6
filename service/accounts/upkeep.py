"""What accounts do by themselves.

They forget what has expired, erase who was deleted, and close the sockets of those who were signed
out by another process.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import structlog

from service.operations.audit import forget_older_than
from service.problems import ServiceError
from service.storage.postgres import Connection, Patience, Postgres, one_connection
from service.storage.statements import statements

if TYPE_CHECKING:
    from service.parts import Parts

_CLEANING: Final = tuple(
    statements(file)[name]
    for file, names in {
        "accounts": ("clean_invitations",),
        "tokens": ("clean_families", "clean_tickets", "clean_attempts"),
        "api_keys": ("clean",),
    }.items()
    for name in names
)
_sql: Final = statements("accounts")

CLEANING_S: Final = 600.0
LOST_CHECK_S: Final = 2.0
"""How long somebody signed out by another process keeps an open socket; in this one it is at once."""
ERASE_LIMIT_S: Final = 3600.0
"""Deleting years of somebody's speech takes its time; nobody waits for it."""

log = structlog.get_logger()


async def keep_accounts(parts: "Parts") -> None:
    """Clean up and erase, now and then and when somebody was deleted, until cancelled."""
    postgres = parts.storage.postgres
    while True:
        try:
            await erase_deleted(parts.storage.dsn, postgres)
            await _clean(postgres)
            await forget_older_than(postgres, parts.settings.audit_days)
        except ServiceError as exc:
            log.warning("accounts_not_tended", code=exc.code)
        try:
            async with asyncio.timeout(CLEANING_S):
                await parts.accounts.deleted.wait()
        except TimeoutError:
            continue
        parts.accounts.deleted.clear()


async def close_lost_sockets(parts: "Parts") -> None:
    """Close the sockets and streams of those signed out by another process, until cancelled."""
    while True:
        await asyncio.sleep(LOST_CHECK_S)
        connected = list({*parts.sessions.connected(), *parts.changes.principals()})
        if not connected:
            continue
        try:
            lost = frozenset(await parts.gate.lost(connected))
        except ServiceError as exc:
            log.warning("sockets_not_checked", code=exc.code)
            continue
        if lost:
            parts.sessions.close_sockets(lost.__contains__)
            parts.changes.end(lost.__contains__)


async def erase_deleted(dsn: str, postgres: Postgres) -> int:
    """Delete the rows of those whose accounts were deleted; give how many there were.

    Raises:
        StoreUnavailable: the database does not answer; nothing is half done that matters, as their
            keys are gone already.
    """
    users = await postgres.call(lambda connection: connection.fetch(_sql["to_erase"]))
    if not users:
        return 0
    async with one_connection(dsn, patience=Patience(), limit_s=ERASE_LIMIT_S) as connection:
        for row in users:
            await connection.execute(_sql["erase"], row["id"])
    return len(users)


async def _clean(postgres: Postgres, statements: Sequence[str] = _CLEANING) -> None:
    async def clean(connection: Connection) -> None:
        for statement in statements:
            await connection.execute(statement)

    await postgres.call(clean)
