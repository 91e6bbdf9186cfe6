"""A small real server of the protocol, with faults on order.

It "recognises" every second of audio as the number of its loudest sample, so a lost, doubled or
shifted second of audio changes the text.
"""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from service.dictation import wire

RATE = 16_000


def spoken(seconds: int, tail: int = 0) -> bytes:
    """Make audio whose second number n peaks at n + 1, with `tail` samples at the end."""
    samples = np.zeros(seconds * RATE + tail, dtype="<i2")
    for second in range(seconds + bool(tail)):
        samples[second * RATE + 7 if second < seconds else seconds * RATE] = second + 1
    return samples.tobytes()


def heard(pcm: bytes) -> str:
    """Give what the server hears in a whole recording."""
    step = RATE * 2
    return " ".join(
        str(np.frombuffer(pcm[first : first + step], dtype="<i2").max())
        for first in range(0, len(pcm), step)
    )


@dataclass
class Kept:
    """A session as the server remembers it."""

    pcm: bytearray = field(default_factory=bytearray)
    finals: list[wire.Final] = field(default_factory=list)
    finished: bool = False
    takeovers: int = 0


Fault = Callable[["FaultyServer", ServerConnection, str], "asyncio.Future[None] | None"]


class FaultyServer:
    """The protocol's server side, which breaks the connection when told to."""

    def __init__(self) -> None:
        self.url = ""
        self.sessions: dict[str, Kept] = {}
        self.starts: list[wire.Start] = []
        self.headers: list[dict[str, str]] = []
        self.drop_before: set[int] = set()  # message boundaries, counted over all connections
        self.answers: list[wire.ErrorMessage | int] = []  # given to the next starts instead
        self.boundary = 0
        self.sockets: list[ServerConnection] = []
        self.silent = asyncio.Event()  # set: acknowledges nothing
        self.cancelled: list[str] = []
        self.done_message = True

    @asynccontextmanager
    async def running(self):
        async with serve(
            self._talk, "127.0.0.1", 0, subprotocols=[wire.SUBPROTOCOL], compression=None
        ) as server:
            host, port = server.sockets[0].getsockname()
            self.url = f"http://{host}:{port}"
            yield self

    async def _boundary(self, socket: ServerConnection) -> None:
        """Stand between two messages, of either side."""
        self.boundary += 1
        if self.boundary in self.drop_before:
            socket.transport.abort()
            await socket.wait_closed()
            raise ConnectionClosed(None, None)

    async def _say(self, socket: ServerConnection, message: wire.ServerMessage) -> None:
        await self._boundary(socket)
        await socket.send(wire.encode(message))

    async def _talk(self, socket: ServerConnection) -> None:
        try:
            await self._serve(socket)
        except ConnectionClosed:
            return

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        self.headers.append(dict(socket.request.headers.raw_items()))
        start = wire.decode_client(await socket.recv())
        assert isinstance(start, wire.Start)
        self.starts.append(start)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, wire.ErrorMessage):
                await socket.send(wire.encode(answer))
                await socket.close(4400)
            else:
                await socket.close(answer)
            return
        await self._boundary(socket)
        kept = self.sessions.setdefault(start.session, Kept())
        await self._say(
            socket,
            wire.Ready(
                session=start.session,
                received=len(kept.pcm) // 2,
                limits=wire.Limits(
                    max_message_bytes=16_000, max_session_s=60.0, idle_s=60.0, resume_s=60.0
                ),
            ),
        )
        for final in kept.finals:
            if final.end > (start.resume_from or 0):
                await self._say(socket, final)
        while True:
            message = await socket.recv()
            await self._boundary(socket)
            if isinstance(message, bytes):
                assert len(message) <= 16_000
                kept.pcm += message
                await self._hear(socket, kept)
                continue
            asked = wire.decode_client(message)
            if isinstance(asked, wire.Cancel):
                self.cancelled.append(start.session)
                return
            assert isinstance(asked, wire.Finish)
            assert asked.samples == len(kept.pcm) // 2
            kept.finished = True
            await self._hear(socket, kept)
            if self.done_message:
                await self._say(
                    socket,
                    wire.Done(
                        transcript="t",
                        text=" ".join(final.text for final in kept.finals),
                        audio_seconds=len(kept.pcm) / 2 / RATE,
                        finalisation_ms=1.0,
                    ),
                )
                return

    async def _hear(self, socket: ServerConnection, kept: Kept) -> None:
        """Make a final of every whole second, and of the rest once finished."""
        while True:
            start = len(kept.finals) * RATE
            end = min(start + RATE, len(kept.pcm) // 2)
            if end <= start or (end - start < RATE and not kept.finished):
                break
            text = heard(bytes(kept.pcm[start * 2 : end * 2]))
            final = wire.Final(
                utterance=len(kept.finals),
                start=start,
                end=end,
                text=text,
                raw=text,
                words=[],
                language="ru",
            )
            kept.finals.append(final)
            await self._say(socket, final)
        received = len(kept.pcm) // 2
        if not self.silent.is_set():
            stored = kept.finals[-1].end if kept.finals else 0
            await self._say(socket, wire.Ack(received=received, stored=stored))
