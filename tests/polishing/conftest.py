"""Fixtures of polishing: a whole server with the scripted recogniser."""

from tests.accounts.conftest import admin, boris, nobody
from tests.server.conftest import start_server
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["admin", "boris", "database_url", "nobody", "postgres_dsn", "start_server"]
