"""Sign-ins slowed down after failures, by account and by address.

    failures   1 … free    free+1   free+2   …
    wait       none        1 s      2 s      4 s … up to the longest

An attempt counts before the password is looked at and is taken back when it was right, so that a
hundred at once are not a hundred for the price of one. Accounts count whether they exist or not.
What is kept is a keyed hash: the table says nobody's name.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_network
from typing import Final
from uuid import UUID

from service.operations.audit import Address
from service.problems import RequestRefused
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("tokens")

KEY_PURPOSE: Final = "login throttling"
_IPV6_SITE_BITS: Final = 64
"""What one subscriber has (RFC 6177): within it addresses cost nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """How fast waiting grows."""

    free: int
    """Failures without a wait: people mistype."""
    longest_s: int
    forget: timedelta
    """Quiet time after which all is forgotten."""


ACCOUNT: Final = Slope(free=5, longest_s=300, forget=timedelta(days=1))
"""288 guesses a day at most, against passwords that are in no list; and a person locked out by
somebody's guessing waits five minutes, not a day."""
ADDRESS: Final = Slope(free=50, longest_s=60, forget=timedelta(hours=1))
"""A whole office may be behind one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that was counted."""

    account: bytes
    address: bytes | None


class Throttle:
    """Counts attempts in the database: all copies of the service count together."""

    def __init__(self, postgres: Postgres, key: bytes) -> None:
        self._postgres = postgres
        self._key = key

    async def begin(self, account: str | UUID, address: Address | None) -> Attempt:
        """Count an attempt.

        Args:
            account: the login as it was typed, or the id of somebody signed in.
            address: of the peer, if it has one.

        Raises:
            RequestRefused: `auth.too_many_attempts` with the time to wait.
        """
        attempt = Attempt(
            account=self._subject("account", str(account)),
            address=None if address is None else self._subject("address", _site(address)),
        )
        counted = [(attempt.account, ACCOUNT)]
        if attempt.address is not None:
            counted.append((attempt.address, ADDRESS))
        await self._postgres.call(
            # In one order always: two attempts never wait for each other.
            lambda connection: _count(connection, sorted(counted, key=lambda one: one[0]))
        )
        return attempt

    async def succeeded(self, attempt: Attempt) -> None:
        """Take a counted attempt back: the password was right."""

        async def forget(connection: Connection) -> None:
            await connection.execute(_sql["forget_attempts"], attempt.account)
            # Not forgotten as a whole: who guesses others' passwords may have an account too.
            await connection.execute(_sql["forgive_attempt"], attempt.address)

        await self._postgres.call(forget)

    async def not_made(self, attempt: Attempt) -> None:
        """Take a counted attempt back: the password was never looked at."""

        async def forgive(connection: Connection) -> None:
            await connection.execute(_sql["forgive_attempt"], attempt.account)
            await connection.execute(_sql["forgive_attempt"], attempt.address)

        await self._postgres.call(forgive)

    def _subject(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{value}".encode(), hashlib.sha256)


async def _count(connection: Connection, subjects: Sequence[tuple[bytes, Slope]]) -> None:
    """Count an attempt for each, or for none and refuse if any must wait."""
    async with connection.transaction():
        for subject, slope in subjects:
            counted = await connection.fetchval(
                _sql["begin_attempt"], subject, slope.free, slope.longest_s, slope.forget
            )
            if counted is None:
                wait_s: int | None = await connection.fetchval(_sql["blocked_for"], subject)
                raise RequestRefused(
                    "auth.too_many_attempts",
                    "too many attempts failed: wait before the next one",
                    status=429,
                    retry_after_s=max(1, wait_s or 1),
                )


def _site(address: Address) -> str:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, _IPV6_SITE_BITS), strict=False))
    return str(address)
