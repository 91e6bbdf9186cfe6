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
