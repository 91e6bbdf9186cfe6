"""API keys: for programs of other people's making, which cannot sign in.

A key may dictate or use the library, and never touch the account or the server. It is shown once;
what is kept is its hash and its first letters.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from asyncpg import Record

from service.accounts.access_tokens import invalid_credential, revoked
from service.accounts.opaque import API_KEY_PREFIX, hash_of, new_secret
from service.accounts.principal import Credential, Principal, Role, Scope
from service.operations.audit import Actor, AuditKind, record_within
from service.problems import RequestRefused, not_found
from service.storage.identifiers import uuid7
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("api_keys")

MOST_KEYS: Final = 50
"""Of one person."""
SHOWN_LETTERS: Final = 8
GRANTABLE: Final = frozenset({Scope.DICTATE, Scope.LIBRARY})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it is listed."""

    id: UUID
    name: str
    start: str
    """Its first letters, to tell keys apart."""
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """Exact to a minute."""


class ApiKeys:
    """Makes, lists, ends and recognises keys."""

    def __init__(
        self,
        postgres: Postgres,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._postgres = postgres
        self._now_ms = now_ms

    async def create(
        self,
        actor: Actor,
        user: UUID,
        *,
        name: str,
        scopes: frozenset[Scope],
        lasts: timedelta | None,
    ) -> tuple[StoredKey, str]:
        """Make a key.

        Args:
            actor: who makes it.
            user: whom it stands for.
            name: to know it by.
            scopes: what it may be used for; more than a key may have is left out.
            lasts: until it expires; None: it does not.

        Returns:
            The key as it is listed, and the key itself, which nobody can read again.

        Raises:
            RequestRefused: `key.too_many`.
        """
        scopes &= GRANTABLE
        key, secret = uuid7(self._now_ms()), new_secret(API_KEY_PREFIX)
        start = secret[:SHOWN_LETTERS]

        async def insert(connection: Connection) -> Record | None:
            if await connection.fetchval(_sql["count"]) >= MOST_KEYS:
                raise RequestRefused(
                    "key.too_many", f"{MOST_KEYS} keys are enough: delete one first", status=409
                )
            return await connection.fetchrow(
                _sql["insert"], key, user, name, start, hash_of(secret), sorted(scopes), lasts
            )

        row = await self._postgres.call_as(user, insert)
        assert row is not None  # noqa: S101 - of a statement that inserts or raises
        await self._postgres.call(
            lambda connection: record_within(
                connection,
                AuditKind.KEY_CREATED,
                actor=actor,
                subject=user,
                details={"key": str(key), "scopes": " ".join(sorted(scopes))},
            )
        )
        return _stored(row), secret

    async def list(self, user: UUID) -> tuple[StoredKey, ...]:
        """Give a user's keys, newest first."""
        rows = await self._postgres.call_as(
            user, lambda connection: connection.fetch(_sql["listed"], MOST_KEYS)
        )
        return tuple(_stored(row) for row in rows)

    async def revoke(self, actor: Actor, user: UUID, key: UUID) -> None:
        """End a key.

        Raises:
            RequestRefused: `request.not_found`.
        """
        found = await self._postgres.call_as(
            user, lambda connection: connection.fetchval(_sql["revoke"], key)
        )
        if found is None:
            raise not_found("key")
        await self._postgres.call(
            lambda connection: record_within(
                connection,
                AuditKind.KEY_REVOKED,
                actor=actor,
                subject=user,
                details={"key": str(key)},
            )
        )

    async def principal(self, secret: str) -> Principal:
        """Give whom a key stands for.

        Raises:
            RequestRefused: `auth.invalid_credential`, `auth.key_expired` or `auth.revoked`.
        """

        async def look(connection: Connection) -> Record | None:
            row = await connection.fetchrow(_sql["by_hash"], hash_of(secret))
            if row is not None and row["used_long_ago"]:
                await connection.execute(_sql["used"], row["id"])
            return row

        row = await self._postgres.call(look)
        if row is None:
            raise invalid_credential()
        if row["is_revoked"]:
            raise revoked()
        if row["has_expired"]:
            raise RequestRefused("auth.key_expired", "this key has expired", status=401)
        return Principal(
            user=row["user_id"],
            role=Role(row["role"]),
            scopes=frozenset(Scope(scope) for scope in row["scopes"]) & GRANTABLE,
            credential=Credential.API_KEY,
            key=row["id"],
        )


def _stored(row: Record) -> StoredKey:
    return StoredKey(
        id=row["id"],
        name=row["name"],
        start=row["start"],
        scopes=tuple(Scope(scope) for scope in row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
