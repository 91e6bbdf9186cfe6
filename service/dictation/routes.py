"""The route of the stream socket, and which web pages may open it."""

from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from fastapi import APIRouter, WebSocket

from service.dictation.sessions import Sessions
from service.dictation.socket import StreamSocket
from service.dictation.wire import CloseCode, Limits
from service.operations.metrics import DictationMetrics

log = structlog.get_logger()


def origin_check(allowed: tuple[str, ...]) -> Callable[[str | None, str | None], bool]:
    """Make the check of a socket's `Origin`: programs send none, pages only those we know.

    Args:
        allowed: origins besides the server's own, such as `https://dictate.example.org`.
    """

    def is_allowed(origin: str | None, host: str | None) -> bool:
        if origin is None:
            return True
        return origin in allowed or (host is not None and urlsplit(origin).netloc == host)

    return is_allowed


def stream_route(
    sessions: Sessions,
    *,
    user: UUID,
    limits: Limits,
    metrics: DictationMetrics,
    allowed_origins: tuple[str, ...],
) -> APIRouter:
    """Make the router with `/v1/stream`."""
    router = APIRouter()
    origin_is_allowed = origin_check(allowed_origins)

    @router.websocket("/v1/stream")
    async def stream(websocket: WebSocket) -> None:
        socket = StreamSocket(
            websocket,
            sessions=sessions,
            user=user,
            limits=limits,
            metrics=metrics,
            origin_is_allowed=origin_is_allowed,
        )
        try:
            await socket.serve()
        except* Exception:
            # The session lives on and is resumed; a socket that broke must not end the server.
            log.exception("socket_failed")
            await websocket.close(CloseCode.INTERNAL)

    return router
