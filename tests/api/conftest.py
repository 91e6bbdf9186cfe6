from tests.accounts.conftest import admin, boris, nobody, server
from tests.server.conftest import start_server
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = [
    "admin",
    "boris",
    "database_url",
    "nobody",
    "postgres_dsn",
    "server",
    "start_server",
]
