"""The port, and the HTTP server that answers on it."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from typing import Final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.dictation.wire import MAX_AUDIO_BYTES
from service.problems import SetUpError

SOCKETS_END_S: Final = 5
"""After the drain: how long sockets may take to close before they are cut."""
LISTEN_BACKLOG: Final = 2048
REQUEST_HEAD_S: Final = 20.0
"""How long the head of a request may take; a slow line sends it whole in a second or two."""


class BoundedHttpProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1 that closes who opens a connection and does not ask for anything.

    Uvicorn itself bounds only the quiet after an answer; whoever dribbles a head would hold a
    connection, and with thousands of them the server, for ever.
    """

    request_head_s: float = REQUEST_HEAD_S
    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, and wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; from the end of a head on, the routes bound what they wait for."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect_head()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(self.request_head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _give_up(self) -> None:
        self._head_due = None
        if not self.transport.is_closing():
            self.transport.close()


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
    """Take a port and take connections on it from now on.

    Raises:
        SetUpError: it cannot be had.
    """
    listener = take_port(host, port)
    begin_listening(listener)
    return listener


def take_port(host: str, port: int) -> socket.socket:
    """Take a port before anything slow starts, so that one in use is said at once.

    Until `begin_listening` connections are refused: who stands in front of several services then asks
    another one, and does not wait for this one to have started.

    Raises:
        SetUpError: it cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise _no_such_address(host) from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRNOTAVAIL:
            raise _no_such_address(host) from exc
        raise _port_in_use(host, port, exc) from exc
    return listener


def begin_listening(listener: socket.socket) -> None:
    """Take connections on a port that was taken.

    Raises:
        SetUpError: somebody else began to listen there since; Linux lets two take a port, and one
            listen.
    """
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(LISTEN_BACKLOG)
    except OSError as exc:
        listener.close()
        raise _port_in_use(host, port, exc) from exc


def _port_in_use(host: str, port: int, error: OSError) -> SetUpError:
    why = {errno.EADDRINUSE: "taken", errno.EACCES: "forbidden"}.get(error.errno or 0)
    return SetUpError(
        "setup.port_in_use",
        f"port {port} on {host} cannot be opened ({error.strerror}); choose another with --port",
        port=port,
        reason=error.strerror,
        why=why,
    )


def _no_such_address(host: str) -> SetUpError:
    return SetUpError(
        "setup.no_such_address", f"{host} is not an address of this machine", host=host
    )


def http_config(app: FastAPI) -> uvicorn.Config:
    """Give the settings of the HTTP server."""
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        lifespan="on",  # what routers keep open: service.polishing
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
