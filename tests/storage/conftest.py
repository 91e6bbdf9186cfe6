from tests.storage.fixtures import data_folder, database_url, postgres_dsn

__all__ = ["data_folder", "database_url", "postgres_dsn"]
