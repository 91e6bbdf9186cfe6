"""A whole server with the scripted recogniser, and a client that uploads."""

from tests.server.conftest import server, start_server
from tests.storage.fixtures import database_url, postgres_dsn, storage

__all__ = ["database_url", "postgres_dsn", "server", "start_server", "storage"]
