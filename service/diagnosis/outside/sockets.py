"""Whether the socket opens through whatever stands in front of the server, and for whom."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from service.client.stream import stream_address
from service.diagnosis.finding import Finding, fail, ok, warn
from service.diagnosis.outside.target import PATIENCE_S, Target, context
from service.dictation import wire
from service.dictation.sessions import HEARTBEAT_S
from service.problems import ProtocolError

_LATE_S: Final = 3.0
"""Later than this a heartbeat was held back on its way, or the server is badly behind."""


@asynccontextmanager
async def opened(
    target: Target, *, token: str | None, is_verified: bool
) -> AsyncIterator[ClientConnection]:
    """Open a socket; OSError, TimeoutError and WebSocketException say why it did not."""
    async with connect(
        stream_address(target.url),
        subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
        additional_headers={"Authorization": f"Bearer {token}"} if token else None,
        ssl=context(is_verified=is_verified) if target.is_encrypted else None,
        compression=None,
        proxy=None,
        ping_interval=None,
        open_timeout=PATIENCE_S,
        close_timeout=2,
    ) as socket:
        yield socket


async def check_refusal(target: Target, *, is_verified: bool) -> Finding:
    """See that the socket opens, speaks our protocol, and turns a stranger away properly."""
    try:
        async with opened(target, token=None, is_verified=is_verified) as socket:
            if socket.subprotocol != wire.SUBPROTOCOL:
                return fail("socket", "outside.socket_protocol")
            await socket.send(wire.encode(wire.Start()))
            async with asyncio.timeout(PATIENCE_S):
                said = wire.decode_server(await socket.recv())
                if isinstance(said, wire.Ready):
                    await socket.send(wire.encode(wire.Cancel()))
                    key = "outside.socket_free_here" if target.is_here else "outside.socket_free"
                    return (ok if target.is_here else fail)("socket", key)
                await socket.wait_closed()
        if socket.close_code == wire.CloseCode.UNAUTHORISED:
            return ok("socket", "outside.socket")
        return warn("socket", "outside.socket_closed", code=socket.close_code)
    except InvalidStatus as exc:
        status = exc.response.status_code
        return fail("socket", "outside.socket_status", status=status)
    except (OSError, TimeoutError, WebSocketException, ProtocolError) as exc:
        return fail("socket", "outside.socket_failed", kind=type(exc).__name__)


async def check_heartbeat(target: Target, token: str) -> Finding:
    """See that what the server says on a quiet socket comes at once, and is held back by nobody."""
    try:
        async with (
            opened(target, token=token, is_verified=True) as socket,
            asyncio.timeout(4 * HEARTBEAT_S + PATIENCE_S),
        ):
            await socket.send(wire.encode(wire.Start(partials=False)))
            came: list[float] = []
            while len(came) < 3:
                said = wire.decode_server(await socket.recv())
                if isinstance(said, wire.ErrorMessage):
                    return fail("heartbeat", "outside.socket_told", code=said.code)
                if isinstance(said, wire.Heartbeat):
                    came.append(time.monotonic())
            await socket.send(wire.encode(wire.Cancel()))
            await socket.wait_closed()
    except TimeoutError:
        return fail("heartbeat", "outside.heartbeat_none")
    except (OSError, WebSocketException, ProtocolError) as exc:
        return fail("heartbeat", "outside.socket_failed", kind=type(exc).__name__)
    pauses = [later - earlier for earlier, later in pairwise(came)]
    worst = max(abs(pause - HEARTBEAT_S) for pause in pauses)
    if worst > _LATE_S:
        return warn("heartbeat", "outside.heartbeat_late", seconds=round(worst, 1))
    return ok("heartbeat", "outside.heartbeat")
