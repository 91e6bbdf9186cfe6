"""A whole server with the scripted recogniser, to be looked at from outside."""

from tests.server.conftest import start_server
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["database_url", "postgres_dsn", "start_server"]
