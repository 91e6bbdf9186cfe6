"""Services as they are deployed: processes of their own on one PostgreSQL."""

from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["database_url", "postgres_dsn"]
