"""A peer's connection to NATS over a network that breaks."""

import asyncio
from contextlib import suppress
from pathlib import Path

from benchmarks.fault_links import FaultLinks, link_to
from tests.workers.conftest import until
from tests.workers.nats_server import NatsServer
from workers.queues.nats.access import NatsAccess
from workers.queues.nats.link import Link, LinkFailed


async def test_a_connection_reset_while_much_is_said_is_made_again(tmp_path: Path) -> None:
    nats = NatsServer(tmp_path)
    nats.start()
    line = link_to("line", nats.port)
    heard: list[bytes] = []

    async def hear(message: bytes) -> None:
        heard.append(message)

    async def go_on_talking(link: Link) -> None:
        while True:
            with suppress(LinkFailed):
                await link.tell("peers", b"how are you?")
            await asyncio.sleep(0)

    try:
        async with FaultLinks([line]) as links, asyncio.TaskGroup() as group:
            link = Link(NatsAccess(urls=(f"nats://127.0.0.1:{line.port}",)), role="peer")
            link.answer("peers", hear)
            connected = asyncio.Event()
            tasks = [group.create_task(link.run(connected))]
            await connected.wait()
            tasks += [group.create_task(go_on_talking(link)) for _ in range(40)]
            for _ in range(3):
                await until(lambda: len(heard) > 1000)
                await links.reset(["line"])
                heard.clear()
            await until(lambda: len(heard) > 1000)
            for task in tasks:
                task.cancel()
    finally:
        nats.stop()
