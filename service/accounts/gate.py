"""The gate every request and socket passes: who is asking, and may they.

Routes name what they need: `principal: Annotated[Principal, gate.needs(Scope.LIBRARY)]`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from service.accounts.principal import Principal, Scope
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

    async def lost(self, principals: Sequence[Principal]) -> list[Principal]:
        """Give those of them whose sign-in or key was ended since.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...


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

    async def lost(self, principals: Sequence[Principal]) -> list[Principal]:
        """Give those let in earlier who would not be any more: for what stays open long.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return await self._authenticator.lost(principals)

    def needs(self, scope: Scope) -> Any:  # noqa: ANN401 - FastAPI's own type for it
        """Make the dependency that admits whoever has a scope, and gives the Principal."""
        return Depends(_Admission(self, scope))


class _Admission(SecurityBase):
    """The dependency; as a security scheme, so that the OpenAPI document names it."""

    def __init__(self, gate: Gate, scope: Scope) -> None:
        self._gate = gate
        self._scope = scope
        self.scheme_name = "bearer"
        self.model = HTTPBearer(description="An access token, or an API key (`av_…`).")

    async def __call__(self, connection: HTTPConnection) -> Principal:
        return await self._gate.admit(connection, self._scope)
