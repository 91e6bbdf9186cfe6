"""A WebSocket as an adapter needs it: messages in, text out, a close that never fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

import structlog
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from service.accounts.origins import origin_check
from service.compat.conversing import Ending
from service.dictation.sessions import Sessions
from service.dictation.wire import CloseCode
from service.operations.admission import RETRY_WHEN_DRAINING_MS
from service.problems import Refused, RequestRefused

log = structlog.get_logger()

FAILED: Final = Ending(code=1011, reason="the server failed on this connection")
WRITE_TIMEOUT_S: Final = 20.0
"""A client that reads nothing for this long is gone."""
_LONGEST_REASON_BYTES: Final = 123
"""RFC 6455 section 5.5: a control frame carries 125 bytes, 2 of them the code."""
_FAILURES: Final = (WebSocketDisconnect, RuntimeError, OSError, TimeoutError)
"""Starlette raises RuntimeError for a send after the close; either way nobody listens."""


class Gone(Exception):
    """The peer closed the socket, or does not read from it."""


class Socket(Protocol):
    """One accepted connection."""

    async def receive(self, timeout_s: float) -> str | bytes:
        """Wait for the next message.

        Raises:
            Gone: there is none.
            TimeoutError: it does not come in time.
        """
        ...

    async def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            Gone: nobody reads it.
        """
        ...

    async def close(self, ending: Ending) -> None:
        """Close; a peer that is gone already is no error."""
        ...


class AsgiSocket:
    """A `Socket` of this server's own HTTP port."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self, timeout_s: float) -> str | bytes:
        """Wait for the next message."""
        async with asyncio.timeout(timeout_s):
            event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        data = event.get("bytes")
        return str(event.get("text") or "") if data is None else bytes(data)

    async def send(self, text: str) -> None:
        """Send a text message."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._websocket.send_text(text)
        except _FAILURES as exc:
            raise Gone from exc

    async def close(self, ending: Ending) -> None:
        """Close the connection."""
        with suppress(*_FAILURES):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._websocket.close(ending.code, close_reason(ending.reason))


def close_reason(reason: str) -> str:
    """Cut a reason to what a close frame carries."""
    return reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")


def check_origin(websocket: WebSocket, *, allowed: tuple[str, ...]) -> None:
    """Let in programs, and pages we know.

    Raises:
        RequestRefused: `auth.forbidden`.
    """
    headers = websocket.headers
    if not origin_check(allowed)(headers.get("origin"), headers.get("host")):
        raise RequestRefused("auth.forbidden", "this page may not open the socket", status=403)


def check_not_draining(sessions: Sessions) -> None:
    """Refuse while the server stops: before the upgrade a proxy can still ask another server.

    Raises:
        Refused: `server.draining`.
    """
    if sessions.is_draining:
        raise Refused(
            "server.draining",
            "the server is restarting; connect again",
            close_code=CloseCode.DRAINING,
            retry_after_ms=RETRY_WHEN_DRAINING_MS,
        )


async def deny(websocket: WebSocket, response: Response) -> None:
    """Answer the request for a socket with an ordinary HTTP answer, such as 401."""
    if websocket.application_state is not WebSocketState.CONNECTING:
        await AsgiSocket(websocket).close(FAILED)  # too late to answer: it was accepted
        return
    with suppress(*_FAILURES):
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await websocket.send_denial_response(response)


@asynccontextmanager
async def unbreakable(websocket: WebSocket) -> AsyncIterator[None]:
    """Have a bug on one connection end that connection, and nothing else."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - the loop of one socket, as in `service.dictation.routes`
        # The exception's words may carry what was said: only its kinds are logged.
        log.error("socket_failed", kinds=sorted(_kinds(exc)))  # noqa: TRY400
        await deny(websocket, JSONResponse({"code": "server.failed"}, status_code=500))


def _kinds(error: BaseException) -> set[str]:
    if isinstance(error, BaseExceptionGroup):
        return set().union(*(_kinds(one) for one in error.exceptions))
    return {type(error).__name__}
