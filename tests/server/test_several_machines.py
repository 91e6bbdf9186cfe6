"""A service that recognises nothing itself, a worker, and NATS between them."""

import asyncio
from pathlib import Path

import pytest

from service.recogniser import worker
from service.settings import Settings
from tests.server.conftest import StartServer
from tests.server.test_dictation import dictate
from tests.workers.nats_server import NatsServer

pytestmark = pytest.mark.postgres


async def test_dictation_is_recognised_and_finished_by_a_worker(
    start_server: StartServer, tmp_path: Path
) -> None:
    nats = NatsServer(tmp_path)
    nats.start()
    stop = asyncio.Event()
    settings = Settings(
        engine="scripted", lanes=2, punctuation="off", data_dir=tmp_path, nats_url=nats.url
    )
    try:
        async with (
            start_server(queue="nats", nats_url=nats.url) as server,
            asyncio.TaskGroup() as group,
        ):
            assert not server.workers.ready()
            group.create_task(
                worker(settings, stop=stop, hurry=asyncio.Event(), announce=lambda: None)
            )
            await server.wait_ready(60)
            seen = await dictate(server.url)
            models = {engine.model for engine in server.workers.descriptions}
            stop.set()
    finally:
        nats.stop()

    assert seen[-1].text
    assert models == {"scripted"}
