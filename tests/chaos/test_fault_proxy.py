"""The network that the proof under failure spoils: what it does to a connection, and what not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.fault_links import FINE, FaultLinks, link_to
from benchmarks.fault_proxy import Weather

LATE_S = 0.3


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """A server that says everything back, and its port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1000):
            writer.write(piece)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Caller:
    """A client of that server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    def say(self, words: bytes) -> None:
        self._writer.write(words)

    async def hears(self, words: bytes) -> bool:
        async with asyncio.timeout(20):
            return await self.reader.readexactly(len(words)) == words

    async def is_left_alone(self) -> bool:
        """Nothing comes, not even an end; a tenth of a second is an age on the loopback."""
        try:
            async with asyncio.timeout(0.1):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    def hang_up(self) -> None:
        self._writer.close()


@asynccontextmanager
async def called() -> AsyncIterator[tuple[FaultLinks, Caller, int]]:
    """A spoilable link to an echo, one connection over it that works, and the link's port."""
    async with echoing() as port:
        plan = link_to("line", port)
        async with FaultLinks([plan]) as links:
            caller = Caller(*await asyncio.open_connection("127.0.0.1", plan.port))
            caller.say(b"hello")
            assert await caller.hears(b"hello")
            yield links, caller, plan.port
            caller.hang_up()


async def test_a_cut_tells_nobody_and_all_of_it_goes_on_afterwards() -> None:
    async with called() as (links, caller, port):
        await links.cut(["line"])
        caller.say(b"anybody?")
        newcomer = Caller(*await asyncio.open_connection("127.0.0.1", port))
        newcomer.say(b"and I?")
        assert await caller.is_left_alone()
        assert await newcomer.is_left_alone()

        await links.mend(["line"])
        assert await caller.hears(b"anybody?")
        assert await newcomer.hears(b"and I?")
        newcomer.hang_up()


async def test_a_forgotten_connection_stays_dead_while_new_ones_work() -> None:
    async with called() as (links, caller, port):
        await links.forget(["line"])
        caller.say(b"anybody?")
        newcomer = Caller(*await asyncio.open_connection("127.0.0.1", port))
        newcomer.say(b"hello")
        assert await newcomer.hears(b"hello")
        assert await caller.is_left_alone()
        newcomer.hang_up()


async def test_a_reset_is_told() -> None:
    async with called() as (links, caller, _):
        await links.reset(["line"])
        with pytest.raises(ConnectionResetError):
            await caller.hears(b"x")


async def test_bad_weather_makes_late_and_loses_nothing() -> None:
    async with called() as (links, caller, _):
        await links.set_weather(["line"], Weather(delay_s=LATE_S, jitter_s=0.1, loss=0.5))
        caller.say(b"slowly")
        assert await caller.is_left_alone()
        assert await caller.hears(b"slowly")

        await links.set_weather(["line"], FINE)
        caller.say(b"again")
        assert await caller.hears(b"again")
