"""A whole server with the scripted recogniser: real sockets, processes and PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.app import RunningServer, running_server
from service.settings import Settings
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["database_url", "postgres_dsn"]

StartServer = Callable[..., AbstractAsyncContextManager[RunningServer]]


@pytest.fixture
def start_server(database_url: str, tmp_path: Path) -> StartServer:
    """Start a server on this test's database; call it again for the same server restarted."""

    def start(**changes: object) -> AbstractAsyncContextManager[RunningServer]:
        settings = Settings(
            **{
                "port": 0,
                "engine": "scripted",
                "lanes": 2,
                "punctuation": "off",  # scripted texts are no Russian
                "data_dir": tmp_path,
                "database_url": SecretStr(database_url),
                "drain_s": 5.0,
                **changes,
            }
        )
        return running_server(settings)

    return start


@pytest.fixture
async def server(start_server: StartServer) -> AsyncIterator[RunningServer]:
    """A server with the default settings, ready."""
    async with start_server() as running:
        await running.wait_ready(30)
        yield running
