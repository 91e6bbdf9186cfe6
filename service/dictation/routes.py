"""The route of the stream socket, and which web pages may open it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from service.dictation.socket import WRITE_TIMEOUT_S, StreamSocket
from service.dictation.wire import CloseCode, ErrorMessage, encode

if TYPE_CHECKING:
    from service.parts import Parts

log = structlog.get_logger()


def origin_check(allowed: tuple[str, ...]) -> Callable[[str | None, str | None], bool]:
    """Make the check of a socket's `Origin`: programs send none, pages only those we know.

    A page of the server itself is known if its address is `localhost` or a number: a name could be
    anybody's, pointed at this machine to get past the browser (DNS rebinding).

    Args:
        allowed: origins besides, such as `https://dictate.example.org`.
    """

    def is_allowed(origin: str | None, host: str | None) -> bool:
        if origin is None:
            return True
        if origin in allowed:
            return True
        address = urlsplit(origin)
        return address.netloc == host and _is_no_name(address.hostname or "")

    return is_allowed


def _is_no_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def stream_route(parts: "Parts") -> APIRouter:
    """Make the router with `/v1/stream`."""
    router = APIRouter()
    origin_is_allowed = origin_check(parts.settings.allowed_origins)

    @router.websocket("/v1/stream")
    async def stream(websocket: WebSocket) -> None:
        socket = StreamSocket(
            websocket,
            sessions=parts.sessions,
            gate=parts.gate,
            limits=parts.limits,
            metrics=parts.metrics,
            origin_is_allowed=origin_is_allowed,
        )
        try:
            await socket.serve()
        except* Exception:
            # The session lives on and is resumed; a socket that broke must not end the server.
            log.exception("socket_failed")
            await _say_failed(websocket)

    return router


async def _say_failed(websocket: WebSocket) -> None:
    error = ErrorMessage(
        code="server.failed",
        message="the server failed on this connection; resume the session",
        retryable=True,
        retry_after_ms=1_000,
    )
    with suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await websocket.send_text(encode(error))
            await websocket.close(CloseCode.INTERNAL)
