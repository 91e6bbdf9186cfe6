"""Who is asking, on a server where people sign in.

The database is asked for each request and each socket (one indexed statement, under a millisecond):
what is revoked, disabled or demoted is so for the next request, on every copy of the service.
"""

from collections.abc import Sequence
from typing import Final

from starlette.requests import HTTPConnection

from service.accounts.access_tokens import AccessTokens, invalid_credential, revoked
from service.accounts.api_keys import ApiKeys
from service.accounts.credentials import AccessToken, ApiKey, Ticket, credential_of
from service.accounts.principal import Credential, Principal, Role, Scope
from service.accounts.tickets import Tickets
from service.problems import RequestRefused
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("accounts")
_devices: Final = statements("devices")

_ROLE_SCOPES: Final = {
    Role.USER: frozenset({Scope.DICTATE, Scope.LIBRARY, Scope.ACCOUNT}),
    Role.ADMIN: frozenset(Scope),
}


class SignedInAuthenticator:
    """Knows access tokens, API keys and tickets."""

    def __init__(
        self, postgres: Postgres, *, tokens: AccessTokens, keys: ApiKeys, tickets: Tickets
    ) -> None:
        self._postgres = postgres
        self._tokens = tokens
        self._keys = keys
        self._tickets = tickets

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Give the principal of a request or socket.

        Raises:
            RequestRefused: 401, `auth.required`, `auth.invalid_credential`, `auth.token_expired` or
                `auth.revoked`.
            StoreUnavailable: the database does not answer.
        """
        match credential_of(connection):
            case AccessToken(value):
                return await self._of_token(value)
            case ApiKey(value):
                return await self._keys.principal(value)
            case Ticket(value):
                return await self._tickets.take(value)
            case None:
                raise RequestRefused("auth.required", "sign in first", status=401)

    async def lost(self, principals: Sequence[Principal]) -> list[Principal]:
        """Give those whose sign-in or key was ended since they were let in.

        Args:
            principals: as `identify` gave them.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        rows = await self._postgres.call(
            lambda connection: connection.fetch(
                _sql["lost"],
                [one.user for one in principals],
                [one.device for one in principals],
                [one.key for one in principals],
            )
        )
        return [principals[row["place"] - 1] for row in rows]

    async def _of_token(self, token: str) -> Principal:
        claims = self._tokens.read(token)

        async def look(connection: Connection) -> Role | None:
            row = await connection.fetchrow(_sql["of_session"], claims.sign_in, claims.user)
            if row is None:
                return None
            if row["device_id"] != claims.device:
                raise invalid_credential()
            if row["seen_long_ago"]:
                await connection.execute(_devices["seen"], claims.device)
            return Role(row["role"])

        role = await self._postgres.call(look)
        if role is None:
            raise revoked()
        return Principal(
            user=claims.user,
            role=role,
            scopes=_ROLE_SCOPES[role],
            credential=Credential.ACCESS_TOKEN,
            device=claims.device,
        )
