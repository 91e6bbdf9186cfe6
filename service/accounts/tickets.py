"""Single-use tickets for sockets of browsers, which cannot set the `Authorization` header.

A signed-in page asks for one over HTTPS and opens its socket with it within 30 seconds. It goes in
`Sec-WebSocket-Protocol`, never in an address, and is worth nothing after its first use.
"""

from datetime import timedelta
from typing import Final

from service.accounts.access_tokens import invalid_credential
from service.accounts.opaque import TICKET_PREFIX, hash_of, new_secret
from service.accounts.principal import Credential, Principal, Role, Scope
from service.problems import RequestRefused
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("tokens")

LIFETIME_S: Final = 30
MOST_OPEN: Final = 100
"""Unused tickets of one person: a page needs one at a time."""
_SCOPES: Final = frozenset({Scope.DICTATE, Scope.LIBRARY})


class Tickets:
    """Issues and takes them."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def issue(self, principal: Principal) -> str:
        """Make a ticket for somebody signed in.

        Raises:
            RequestRefused: `auth.forbidden` for an API key, which programs can send themselves;
                `auth.too_many_tickets`.
        """
        if principal.credential not in {Credential.ACCESS_TOKEN, Credential.LOCAL}:
            raise RequestRefused(
                "auth.forbidden", "only somebody signed in can have a ticket", status=403
            )
        ticket = new_secret(TICKET_PREFIX)

        async def insert(connection: Connection) -> None:
            if await connection.fetchval(_sql["open_tickets"], principal.user) >= MOST_OPEN:
                raise RequestRefused(
                    "auth.too_many_tickets",
                    "use the tickets you have, or wait until they expire",
                    status=429,
                    retry_after_s=LIFETIME_S,
                )
            await connection.execute(
                _sql["issue_ticket"],
                hash_of(ticket),
                principal.user,
                principal.device,
                sorted(principal.scopes & _SCOPES),
                timedelta(seconds=LIFETIME_S),
            )

        await self._postgres.call(insert)
        return ticket

    async def take(self, ticket: str) -> Principal:
        """Use a ticket up.

        Raises:
            RequestRefused: `auth.invalid_credential`, also the second time.
        """

        async def take(connection: Connection) -> Principal | None:
            row = await connection.fetchrow(_sql["take_ticket"], hash_of(ticket))
            if row is None or not row["is_alive"]:
                return None
            role = await connection.fetchval(_sql["of_ticket"], row["user_id"], row["device_id"])
            if role is None:
                return None
            return Principal(
                user=row["user_id"],
                role=Role(role),
                scopes=frozenset(Scope(scope) for scope in row["scopes"]),
                credential=Credential.TICKET,
                device=row["device_id"],
            )

        principal = await self._postgres.call(take)
        if principal is None:
            raise invalid_credential()
        return principal
