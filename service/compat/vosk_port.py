"""The port of vosk-server: a bare websocket at any path, closed unless a setting opens it."""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import structlog
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from service.accounts.origins import origin_check
from service.compat.conversing import Ending
from service.compat.ports import Connections, full, principal_of
from service.compat.sockets import WRITE_TIMEOUT_S, Gone, close_reason
from service.compat.vosk import VoskDialogue, ending_for
from service.dictation.wire import MAX_AUDIO_BYTES
from service.parts import Parts
from service.problems import ServiceError

log = structlog.get_logger()

HANDSHAKE_S: Final = 10.0
MESSAGES_AHEAD: Final = 4
"""Messages read before they are asked for; then the connection is not read: our back-pressure."""


class BareSocket:
    """A `Socket` of a connection of the websockets library."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def receive(self, timeout_s: float) -> str | bytes:
        """Wait for the next message."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._connection.recv()
        except ConnectionClosed as exc:
            raise Gone from exc

    async def send(self, text: str) -> None:
        """Send a text message."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._connection.send(text)
        except (ConnectionClosed, TimeoutError) as exc:
            raise Gone from exc

    async def close(self, ending: Ending) -> None:
        """Close the connection."""
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._connection.close(ending.code, close_reason(ending.reason))


async def serve_vosk_port(parts: Parts) -> None:
    """Serve the port until cancelled, if there is one."""
    port = parts.open_ports.get("vosk")
    if port is None:
        return
    origin_is_allowed = origin_check(parts.settings.allowed_origins)
    connections = Connections(port)

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        if origin_is_allowed(headers.get("Origin"), headers.get("Host")):
            return None
        return connection.respond(HTTPStatus.FORBIDDEN, "this page may not open the socket\n")

    async def talk(connection: ServerConnection) -> None:
        socket, is_full = BareSocket(connection), connections.is_full
        async with connections.one():
            try:
                if is_full:
                    raise full()
                principal = await principal_of(parts, port)
            except ServiceError as exc:
                await socket.close(ending_for(exc))
            else:
                await VoskDialogue(socket, parts=parts, principal=principal).serve()

    server = serve(
        talk,
        sock=port.listener,
        process_request=admit,
        max_size=MAX_AUDIO_BYTES,
        max_queue=MESSAGES_AHEAD,
        compression=None,
        open_timeout=HANDSHAKE_S,
        # As on our own port: a connection that is not read would be taken for a dead one.
        ping_interval=None,
    )
    async with server:
        log.info("vosk_listening", port=port.number)
        await asyncio.Event().wait()
