"""Devices: the programs on machines that somebody signed in with.

A device is signed in while it has a family of refresh tokens; ending that ends its access tokens
with the next request and its sockets at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from service.accounts.principal import Principal
from service.operations.audit import Actor, AuditKind, record_within
from service.problems import not_found
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("devices")
_tokens: Final = statements("tokens")

MOST_DEVICES: Final = 50
"""Signed in at once, of one person; one more signs out the one longest unused."""

CloseSockets = Callable[[Callable[[Principal], bool]], None]
"""Closes the open sockets of those principals at once, as revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as it is listed."""

    id: UUID
    name: str
    platform: str
    client: str
    created_at: datetime
    last_seen_at: datetime
    """Exact to a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescription:
    """What a program says of itself when it signs in."""

    id: UUID | None = None
    """Its id of an earlier sign-in of the same person."""
    name: str
    platform: str = ""
    client: str = ""


class Devices:
    """A person's devices."""

    def __init__(self, postgres: Postgres, close_sockets: CloseSockets) -> None:
        self._postgres = postgres
        self._close_sockets = close_sockets

    async def list(self, user: UUID) -> tuple[Device, ...]:
        """Give the devices that are signed in, the last used first."""
        rows = await self._postgres.call_as(
            user, lambda connection: connection.fetch(_sql["listed"], MOST_DEVICES)
        )
        return tuple(_device(row) for row in rows)

    async def rename(self, user: UUID, device: UUID, name: str) -> Device:
        """Give a device another name.

        Raises:
            RequestRefused: `request.not_found`.
        """
        row = await self._postgres.call_as(
            user, lambda connection: connection.fetchrow(_sql["rename"], device, name)
        )
        if row is None:
            raise not_found("device")
        return _device(row)

    async def revoke(self, actor: Actor, user: UUID, device: UUID) -> None:
        """Sign a device out; its sockets are closed.

        Raises:
            RequestRefused: `request.not_found`.
        """

        async def end(connection: Connection) -> None:
            async with connection.transaction():
                # Always the family before its device: who refreshes locks them in this order too.
                await connection.execute(_tokens["end_families_of_device"], user, device)
                if await connection.fetchval(_sql["revoke"], user, device) is None:
                    raise not_found("device")
                await record_within(
                    connection,
                    AuditKind.DEVICE_REVOKED,
                    actor=actor,
                    subject=user,
                    details={"device": str(device)},
                )

        await self._postgres.call(end)
        self._close_sockets(lambda principal: principal.device == device)


async def end_sign_ins(connection: Connection, user: UUID, *, keep: UUID | None = None) -> None:
    """Sign all devices of a user out but one, within a transaction; sockets are the caller's."""
    await connection.execute(_tokens["end_families_of_user"], user, keep)
    await connection.execute(_tokens["end_tickets_of_user"], user, keep)
    await connection.execute(_sql["revoke_all"], user, keep)


def _device(row: Record) -> Device:
    return Device(
        id=row["id"],
        name=row["name"],
        platform=row["platform"],
        client=row["client"],
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
    )
