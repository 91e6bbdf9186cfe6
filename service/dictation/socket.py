"""`/v1/stream`: read a message, hand it on, write what comes back. Decides nothing about speech."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from service.accounts.gate import Gate
from service.accounts.principal import Scope
from service.dictation.live import LiveSession
from service.dictation.outgoing import Closing, Outgoing
from service.dictation.outputs import SpeechStarted, SpeechStopped
from service.dictation.sessions import Sessions
from service.dictation.wire import (
    MAX_AUDIO_BYTES,
    SUBPROTOCOL,
    Cancel,
    ClientMessage,
    CloseCode,
    ErrorMessage,
    Finish,
    Limits,
    MarkerRequest,
    ServerMessage,
    Start,
    decode_client,
    encode,
)
from service.operations.admission import RETRY_WHEN_DRAINING_MS
from service.operations.metrics import DictationMetrics
from service.operations.problem_json import answer
from service.problems import (
    ProtocolError,
    Refused,
    RequestRefused,
    ServiceError,
    StoreUnavailable,
)

log = structlog.get_logger()

START_TIMEOUT_S: Final = 10.0
"""An open socket that says nothing costs memory: this long until its `start`."""
WRITE_TIMEOUT_S: Final = 20.0
"""A client that reads nothing for this long is gone; it will resume."""


class _Gone(Exception):
    """The peer closed the socket."""


class StreamSocket:
    """One WebSocket, from `accept` to its close code."""

    def __init__(
        self,
        websocket: WebSocket,
        *,
        sessions: Sessions,
        gate: Gate,
        limits: Limits,
        metrics: DictationMetrics,
        origin_is_allowed: Callable[[str | None, str | None], bool],
    ) -> None:
        self._websocket = websocket
        self._sessions = sessions
        self._gate = gate
        self._limits = limits
        self._metrics = metrics
        self._origin_is_allowed = origin_is_allowed
        self._outgoing = Outgoing()
        self._live: LiveSession | None = None

    async def serve(self) -> None:
        """Speak the protocol until either side closes."""
        await self._sessions.turnstile.turn()
        websocket = self._websocket
        headers = websocket.headers
        if not self._origin_is_allowed(headers.get("origin"), headers.get("host")):
            await websocket.close(CloseCode.FORBIDDEN)
            return
        if self._sessions.is_draining:
            # Before the upgrade a proxy can still ask another server; after it only the client can.
            await self._turn_away()
            return
        if SUBPROTOCOL not in websocket.scope.get("subprotocols", []):
            # Accepted first: browsers show a close code only of a socket that opened.
            await websocket.accept()
            self._refuse("protocol.wrong_subprotocol", f"ask for the subprotocol {SUBPROTOCOL}")
            await self._write()
            return
        await websocket.accept(subprotocol=SUBPROTOCOL)
        self._metrics.sockets.inc()
        try:
            await self._read_and_write()
        finally:
            self._metrics.sockets.dec()
            if self._live:
                self._live.detach(self._outgoing)

    async def _turn_away(self) -> None:
        retry_after = str(RETRY_WHEN_DRAINING_MS // 1000)
        message = "the server is restarting; connect again"
        with suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._websocket.send_denial_response(
                    answer(503, "server.draining", message, headers={"Retry-After": retry_after})
                )

    async def _read_and_write(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read())
            await self._write()
            reader.cancel()

    async def _write(self) -> None:
        try:
            while True:
                item = await self._outgoing.next()
                if isinstance(item, Closing):
                    if item.error:
                        await self._send(item.error)
                    async with asyncio.timeout(WRITE_TIMEOUT_S):
                        await self._websocket.close(item.code)
                    return
                if not isinstance(item, SpeechStarted | SpeechStopped):  # not asked for here
                    await self._send(item)
        except (WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            # Starlette raises RuntimeError for a send after the close; either way nobody listens.
            return

    async def _send(self, message: ServerMessage) -> None:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await self._websocket.send_text(encode(message))

    async def _read(self) -> None:
        """Turn every way of reading into one way of closing."""
        try:
            await self._open()
            while not self._outgoing.is_closed:
                await self._take(await self._receive(self._patience_s()))
        except _Gone:
            self._outgoing.close(CloseCode.NORMAL)
        except TimeoutError:
            self._close_idle()
        except ProtocolError as exc:
            too_big = exc.code in {"protocol.message_too_long", "protocol.audio_too_long"}
            code = CloseCode.MESSAGE_TOO_BIG if too_big else CloseCode.PROTOCOL_ERROR
            self._refuse(exc.code, exc.message, close_code=code)
        except Refused as exc:
            self._refuse(
                exc.code,
                exc.message,
                close_code=CloseCode(exc.close_code),
                retryable=exc.retry_after_ms is not None,
                retry_after_ms=exc.retry_after_ms,
            )
        except RequestRefused as exc:
            self._refuse(
                exc.code,
                exc.message,
                close_code=_close_code(exc.status),
                retryable=exc.retry_after_s is not None,
                retry_after_ms=exc.retry_after_s and 1000 * exc.retry_after_s,
            )
        except StoreUnavailable as exc:
            self._refuse(
                exc.code,
                exc.message,
                close_code=CloseCode.OVERLOADED,
                retryable=True,
                retry_after_ms=2_000,
            )
        except ServiceError as exc:
            self._refuse(exc.code, exc.message, close_code=CloseCode.INTERNAL, retryable=True)

    async def _open(self) -> None:
        message = await self._receive(START_TIMEOUT_S)
        if not isinstance(message, Start):
            raise ProtocolError("protocol.start_expected", "the first message must be `start`")
        principal = await self._gate.admit(self._websocket, Scope.DICTATE)
        self._live, received = await self._sessions.open(
            message, principal=principal, outgoing=self._outgoing, limits=self._limits
        )
        log.info(
            "socket_attached",
            session=self._live.id,
            received=received,
            encoding=message.audio.encoding,
            sample_rate=message.audio.sample_rate,
        )

    async def _receive(self, timeout_s: float | None) -> ClientMessage | bytes:
        async with asyncio.timeout(timeout_s):
            event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise _Gone
        data = event.get("bytes")
        if data is None:
            return decode_client(event.get("text") or "")
        if len(data) > MAX_AUDIO_BYTES:
            raise ProtocolError(
                "protocol.audio_too_long", f"binary messages end at {MAX_AUDIO_BYTES} bytes"
            )
        return bytes(data)

    async def _take(self, message: ClientMessage | bytes) -> None:
        live = self._live
        assert live  # noqa: S101 - `_open` comes first
        if isinstance(message, bytes):
            # The back-pressure: while the session has no room this socket is not read.
            await live.room()
        if not live.is_attached(self._outgoing):
            return  # taken over meanwhile: the newer connection sends these samples again
        match message:
            case bytes():
                self._check_length(live)
                live.take_audio(message)
            case Finish(samples=samples):
                live.take_finish(samples)
            case MarkerRequest(id=marker):
                live.take_marker(marker)
            case Cancel():
                await self._sessions.cancel(live)
                self._outgoing.close(CloseCode.NORMAL)
            case Start():
                raise ProtocolError("protocol.start_repeated", "`start` comes once a socket")

    def _check_length(self, live: LiveSession) -> None:
        if live.audio.received > self._limits.max_session_s * live.audio.format.sample_rate:
            raise ProtocolError(
                "session.too_long",
                f"a session is at most {self._limits.max_session_s:.0f} s of audio; send `finish` "
                "and start another",
            )

    def _patience_s(self) -> float | None:
        """Give the longest wait for a message; a client that said `finish` has nothing to say."""
        return None if self._live and self._live.is_finishing else self._limits.idle_s

    def _close_idle(self) -> None:
        self._refuse(
            "session.idle",
            "no message came for too long; resume the session",
            close_code=CloseCode.IDLE,
            retryable=True,
            retry_after_ms=0,
        )

    def _refuse(
        self,
        code: str,
        message: str,
        *,
        close_code: CloseCode = CloseCode.PROTOCOL_ERROR,
        retryable: bool = False,
        retry_after_ms: int | None = None,
    ) -> None:
        self._outgoing.close(
            close_code,
            ErrorMessage(
                code=code, message=message, retryable=retryable, retry_after_ms=retry_after_ms
            ),
        )


def _close_code(status: int) -> CloseCode:
    """Give the close code that means what an HTTP status means."""
    codes = {
        401: CloseCode.UNAUTHORISED,
        403: CloseCode.FORBIDDEN,
        429: CloseCode.TOO_MANY_SESSIONS,
    }
    return codes.get(status, CloseCode.PROTOCOL_ERROR)
