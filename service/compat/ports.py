"""Ports of protocols that know no login: who is behind one, and whether it may be open at all.

Whoever reaches such a port dictates as one person. On a server without login that is the local
person, and the port is open to this machine only; otherwise it is the person whom the operator
named for it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from socket import socket
from typing import Final

import structlog

from service.accounts.principal import LOCAL_PRINCIPAL, Credential, Principal, Scope
from service.dictation.wire import CloseCode
from service.listening import listen
from service.parts import Parts
from service.problems import Refused, RequestRefused, SetUpError

log = structlog.get_logger()

MOST_CONNECTIONS: Final = 128
"""At once, of one such port; each may hold a session and a megabyte of what it sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPort:
    """What the settings say of a port without login."""

    protocol: str
    """Its name in settings, such as `wyoming` of ALFAVOICE_WYOMING_PORT."""
    host: str
    port: int
    """0: closed."""
    user: str | None
    """Login of the person who dictates there."""

    def bind(self, *, login_is_required: bool) -> socket:
        """Open the port.

        Raises:
            SetUpError: `setup.open_port_without_user`, `setup.open_port_beyond_loopback`, or it
                cannot be opened.
        """
        setting = f"ALFAVOICE_{self.protocol.upper()}"
        if login_is_required and not self.user:
            raise SetUpError(
                "setup.open_port_without_user",
                f"people sign in on this server, but its {self.protocol} port knows no login: name "
                f"the account that dictates there with {setting}_USER, or close it with "
                f"{setting}_PORT=0",
            )
        try:
            listener = listen(self.host, self.port)
        except SetUpError as exc:
            raise SetUpError(
                exc.code, f"{setting}_PORT: {self.host} port {self.port} cannot be opened"
            ) from exc
        if not login_is_required and not ip_address(listener.getsockname()[0]).is_loopback:
            listener.close()
            raise SetUpError(
                "setup.open_port_beyond_loopback",
                f"whoever reaches the {self.protocol} port dictates without login: have people sign "
                f"in (ALFAVOICE_LOGIN=required) and name an account with {setting}_USER, or set "
                f"{setting}_HOST to 127.0.0.1",
            )
        return listener


async def principal_of(parts: Parts, port: OpenPort) -> Principal:
    """Give whoever dictates on a port; asked for each connection, as accounts may be disabled.

    Raises:
        RequestRefused: `auth.forbidden`, there is no such account (any more).
        StoreUnavailable: the database does not answer.
    """
    if not parts.accounts.login_is_required:
        return LOCAL_PRINCIPAL
    try:
        person = await parts.accounts.people.find(port.user or "")
    except RequestRefused:
        person = None
    if person is None or person.disabled_at is not None:
        raise RequestRefused(
            "auth.forbidden", f"the account of this {port.protocol} port is not there", status=403
        )
    return Principal(
        user=person.id,
        role=person.role,
        scopes=frozenset({Scope.DICTATE}),
        credential=Credential.LOCAL,  # the operator of this machine vouches for them
    )


def full() -> Refused:
    """Make the refusal of a connection for which there is no place."""
    return Refused(
        "server.full",
        f"all {MOST_CONNECTIONS} connections of this port are in use",
        close_code=CloseCode.OVERLOADED,
    )


class Connections:
    """The connections of one port: counted, and a bug in one ends that one and nothing else."""

    def __init__(self, port: OpenPort) -> None:
        self._port = port
        self._open = 0

    @property
    def is_full(self) -> bool:
        """Whether no other connection may be served."""
        return self._open >= MOST_CONNECTIONS

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place while the block serves one connection."""
        self._open += 1
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - the loop of one connection
            # The exception's words may carry what was said: only its kind is logged.
            log.error(  # noqa: TRY400
                "connection_failed", protocol=self._port.protocol, kind=type(exc).__name__
            )
        finally:
            self._open -= 1
