"""People: made, listed, changed, disabled and deleted.

Deleting destroys the person's keys in the same transaction that says so, after which nothing of
theirs can be read; the rows, which may be many, go in the background (`erasing`).
"""

import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from service.accounts.devices import CloseSockets, end_sign_ins
from service.accounts.password_rules import PasswordRules
from service.accounts.passwords import Passwords
from service.accounts.principal import Role
from service.operations.audit import Actor, AuditKind, record_within
from service.problems import RequestRefused, not_found
from service.storage.encryption.keys import UserKeys
from service.storage.identifiers import uuid7
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("accounts")

_LOGIN: Final = re.compile(r"[a-zа-яё0-9][a-zа-яё0-9._@+-]{1,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account as it is listed."""

    id: UUID
    login: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    last_seen_at: datetime | None
    """Of the device used last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """An account to make."""

    login: str
    password: str
    name: str
    role: Role


def plain_login(text: str) -> str:
    """Give a login as it is stored: without white space around, in lower case."""
    return unicodedata.normalize("NFKC", text).strip().lower()


class People:
    """All accounts but that of the local user."""

    def __init__(
        self,
        postgres: Postgres,
        *,
        keys: UserKeys,
        passwords: Passwords,
        rules: PasswordRules,
        close_sockets: CloseSockets,
        erase_soon: Callable[[], None],
    ) -> None:
        self._postgres = postgres
        self._keys = keys
        self._passwords = passwords
        self._rules = rules
        self._close_sockets = close_sockets
        self._erase_soon = erase_soon

    async def create(self, actor: Actor, new: NewPerson) -> UUID:
        """Make an account.

        Raises:
            RequestRefused: `account.login_taken`, or as `prepared`.
        """
        stored = await self.prepared(new)

        async def make(connection: Connection) -> UUID:
            async with connection.transaction():
                return await inserted(connection, actor, new, stored)

        return await self._postgres.call(make)

    async def prepared(self, new: NewPerson) -> str:
        """Check login and password of an account to be made, and hash the password.

        Raises:
            RequestRefused: `account.invalid_login`, `account.weak_password`.
            Refused: `auth.busy`.
        """
        if not _LOGIN.fullmatch(plain_login(new.login)):
            raise RequestRefused(
                "account.invalid_login",
                "a login is 2 to 100 letters, digits and the signs . _ @ + -, and begins with a "
                "letter or digit",
                status=422,
            )
        self._rules.check(new.password, login=new.login, name=new.name)
        return await self._passwords.hash(new.password)

    async def list(self, *, after: UUID | None, limit: int) -> tuple[Person, ...]:
        """Give accounts in the order they were made, from the one after `after`."""
        rows = await self._postgres.call(
            lambda connection: connection.fetch(_sql["listed"], after, limit)
        )
        return tuple(_person(row) for row in rows)

    async def get(self, user: UUID) -> Person:
        """Give an account.

        Raises:
            RequestRefused: `request.not_found`.
        """
        row = await self._postgres.call(
            lambda connection: connection.fetchrow(_sql["one_listed"], user)
        )
        if row is None:
            raise not_found("account")
        return _person(row)

    async def find(self, login: str) -> Person:
        """Give the account with a login.

        Raises:
            RequestRefused: `request.not_found`.
        """
        row = await self._postgres.call(
            lambda connection: connection.fetchrow(_sql["by_login"], plain_login(login))
        )
        if row is None:
            raise not_found("account")
        return await self.get(row["id"])

    async def has_admin(self) -> bool:
        """Whether anybody can sign in and manage the server."""
        found: bool = await self._postgres.call(
            lambda connection: connection.fetchval(_sql["has_admin"])
        )
        return found

    async def change(
        self,
        actor: Actor,
        user: UUID,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        name: str | None = None,
    ) -> Person:
        """Change an account; what is None stays. Who is disabled is signed out at once.

        Raises:
            RequestRefused: `request.not_found`, `account.last_admin`.
        """

        async def update(connection: Connection) -> None:
            async with connection.transaction():
                before = await _locked(
                    connection, user, keeps_admin=role is not Role.USER and not disabled
                )
                if role is not None and role != before["role"]:
                    await connection.execute(_sql["set_role"], user, role)
                    details = {"from": before["role"], "to": role.value}
                    await record_within(
                        connection,
                        AuditKind.ROLE_CHANGED,
                        actor=actor,
                        subject=user,
                        details=details,
                    )
                if name is not None:
                    await connection.execute(_sql["set_name"], user, name)
                if disabled is not None and disabled != (before["disabled_at"] is not None):
                    await connection.execute(_sql["set_disabled"], user, disabled)
                    if disabled:
                        await end_sign_ins(connection, user)
                    kind = AuditKind.USER_DISABLED if disabled else AuditKind.USER_ENABLED
                    await record_within(connection, kind, actor=actor, subject=user)

        await self._postgres.call(update)
        if disabled:
            self._close_sockets(lambda principal: principal.user == user)
        return await self.get(user)

    async def set_password(
        self, actor: Actor, user: UUID, password: str, *, keep: UUID | None = None
    ) -> None:
        """Set a password; all devices but `keep` are signed out at once.

        Raises:
            RequestRefused: `request.not_found`, `account.weak_password`.
            Refused: `auth.busy`.
        """
        person = await self.get(user)
        self._rules.check(password, login=person.login, name=person.name)
        stored = await self._passwords.hash(password)

        async def update(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_sql["set_password"], user, stored)
                await end_sign_ins(connection, user, keep=keep)
                await record_within(
                    connection, AuditKind.PASSWORD_CHANGED, actor=actor, subject=user
                )

        await self._postgres.call(update)
        self._close_sockets(
            lambda principal: (
                principal.user == user and principal.device is not None and principal.device != keep
            )
        )

    async def delete(self, actor: Actor, user: UUID) -> None:
        """Delete an account with everything it has; its keys are gone when this returns.

        Raises:
            RequestRefused: `request.not_found`, `account.last_admin`.
        """

        async def end(connection: Connection) -> None:
            async with connection.transaction():
                await _locked(connection, user, keeps_admin=False)
                await connection.execute(_sql["mark_deleted"], user)
                await connection.execute(_sql["destroy_keys"], user)
                await connection.execute(_sql["end_keys"], user)
                await end_sign_ins(connection, user)
                await record_within(connection, AuditKind.USER_DELETED, actor=actor, subject=user)

        await self._postgres.call(end)
        self._keys.forget(user)
        self._close_sockets(lambda principal: principal.user == user)
        self._erase_soon()


async def inserted(connection: Connection, actor: Actor, new: NewPerson, stored: str) -> UUID:
    """Insert a checked account within a transaction.

    Raises:
        RequestRefused: `account.login_taken`.
    """
    user: UUID | None = await connection.fetchval(
        _sql["insert"],
        uuid7(time.time_ns() // 1_000_000),
        plain_login(new.login),
        new.name,
        new.role.value,
        stored,
    )
    if user is None:
        raise login_taken()
    await record_within(
        connection,
        AuditKind.USER_CREATED,
        actor=actor,
        subject=user,
        details={"role": new.role.value},
    )
    return user


def login_taken() -> RequestRefused:
    """Give the refusal of an account, or of an invitation to one, under the login of another."""
    return RequestRefused("account.login_taken", "this login is taken", status=409)


async def _locked(connection: Connection, user: UUID, *, keeps_admin: bool) -> Record:
    """Give an account, keeping others from taking the last administrator away meanwhile."""
    admins = [row["id"] for row in await connection.fetch(_sql["lock_admins"])]
    row = await connection.fetchrow(_sql["by_id"], user)
    if row is None or row["login"] is None:
        raise not_found("account")
    if admins == [user] and not keeps_admin:
        raise RequestRefused(
            "account.last_admin",
            "this is the only administrator: make another one first",
            status=409,
        )
    return row


def _person(row: Record) -> Person:
    return Person(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        last_seen_at=row["last_seen_at"],
    )
