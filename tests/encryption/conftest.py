"""Real PostgreSQL for the tests of encryption."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.storage.fixtures import (
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
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the database's owner."""
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=30)
    yield connection
    await connection.close(timeout=10)
