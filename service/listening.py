"""The port, and the HTTP server that answers on it."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from fastapi import FastAPI

from service.dictation.wire import MAX_AUDIO_BYTES
from service.problems import SetUpError

SOCKETS_END_S: Final = 5
"""After the drain: how long sockets may take to close before they are cut."""
LISTEN_BACKLOG: Final = 2048


class HttpServer(uvicorn.Server):
    """Uvicorn that leaves the signals to us: sessions are drained before it may stop.

    Cancelled, it closes what it listens on and the connections all the same.
    """

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit`, or cancelled."""
        try:
            await super().serve(sockets)
        except asyncio.CancelledError:
            if self.started:
                await self.shutdown(sockets)
            raise

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Bind before anything slow starts, so that a port in use is said at once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise _no_such_address(host) from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(LISTEN_BACKLOG)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRNOTAVAIL:
            raise _no_such_address(host) from exc
        raise SetUpError(
            "setup.port_in_use",
            f"port {port} on {host} cannot be opened ({exc.strerror}); choose another with --port",
            port=port,
            reason=exc.strerror,
        ) from exc
    return listener


def _no_such_address(host: str) -> SetUpError:
    return SetUpError(
        "setup.no_such_address", f"{host} is not an address of this machine", host=host
    )


def http_config(app: FastAPI) -> uvicorn.Config:
    """Give the settings of the HTTP server."""
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose address a proxy tells is believed in one place only: service.accounts.addresses.
        proxy_headers=False,
        # The implementation that stops reading the connection until the application asks for the
        # next message: our back-pressure.
        ws="websockets-sansio",
        ws_max_size=MAX_AUDIO_BYTES,
        ws_per_message_deflate=False,
        # Heartbeats and the idle limit find dead peers; a ping would take a connection that is
        # not read (back-pressure) for a dead one.
        ws_ping_interval=None,
        ws_ping_timeout=None,
        timeout_graceful_shutdown=SOCKETS_END_S,
    )
