"""Databases to back up and to restore into."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from service.storage.opening import Storage
from tests.backup.everything import fill_every_table
from tests.encryption.people import person, say_everything
from tests.storage.fixtures import (
    MASTER,
    data_folder,
    database_url,
    made_cluster,
    new_data_folder,
    postgres_dsn,
    storage,
)

__all__ = [
    "data_folder",
    "database_url",
    "made_cluster",
    "new_data_folder",
    "postgres_dsn",
    "storage",
]


@pytest.fixture
async def empty_url(postgres_dsn: str) -> AsyncIterator[str]:
    """Another empty database, to restore into."""
    name = f"test_{uuid4().hex}"
    parts = urlsplit(postgres_dsn)
    owner = await asyncpg.connect(
        urlunsplit(parts._replace(netloc="postgres@", path="/postgres")), timeout=10
    )
    await owner.execute(f"CREATE DATABASE {name} OWNER alfavoice")
    yield urlunsplit(parts._replace(path=f"/{name}"))
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close(timeout=10)


@pytest.fixture
async def full_url(storage: Storage, database_url: str) -> str:
    """A database with people, their values, and a row in every table; its service runs."""
    for _ in range(3):
        await say_everything(storage, await person(storage.postgres))
    await fill_every_table(database_url)
    return database_url


@pytest.fixture
async def backup(full_url: str, tmp_path: Path) -> Path:
    """A backup of it."""
    from service.storage.backup import make_backup

    await make_backup(full_url, tmp_path / "all.backup", master=MASTER)
    return tmp_path / "all.backup"
