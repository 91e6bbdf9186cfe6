"""A network that can be spoilt: a TCP proxy whose links are slowed, cut or forgotten on command.

    python -m benchmarks.fault_proxy < commands

Each line of stdin is one command as JSON, each is answered by `ok` on stdout; the program ends with
its input. First `{"links": [{"name", "port", "host", "to"}]}` (`path` instead of `host` and `to`
for a Unix socket) opens the links, then `{"link": name, …}` changes one:

- `"weather": {"delay_s", "jitter_s", "loss"}` — what passes comes late; a lost piece is what TCP makes
  of it, a pause of `RETRANSMIT_S`. `{}` is fine weather.
- `"cut": true` — nothing passes in either direction, not even an end; sockets stay open, new ones are
  taken and hear nothing. `false`: all of it goes on where it stopped, as TCP does.
- `"forget": true` — the connections of this moment are dead for good, as after a router lost its
  table or a machine its memory: neither end is told. What is sent into them vanishes.
- `"reset": true` — the connections of this moment are reset, both ends are told.
"""

import asyncio
import json
import random
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

RETRANSMIT_S: Final = (0.2, 0.6)
"""How late a lost piece comes: TCP's shortest time-out on Linux, and after a second loss."""
_PIECE_BYTES: Final = 65_536
_BACKLOG: Final = 256
_LOOK_AGAIN_S: Final = 0.1
"""Between two looks whether a server that refuses connections takes them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What happens to each piece, in each direction."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """0 to so much is added to the delay."""
    loss: float = 0.0
    """Chance of a piece to be lost and sent again."""

    def lateness(self) -> float:
        """Give by how many seconds a piece comes late."""
        late = self.delay_s + random.uniform(0, self.jitter_s)
        return late + random.uniform(*RETRANSMIT_S) * (random.random() < self.loss)


@dataclass(eq=False, slots=True)
class _Connection:
    ends: tuple[asyncio.StreamWriter, ...] = ()
    is_forgotten: bool = False


class Link:
    """One way from a port of the loopback to a server, taken by any number of connections."""

    def __init__(self, target: dict[str, Any]) -> None:
        """Take `host` and `to` of the server, or the `path` of its socket."""
        self.weather = Weather()
        self._target = target
        self._port = 0
        self._open: set[_Connection] = set()
        self._passable = asyncio.Event()
        self._passable.set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> None:
        """Take connections."""
        self._port = port
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, backlog=_BACKLOG, limit=_PIECE_BYTES
        )

    async def keep_refusing(self) -> None:
        """Refuse connections as a machine does where nothing listens, until something does again."""
        server, self._server = self._server, None
        if server is None:
            return  # it is refused already
        server.close()
        while True:
            await asyncio.sleep(_LOOK_AGAIN_S)
            with suppress(OSError):
                _, writer = await self._reach()
                writer.close()
                break
        await self.listen(self._port)

    def change(self, command: dict[str, Any]) -> None:
        """Do what a command says; see the module."""
        if "weather" in command:
            self.weather = Weather(**command["weather"])
        if command.get("forget"):
            for connection in self._open:
                connection.is_forgotten = True
        if command.get("reset"):
            for connection in [*self._open]:
                for end in connection.ends:
                    _reset(end)
        if "cut" in command:
            if command["cut"]:
                self._passable.clear()
            else:
                self._passable.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection((writer,))
        self._open.add(connection)
        try:
            await self._passable.wait()
            if connection.is_forgotten:
                await _swallow(reader)
                return
            try:
                far_reader, far_writer = await self._reach()
            except OSError:
                _reset(writer)
                await self.keep_refusing()
                return
            connection.ends = writer, far_writer
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(connection, reader, far_writer))
                group.create_task(self._carry(connection, far_reader, writer))
        finally:
            self._open.discard(connection)
            for end in connection.ends:
                end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if "path" in self._target:
            return await asyncio.open_unix_connection(self._target["path"], limit=_PIECE_BYTES)
        return await asyncio.open_connection(
            self._target["host"], self._target["to"], limit=_PIECE_BYTES
        )

    async def _carry(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one direction until its end, and hand the end on too."""
        is_broken = False
        while True:
            try:
                piece = await reader.read(_PIECE_BYTES)
            except OSError:
                piece, is_broken = b"", True
            late_s = self.weather.lateness()
            if late_s:
                await asyncio.sleep(late_s)
            if not connection.is_forgotten:
                await self._passable.wait()
            if connection.is_forgotten:  # perhaps while it waited
                await _swallow(reader)
                return
            with suppress(OSError):
                if is_broken:
                    _reset(writer)
                elif not piece:
                    writer.write_eof()
                else:
                    writer.write(piece)
                    await writer.drain()
                    continue
            if piece:  # it cannot be handed on any more: who sends is told
                for end in connection.ends:
                    _reset(end)
            return


async def _swallow(reader: asyncio.StreamReader) -> None:
    """Take what comes to nobody, until the sender gives up."""
    with suppress(OSError):
        while await reader.read(_PIECE_BYTES):
            pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a machine does that does not know it."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _obey() -> None:
    """Do what stdin says until it ends."""
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    links: dict[str, Link] = {}
    while line := await commands.readline():
        command = json.loads(line)
        for each in command.get("links", ()):
            links[each["name"]] = Link(each)
            await links[each["name"]].listen(each["port"])
        if "link" in command:
            links[command["link"]].change(command)
        print("ok", flush=True)


if __name__ == "__main__":
    asyncio.run(_obey())
