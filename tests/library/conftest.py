"""Fixtures of the library: a real PostgreSQL, and a whole server with the scripted recogniser."""

from tests.server.conftest import server, start_server
from tests.storage.fixtures import database_url, postgres_dsn, storage

__all__ = ["database_url", "postgres_dsn", "server", "start_server", "storage"]
