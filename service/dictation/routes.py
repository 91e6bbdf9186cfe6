"""The route of the stream socket."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from service.accounts.origins import origin_check
from service.dictation.socket import WRITE_TIMEOUT_S, StreamSocket
from service.dictation.wire import CloseCode, ErrorMessage, encode

if TYPE_CHECKING:
    from service.parts import Parts

log = structlog.get_logger()


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
