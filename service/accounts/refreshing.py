"""Refresh tokens: opaque, used once, each use giving the next (RFC 9700 section 4.14.2).

    T1 ──use──► T2 ──use──► T3          in force: T3
     │           └─ again within 10 s, same device: T3 once more (the answer was lost)
     └─ again: stolen. The family ends, whoever holds it signs in anew.

A family is one row. The token before the one in force can open the sealed successor; nobody else
can, not even with the database. Its life ends after a time without use, and in any case after a
longer one.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from asyncpg import Record

from service.accounts.access_tokens import AccessClaims
from service.accounts.opaque import REFRESH_PREFIX, SECRET_BYTES, decoded, encoded, hash_of
from service.accounts.principal import Role
from service.operations.audit import Actor, AuditKind, record_within
from service.problems import RequestRefused
from service.storage.encryption.sealing import Place, seal, unseal
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("tokens")
_devices: Final = statements("devices")

GRACE: Final = timedelta(seconds=10)
"""For a client whose answer was lost, or who asked twice at once."""
_FAMILY_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a sign-in lasts."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A token as it is handed out."""

    value: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh token was good for."""

    token: RefreshToken
    claims: AccessClaims
    role: Role
    login: str
    name: str


class _Reused(Exception):
    """A token that was used before."""

    def __init__(self, device: UUID) -> None:
        super().__init__()
        self.device = device


class RefreshTokens:
    """Issues them and takes them back for the next."""

    def __init__(self, postgres: Postgres, lifetimes: Lifetimes) -> None:
        self._postgres = postgres
        self._lifetimes = lifetimes

    async def begin(
        self, connection: Connection, claims: AccessClaims, *, now: datetime
    ) -> RefreshToken:
        """Begin a family within the transaction of a sign-in; the device's older one ends."""
        await connection.execute(_sql["end_families_of_device"], claims.user, claims.device)
        token = _new(claims.sign_in)
        await connection.execute(
            _sql["begin_family"],
            claims.sign_in,
            claims.user,
            claims.device,
            hash_of(token),
            self._lifetimes.idle,
            self._lifetimes.total,
        )
        lasts = min(self._lifetimes.idle, self._lifetimes.total)
        return RefreshToken(value=token, expires_at=now + lasts)

    async def use(self, token: str, *, device: UUID, actor: Actor) -> Refreshed | UUID:
        """Use a token.

        Args:
            token: as it was given out.
            device: the program says which it is; a token of another device is a stolen one.
            actor: where it comes from, for the audit log.

        Returns:
            The next token; or the device whose family just ended, because this one was used before.

        Raises:
            RequestRefused: `auth.session_ended`.
        """
        family = family_of(token)
        if family is None:
            raise session_ended()

        async def take(connection: Connection) -> Refreshed | UUID:
            async with connection.transaction():
                row = await connection.fetchrow(_sql["lock_family"], family, GRACE)
                if row is None or not row["is_alive"]:
                    raise session_ended()
                try:
                    return await self._next(connection, family, row, token, device)
                except _Reused as reuse:
                    await _end(connection, family, row, actor)
                    return reuse.device

        return await self._postgres.call(take)

    async def end(self, token: str, *, actor: Actor) -> UUID | None:
        """End the family of a token in force; give the device it signed out."""
        family = family_of(token)
        if family is None:
            return None

        async def take(connection: Connection) -> UUID | None:
            async with connection.transaction():
                row = await connection.fetchrow(_sql["lock_family"], family, GRACE)
                if row is None or hash_of(token) not in (row["current_hash"], row["previous_hash"]):
                    return None
                await connection.execute(_sql["end_family"], family)
                await connection.execute(_devices["revoke"], row["user_id"], row["device_id"])
                await record_within(
                    connection,
                    AuditKind.SIGNED_OUT,
                    actor=Actor(user=row["user_id"], address=actor.address),
                    subject=row["user_id"],
                    details={"device": str(row["device_id"])},
                )
                device: UUID = row["device_id"]
                return device

        return await self._postgres.call(take)

    async def _next(
        self, connection: Connection, family: UUID, row: Record, token: str, device: UUID
    ) -> Refreshed:
        place = Place(
            table="refresh_families", column="successor", row=str(family), user=row["user_id"]
        )
        if device != row["device_id"]:
            raise _Reused(row["device_id"])
        shown = hash_of(token)
        if hmac.compare_digest(shown, row["current_hash"]):
            following = _new(family)
            expires_at = await connection.fetchval(
                _sql["rotate"],
                family,
                hash_of(following),
                seal(_sealing_key(token), 0, place, following.encode()),
                self._lifetimes.idle,
            )
        elif row["in_grace"] and hmac.compare_digest(shown, row["previous_hash"] or b""):
            following = unseal(_sealing_key(token), place, row["successor"]).decode()
            expires_at = row["expires_at"]
        else:
            raise _Reused(row["device_id"])
        await connection.execute(_devices["seen"], device)
        return Refreshed(
            token=RefreshToken(value=following, expires_at=expires_at),
            claims=AccessClaims(user=row["user_id"], device=device, sign_in=family),
            role=Role(row["role"]),
            login=row["login"],
            name=row["name"],
        )


async def _end(connection: Connection, family: UUID, row: Record, actor: Actor) -> None:
    await connection.execute(_sql["end_family"], family)
    await connection.execute(_devices["revoke"], row["user_id"], row["device_id"])
    await record_within(
        connection,
        AuditKind.REFRESH_REUSED,
        actor=actor,
        subject=row["user_id"],
        outcome="family_ended",
        details={"device": str(row["device_id"])},
    )


def session_ended() -> RequestRefused:
    """Refuse a refresh token; whether unknown, expired or stolen is not said."""
    return RequestRefused("auth.session_ended", "this sign-in is over: sign in again", status=401)


def family_of(token: str) -> UUID | None:
    """Give the family a refresh token says it belongs to; None if it is no refresh token."""
    value = decoded(token.removeprefix(REFRESH_PREFIX)) if len(token) < 200 else None
    if (
        not token.startswith(REFRESH_PREFIX)
        or value is None
        or len(value) != _FAMILY_BYTES + SECRET_BYTES
    ):
        return None
    return UUID(bytes=value[:_FAMILY_BYTES])


def _new(family: UUID) -> str:
    return REFRESH_PREFIX + encoded(family.bytes + secrets.token_bytes(SECRET_BYTES))


def _sealing_key(token: str) -> bytes:
    return hmac.digest(token.encode(), b"alfavoice refresh successor", hashlib.sha256)
