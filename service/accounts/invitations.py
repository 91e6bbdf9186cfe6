"""Invitations: links with which somebody makes their own account, once.

The first administrator comes by one as well: where people must sign in and there is nobody yet who
could let them, the server prints a link of its own at its start.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from asyncpg import Record

from service.accounts.devices import DeviceDescription
from service.accounts.opaque import INVITATION_PREFIX, hash_of, new_secret
from service.accounts.people import NewPerson, People, inserted, login_taken, plain_login
from service.accounts.principal import Role
from service.accounts.signing_in import Known, SignedIn, SigningIn
from service.operations.audit import Actor, Address, AuditKind, record_within
from service.problems import RequestRefused, not_found
from service.storage.identifiers import uuid7
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("accounts")

SETUP_LASTS: Final = timedelta(hours=24)
MOST_OPEN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation nobody has used yet."""

    id: UUID
    role: Role
    login: str | None
    """Whom it is for; None: they choose."""
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """What somebody is told who holds an invitation."""

    role: Role
    login: str | None
    """Theirs; None: they choose."""
    is_setup: bool
    """It makes the first administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What somebody invited says."""

    token: str
    login: str | None
    name: str
    password: str


class Invitations:
    """Makes, lists, withdraws and accepts them."""

    def __init__(
        self,
        postgres: Postgres,
        people: People,
        signing_in: SigningIn,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._postgres = postgres
        self._people = people
        self._signing_in = signing_in
        self._now_ms = now_ms

    async def invite(
        self, actor: Actor, *, role: Role, login: str | None, lasts: timedelta
    ) -> tuple[UUID, str, datetime]:
        """Make an invitation; give its id, its token (shown once) and when it ends.

        Raises:
            RequestRefused: `invitation.too_many`, `account.login_taken`.
        """
        invitation, token = uuid7(self._now_ms()), new_secret(INVITATION_PREFIX)
        plain = None if login is None else plain_login(login)

        async def insert(connection: Connection) -> datetime:
            async with connection.transaction():
                if await connection.fetchval(_sql["open_invitations"]) >= MOST_OPEN:
                    raise RequestRefused(
                        "invitation.too_many", "withdraw invitations nobody uses", status=409
                    )
                if plain is not None and await connection.fetchrow(_sql["by_login"], plain):
                    raise login_taken()  # nobody could accept it
                ends: datetime = await connection.fetchval(
                    _sql["invite"],
                    invitation,
                    hash_of(token),
                    role.value,
                    plain,
                    False,
                    actor.user,
                    lasts,
                )
                await record_within(
                    connection,
                    AuditKind.INVITED,
                    actor=actor,
                    details={"invitation": str(invitation), "role": role.value},
                )
                return ends

        return invitation, token, await self._postgres.call(insert)

    async def set_up(self) -> str | None:
        """Make the link for the first administrator; None when there is one already."""
        token = new_secret(INVITATION_PREFIX)

        async def insert(connection: Connection) -> bool:
            if await connection.fetchval(_sql["has_admin"]):
                return False
            await connection.fetchval(
                _sql["invite"],
                uuid7(self._now_ms()),
                hash_of(token),
                Role.ADMIN.value,
                None,
                True,
                None,
                SETUP_LASTS,
            )
            return True

        return token if await self._postgres.call(insert) else None

    async def list(self, *, before: UUID | None, limit: int) -> tuple[Invitation, ...]:
        """Give the open invitations, newest first, from the one before `before`."""
        rows = await self._postgres.call(
            lambda connection: connection.fetch(_sql["invitations"], before, limit)
        )
        return tuple(
            Invitation(
                id=row["id"],
                role=Role(row["role"]),
                login=row["login"],
                created_at=row["created_at"],
                expires_at=row["expires_at"],
            )
            for row in rows
        )

    async def withdraw(self, actor: Actor, invitation: UUID) -> None:
        """Withdraw an invitation.

        Raises:
            RequestRefused: `request.not_found`, also when it was used.
        """

        async def delete(connection: Connection) -> None:
            async with connection.transaction():
                if await connection.fetchval(_sql["withdraw_invitation"], invitation) is None:
                    raise not_found("invitation")
                await record_within(
                    connection,
                    AuditKind.INVITATION_WITHDRAWN,
                    actor=actor,
                    details={"invitation": str(invitation)},
                )

        await self._postgres.call(delete)

    async def opened(self, token: str) -> Invited:
        """Say for whom an invitation is; it stays good.

        Raises:
            RequestRefused: `invitation.invalid`.
        """
        row = await self._good(token)
        return Invited(role=Role(row["role"]), login=row["login"], is_setup=row["is_setup"])

    async def _good(self, token: str) -> Record:
        """Give the row of an invitation that may be accepted.

        Raises:
            RequestRefused: `invitation.invalid`; so is that of the first administrator where there is one.
        """

        async def find(connection: Connection) -> Record | None:
            row: Record | None = await connection.fetchrow(_sql["invitation"], hash_of(token))
            if row is None or (row["is_setup"] and await connection.fetchval(_sql["has_admin"])):
                return None
            return row

        row = await self._postgres.call(find)
        if row is None:
            raise _invalid()
        return row

    async def accept(
        self, said: Acceptance, *, device: DeviceDescription, address: Address | None
    ) -> SignedIn:
        """Make the account of somebody invited and sign them in.

        Raises:
            RequestRefused: `invitation.invalid`, `account.*`.
            Refused: `auth.busy`.
        """
        row = await self._good(said.token)
        login = plain_login(row["login"] or said.login or "")
        new = NewPerson(login=login, password=said.password, name=said.name, role=Role(row["role"]))
        stored = await self._people.prepared(new)

        async def make(connection: Connection) -> UUID:
            async with connection.transaction():
                await _used(connection, hash_of(said.token), row)
                actor = Actor(user=row["invited_by"], address=address)
                user = await inserted(connection, actor, new, stored)
                await record_within(
                    connection,
                    AuditKind.INVITATION_ACCEPTED,
                    actor=Actor(user=user, address=address),
                    subject=user,
                    details={"invitation": str(row["id"])},
                )
                return user

        user = await self._postgres.call(make)
        known = Known(user=user, login=login, name=new.name, role=new.role, password_hash=stored)
        return await self._signing_in.begin(known, device=device, address=address)


async def _used(connection: Connection, hashed: bytes, row: Record) -> None:
    """Use an invitation up within a transaction: of two who try at once, one does."""
    if row["is_setup"]:
        await connection.execute(_sql["lock_setup"])
        if await connection.fetchval(_sql["has_admin"]):
            raise _invalid()
    if await connection.fetchval(_sql["lock_invitation"], hashed) is None:
        raise _invalid()
    await connection.execute(_sql["use_invitation"], row["id"])
    if row["is_setup"]:
        await connection.execute(_sql["end_setup"])


def _invalid() -> RequestRefused:
    return RequestRefused(
        "invitation.invalid",
        "this invitation was used, withdrawn or has expired: ask for another one",
        status=404,
    )
