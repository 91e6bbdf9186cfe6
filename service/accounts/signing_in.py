"""Signing in and out.

Somebody who is not there, is disabled or mistypes gets the same answer after the same work, so that
nobody can find out who has an account here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from service.accounts.access_tokens import AccessClaims, AccessTokens
from service.accounts.devices import MOST_DEVICES, CloseSockets, DeviceDescription
from service.accounts.passwords import Passwords
from service.accounts.people import People, plain_login
from service.accounts.principal import Principal, Role
from service.accounts.refreshing import RefreshToken, RefreshTokens, session_ended
from service.accounts.throttling import Attempt, Throttle
from service.operations.audit import Actor, Address, AuditKind, record_within
from service.problems import Refused, RequestRefused
from service.storage.identifiers import uuid7
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("accounts")
_devices: Final = statements("devices")
_tokens: Final = statements("tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a program gets that signed in or refreshed."""

    access_token: str
    refresh: RefreshToken
    user: UUID
    device: UUID
    role: Role
    login: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An account whose password was right, or that was just made."""

    user: UUID
    login: str
    name: str
    role: Role
    password_hash: str


class SigningIn:
    """Signs people in and out."""

    def __init__(  # noqa: PLR0913 - parts of its own, each used
        self,
        postgres: Postgres,
        *,
        passwords: Passwords,
        people: People,
        throttle: Throttle,
        access: AccessTokens,
        refreshing: RefreshTokens,
        close_sockets: CloseSockets,
        now_s: Callable[[], int] = lambda: time.time_ns() // 1_000_000_000,
    ) -> None:
        self._postgres = postgres
        self._passwords = passwords
        self._people = people
        self._throttle = throttle
        self._access = access
        self._refreshing = refreshing
        self._close_sockets = close_sockets
        self._now_s = now_s

    async def sign_in(
        self, login: str, password: str, *, device: DeviceDescription, address: Address | None
    ) -> SignedIn:
        """Sign somebody in with a password.

        Raises:
            RequestRefused: `auth.wrong_credentials`, `auth.too_many_attempts`.
            Refused: `auth.busy`.
        """
        login = plain_login(login)
        attempt = await self._throttle.begin(login, address)
        row = await self._postgres.call(
            lambda connection: connection.fetchrow(_sql["by_login"], login)
        )
        stored = None if row is None else row["password_hash"]
        is_right = await self._verify(stored, password, attempt)
        if not is_right or row is None or row["disabled_at"] is not None:
            await self._note_failure(None if row is None else row["id"], address)
            raise _wrong_credentials()
        known = Known(
            user=row["id"],
            login=row["login"],
            name=row["name"],
            role=Role(row["role"]),
            password_hash=row["password_hash"],
        )
        signed_in = await self.begin(known, device=device, address=address)
        await self._throttle.succeeded(attempt)
        await self._renew_hash(known, password)
        return signed_in

    async def begin(
        self, known: Known, *, device: DeviceDescription, address: Address | None
    ) -> SignedIn:
        """Register the device and give it its tokens.

        Raises:
            RequestRefused: `auth.wrong_credentials`, the account was changed this moment.
        """
        now_s = self._now_s()
        actor = Actor(user=known.user, address=address)

        async def register(connection: Connection) -> tuple[AccessClaims, RefreshToken, list[UUID]]:
            async with connection.transaction():
                # Held until the end: a password changed meanwhile ends this sign-in as well.
                if not await connection.fetchval(
                    _sql["lock_signing_in"], known.user, known.password_hash
                ):
                    raise _wrong_credentials()
                claims = AccessClaims(
                    user=known.user,
                    device=await _registered(connection, known.user, device, now_s),
                    sign_in=uuid4(),
                )
                refresh = await self._refreshing.begin(
                    connection, claims, now=datetime.fromtimestamp(now_s, UTC)
                )
                dropped = await _dropped(connection, known.user)
                await record_within(
                    connection,
                    AuditKind.SIGNED_IN,
                    actor=actor,
                    subject=known.user,
                    details={"device": str(claims.device)},
                )
                return claims, refresh, dropped

        claims, refresh, dropped = await self._postgres.call(register)
        if dropped:
            self._close_sockets(lambda principal: principal.device in dropped)
        return SignedIn(
            access_token=self._access.issue(claims, known.role, now_s=now_s),
            refresh=refresh,
            user=known.user,
            device=claims.device,
            role=known.role,
            login=known.login,
            name=known.name,
        )

    async def refresh(self, token: str, *, device: UUID, address: Address | None) -> SignedIn:
        """Give new tokens for a refresh token.

        Raises:
            RequestRefused: `auth.session_ended`.
        """
        used = await self._refreshing.use(token, device=device, actor=Actor(address=address))
        if isinstance(used, UUID):
            self._close_sockets(lambda principal: principal.device == used)
            raise session_ended()
        return SignedIn(
            access_token=self._access.issue(used.claims, used.role, now_s=self._now_s()),
            refresh=used.token,
            user=used.claims.user,
            device=device,
            role=used.role,
            login=used.login,
            name=used.name,
        )

    async def sign_out(self, token: str, *, address: Address | None) -> None:
        """Sign the device of a refresh token out; a token that is none changes nothing."""
        device = await self._refreshing.end(token, actor=Actor(address=address))
        if device is not None:
            self._close_sockets(lambda principal: principal.device == device)

    async def change_password(
        self, principal: Principal, *, current: str, new: str, address: Address | None
    ) -> None:
        """Change one's own password; all other devices are signed out.

        Raises:
            RequestRefused: `account.wrong_password`, `account.weak_password`, `account.no_password`,
                `auth.too_many_attempts`.
            Refused: `auth.busy`.
        """
        row = await self._postgres.call(
            lambda connection: connection.fetchrow(_sql["by_id"], principal.user)
        )
        if row is None or row["password_hash"] is None:
            raise RequestRefused(
                "account.no_password", "the local user of this machine has no password", status=409
            )
        attempt = await self._throttle.begin(principal.user, None)
        if not await self._verify(row["password_hash"], current, attempt):
            raise RequestRefused(
                "account.wrong_password", "the current password is another one", status=403
            )
        await self._throttle.succeeded(attempt)
        actor = Actor(user=principal.user, address=address)
        await self._people.set_password(actor, principal.user, new, keep=principal.device)

    async def _verify(self, stored: str | None, password: str, attempt: Attempt) -> bool:
        try:
            return await self._passwords.verify(stored, password)
        except Refused:
            await self._throttle.not_made(attempt)
            raise

    async def _note_failure(self, user: UUID | None, address: Address | None) -> None:
        await self._postgres.call(
            lambda connection: record_within(
                connection,
                AuditKind.SIGNED_IN,
                actor=Actor(address=address),
                subject=user,
                outcome="refused",
            )
        )

    async def _renew_hash(self, known: Known, password: str) -> None:
        """Hash the password anew where costs were raised since; another time if this is a bad one."""
        if not self._passwords.is_outdated(known.password_hash):
            return
        try:
            renewed = await self._passwords.hash(password)
        except Refused:
            return
        await self._postgres.call(
            lambda connection: connection.execute(
                _sql["set_password_hash"], known.user, known.password_hash, renewed
            )
        )


async def _registered(
    connection: Connection, user: UUID, device: DeviceDescription, now_s: int
) -> UUID:
    described = (user, device.name, device.platform, device.client)
    if device.id is not None:
        # The family before its device, as everywhere: two who want both never wait for each other.
        await connection.execute(_tokens["end_families_of_device"], user, device.id)
        again: UUID | None = await connection.fetchval(
            _devices["sign_in_again"], device.id, *described
        )
        if again is not None:
            return again
    new = uuid7(now_s * 1_000)
    await connection.execute(_devices["register"], new, *described)
    return new


async def _dropped(connection: Connection, user: UUID) -> list[UUID]:
    """Sign out the devices beyond the most one person may have."""
    rows = await connection.fetch(_devices["beyond_limit"], user, MOST_DEVICES)
    for row in rows:
        await connection.execute(_tokens["end_families_of_device"], user, row["id"])
        await connection.execute(_devices["revoke"], user, row["id"])
    return [row["id"] for row in rows]


def _wrong_credentials() -> RequestRefused:
    return RequestRefused("auth.wrong_credentials", "login or password is wrong", status=401)
