"""What ports of protocols without login share: who dictates there, and how many at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from service.accounts.principal import LOCAL_PRINCIPAL, Credential, Principal, Scope
from service.compat.open_ports import OpenPort
from service.dictation.wire import CloseCode
from service.parts import Parts
from service.problems import Refused, RequestRefused

log = structlog.get_logger()

MOST_CONNECTIONS: Final = 128
"""At once, of one such port; each may hold a session and a megabyte of what it sends."""


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
