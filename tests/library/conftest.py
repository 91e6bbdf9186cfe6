"""Fixtures of the library: a real PostgreSQL, and a whole server with the scripted recogniser."""

import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from service.storage.opening import Storage
from tests.server.conftest import StartServer, server, start_server
from tests.storage.fixtures import MASTER, database_url, postgres_dsn, storage

__all__ = ["database_url", "postgres_dsn", "server", "start_server", "storage"]


@pytest.fixture
async def http_beside_storage(
    storage: Storage, start_server: StartServer
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server on the database that the test has at hand as `storage`."""
    key = base64.b64encode(MASTER.current.secret).decode()
    async with (
        start_server(master_key=SecretStr(key)) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20) as client,
    ):
        yield client
