"""A whole server with the scripted recogniser, to be watched."""

from tests.server.conftest import server, start_server
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["database_url", "postgres_dsn", "server", "start_server"]
