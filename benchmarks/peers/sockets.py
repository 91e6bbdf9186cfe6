"""WebSockets as the adapters use them: no compression, no pings, errors as one kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from benchmarks.contestants import BrokenOff, LiveTake, TurnedAway

OPEN_TIMEOUT_S = 20.0
HTTP_TRY_LATER = frozenset({429, 503})


@asynccontextmanager
async def opened(url: str, subprotocol: str | None = None) -> AsyncIterator[ClientConnection]:
    """Open a socket for one take.

    Raises:
        TurnedAway: the handshake was answered with 429 or 503.
        BrokenOff: the socket could not be opened or broke.
    """
    try:
        async with connect(
            url,
            subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=2.0,
            max_size=2**22,
            proxy=None,
        ) as socket:
            yield socket
    except InvalidStatus as answer:
        if answer.response.status_code in HTTP_TRY_LATER:
            seconds = answer.response.headers.get("Retry-After")
            raise TurnedAway(float(seconds) * 1000 if seconds else None) from answer
        raise BrokenOff(f"handshake answered {answer.response.status_code}") from answer
    except (WebSocketException, OSError) as error:
        raise BrokenOff(type(error).__name__) from error


@asynccontextmanager
async def sending(
    socket: ClientConnection, live: LiveTake, *, ending: str | bytes | None
) -> AsyncIterator[asyncio.Event]:
    """Send the take's frames, then `ending`, beside the block that listens.

    Gives an event that is set when everything was sent. A socket that breaks is noticed by the
    block; leaving the block stops the sending.
    """
    sent = asyncio.Event()

    async def send() -> None:
        try:
            async for frame in live.frames():
                await socket.send(frame)
            if ending is not None:
                await socket.send(ending)
        except WebSocketException:
            return  # the listener meets the same closed socket and reports it
        sent.set()

    try:
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(send())
            try:
                yield sent
            finally:
                sender.cancel()
    except ExceptionGroup as errors:  # only the block can fail: `send` meets its own errors
        raise errors.exceptions[0] from None
