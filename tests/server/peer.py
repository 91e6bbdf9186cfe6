"""A client that does exactly what a test tells it to, one message at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from service.dictation import wire

T = TypeVar("T")
PATIENCE_S = 20.0


class Peer:
    """One connection. Everything received is kept in `seen`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[wire.ServerMessage] = []

    async def start(self, **fields: Any) -> wire.Ready:
        await self.send(wire.Start(**{"language": "ru", **fields}))
        return await self.until(wire.Ready)

    async def send(self, message: wire.ClientMessage | bytes | str) -> None:
        if isinstance(message, bytes | str):
            await self.connection.send(message)
        else:
            await self.connection.send(wire.encode(message))

    async def say(self, pcm: bytes, *, message_bytes: int = 16_000) -> None:
        for first in range(0, len(pcm), message_bytes):
            await self.connection.send(pcm[first : first + message_bytes])

    async def receive(self) -> wire.ServerMessage:
        async with asyncio.timeout(PATIENCE_S):
            data = await self.connection.recv()
        message = wire.decode_server(data)
        self.seen.append(message)
        return message

    async def until(self, kind: type[T]) -> T:
        while True:
            message = await self.receive()
            if isinstance(message, kind):
                return message

    async def closed(self) -> int:
        """Read until the server closes; give the close code."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed:
            return self.connection.close_code or 1006

    def of(self, kind: type[T]) -> list[T]:
        return [message for message in self.seen if isinstance(message, kind)]

    def drop(self) -> None:
        """Cut the connection as a dead network does: no closing handshake."""
        self.connection.transport.abort()


@asynccontextmanager
async def peer(
    url: str, *, subprotocol: str = wire.SUBPROTOCOL, **options: Any
) -> AsyncIterator[Peer]:
    address = url.replace("http://", "ws://") + "/v1/stream"
    async with connect(
        address,
        subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
        ping_interval=None,
        close_timeout=2,
        **options,
    ) as connection:
        yield Peer(connection)
