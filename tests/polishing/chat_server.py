"""A small HTTP server that speaks chat completions, and misbehaves as a test tells it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[["Call", asyncio.StreamWriter], Awaitable[None]]
PATIENCE_S = 20.0


@dataclass
class Call:
    """A request as it arrived."""

    target: str
    head: str
    body: bytes

    @property
    def asked(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class ChatServer:
    """Listens on loopback; `behaviour` answers each request and may never return."""

    port: int = 0
    behaviour: Behaviour | None = None
    connections: int = 0
    calls: list[Call] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """The peer closed a connection that still waited for its answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/secret-path/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                text = head.decode("latin-1")
                length = next(
                    (
                        int(line.partition(":")[2])
                        for line in text.splitlines()
                        if line.lower().startswith("content-length:")
                    ),
                    0,
                )
                body = await reader.readexactly(length)
                call = Call(target=text.split()[1], head=text, body=body)
                self.calls.append(call)
                self.arrived.set()
                await self._answer_unless_gone(call, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer_unless_gone(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        assert self.behaviour is not None
        answering = asyncio.ensure_future(self.behaviour(call, writer))
        # The peer sends nothing while it waits: what ends first is the answer or the connection.
        gone = asyncio.ensure_future(reader.read(1))
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        was_waiting = not answering.done()
        for task in (answering, gone):
            task.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)
        if was_waiting:
            self.hung_up.set()
            raise ConnectionError


@asynccontextmanager
async def chat_server(behaviour: Behaviour) -> AsyncIterator[ChatServer]:
    """Serve until the end of the block."""
    chat = ChatServer(behaviour=behaviour)
    server = await asyncio.start_server(chat.serve, "127.0.0.1", 0)
    chat.port = server.sockets[0].getsockname()[1]
    try:
        yield chat
    finally:
        server.close()


def raw(
    body: bytes, *, status: str = "200 OK", length: int | None = None, head: str = ""
) -> Behaviour:
    """Answer with these bytes, and close the connection."""

    async def behave(_: Call, writer: asyncio.StreamWriter) -> None:
        size = len(body) if length is None else length
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{head}Connection: close\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()
        writer.close()

    return behave


def completion(text: str | None, finish_reason: str | None = "stop") -> bytes:
    """The body of an answer, as llama.cpp and vLLM send it."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": finish_reason,
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    ).encode()


def says(text: str | None, finish_reason: str | None = "stop") -> Behaviour:
    """Answer properly, and keep the connection."""

    async def behave(_: Call, writer: asyncio.StreamWriter) -> None:
        body = completion(text, finish_reason)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return behave


async def never(_: Call, __: asyncio.StreamWriter) -> None:
    """Think for ever."""
    await asyncio.Event().wait()


async def drips(_: Call, writer: asyncio.StreamWriter) -> None:
    """Send a byte every few milliseconds, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.005)


async def floods(_: Call, writer: asyncio.StreamWriter) -> None:
    """Send without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def hangs_up(_: Call, writer: asyncio.StreamWriter) -> None:
    """Close without a word."""
    writer.close()
