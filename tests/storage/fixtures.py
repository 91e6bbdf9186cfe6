"""Fixtures with a real PostgreSQL, for every area's conftest to import.

from tests.storage.fixtures import data_folder, database_url, postgres_dsn  # noqa: F401
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from service.storage.embedded import EmbeddedPostgres


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A data folder for an embedded database.

    Not pytest's tmp_path: run by root, the database's account must be able to pass through to it,
    and pytest closes its folders to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A server of its own for this run of the tests; ended by its process id afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-test-"))
    server = EmbeddedPostgres(folder)
    try:
        yield server.enter()
    finally:
        server.leave()
        shutil.rmtree(folder)


@pytest.fixture
async def database_url(postgres_dsn: str) -> AsyncIterator[str]:
    """An empty database on that server."""
    name = f"test_{uuid4().hex}"
    parts = urlsplit(postgres_dsn)
    owner = urlunsplit(parts._replace(netloc="postgres@", path="/postgres"))
    await _execute(owner, f"CREATE DATABASE {name} OWNER alfavoice")
    yield urlunsplit(parts._replace(path=f"/{name}"))
    await _execute(owner, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(statement, timeout=30)
    finally:
        await connection.close(timeout=10)
