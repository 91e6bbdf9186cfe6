"""The gate every request and socket passes: who is asking, and may they.

Routes name what they need: `principal: Annotated[Principal, gate.needs(Scope.LIBRARY)]`.
"""

from typing import Any, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from service.accounts.principal import LOCAL_PRINCIPAL, Principal, Scope
from service.problems import RequestRefused


class Authenticator(Protocol):
    """Finds out who is asking."""

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Give the principal of a request or socket.

        Raises:
            RequestRefused: status 401, nobody or not any more; 403, not from there.
            StoreUnavailable: the database does not answer.
        """
        ...


class LocalAuthenticator:
    """Everybody is the one local person."""

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Give the local principal."""
        return LOCAL_PRINCIPAL


class Gate:
    """Makes the dependencies of routes."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def admit(self, connection: HTTPConnection, scope: Scope) -> Principal:
        """Identify and check the scope.

        Raises:
            RequestRefused: `auth.required` and the like (401), `auth.forbidden` (403).
        """
        principal = await self._authenticator.identify(connection)
        if not principal.may(scope):
            raise RequestRefused(
                "auth.forbidden", f"this needs the right '{scope}', which you lack", status=403
            )
        return principal

    def needs(self, scope: Scope) -> Any:  # noqa: ANN401 - FastAPI's own type for it
        """Make the dependency that admits whoever has a scope, and gives the Principal."""

        async def admitted(connection: HTTPConnection) -> Principal:
            return await self.admit(connection, scope)

        return Depends(admitted)
