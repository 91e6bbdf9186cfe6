"""A server that cannot go on ends whole, and says why."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from service.app import running_server
from service.parts import Parts
from service.settings import Settings

pytestmark = pytest.mark.postgres


class WorkEnded(Exception):
    """What the work beside the routes raises here."""


async def end(_parts: Parts) -> None:
    raise WorkEnded


async def end_once_it_serves(parts: Parts) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", parts.settings.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                raise WorkEnded


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.parametrize("work", [end, end_once_it_serves])
def test_work_that_ends_in_an_error_ends_the_server_and_frees_its_port(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Any
) -> None:
    uvloop = pytest.importorskip("uvloop")
    monkeypatch.setattr("service.routing._BACKGROUND", (work,))
    settings = Settings(
        port=free_port(),
        engine="scripted",
        data_dir=tmp_path,
        database_url=SecretStr(database_url),
        drain_s=1,
    )

    async def run() -> None:
        with pytest.raises(BaseExceptionGroup) as caught:
            async with running_server(settings):
                await asyncio.Event().wait()
        assert caught.group_contains(WorkEnded)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", settings.port)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
