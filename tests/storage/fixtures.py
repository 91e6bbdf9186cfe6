"""Fixtures with a real PostgreSQL, for every area's conftest to import.

`postgres_dsn` and `database_url` are a server to connect to; `data_folder` (with `made_cluster` and
`new_data_folder`, which it needs) is for an embedded one.
"""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.storage.cluster import Cluster
from service.storage.embedded import EmbeddedPostgres
from service.storage.encryption.master import MasterKeys
from service.storage.migrate import migrate
from service.storage.opening import Storage, open_storage
from service.storage.postgres import Patience
from service.storage.transcripts import PostgresTranscripts

MASTER = MasterKeys([bytes(range(32))])


@asynccontextmanager
async def open_transcripts(
    url: str | None, folder: Path, *, patience: Patience | None = None
) -> AsyncIterator[PostgresTranscripts]:
    """The store of transcripts alone."""
    async with open_storage(url, folder, master=MASTER, patience=patience) as storage:
        yield storage.transcripts


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    """The whole storage, on an empty database."""
    async with open_storage(database_url, Path("/nonexistent"), master=MASTER) as storage:
        yield storage


@pytest.fixture
def new_data_folder() -> Iterator[Path]:
    """An empty data folder for an embedded database.

    Not pytest's tmp_path: run by root, the database's account must be able to pass through to it,
    and pytest closes its folders to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """An embedded database's files before its first start: making them takes seconds."""
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-test-"))
    Cluster(folder / "postgres").prepare()
    yield folder / "postgres"
    shutil.rmtree(folder)


@pytest.fixture
def data_folder(new_data_folder: Path, made_cluster: Path) -> Path:
    """A data folder with an embedded database that was never started."""
    subprocess.run(["cp", "-a", str(made_cluster), str(new_data_folder)], check=True)
    return new_data_folder


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


async def new_user(dsn: str) -> UUID:
    """Make another user; where the schema is not there yet it is made first."""
    await migrate(dsn)
    user = uuid4()
    await _execute(dsn, f"INSERT INTO users (id) VALUES ('{user}')")
    return user


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(statement, timeout=30)
    finally:
        await connection.close(timeout=10)
