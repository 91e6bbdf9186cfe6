"""Open the storage: start or find the database, bring it up to date, find the keys."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service.storage.embedded import embedded_postgres
from service.storage.encryption.keys import UserKeys
from service.storage.encryption.master import MasterKeys
from service.storage.migrate import migrate
from service.storage.plain_finals import seal_plain_finals
from service.storage.postgres import Patience, Postgres, open_postgres
from service.storage.transcripts import PostgresTranscripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The database and the keys to what is in it."""

    dsn: str
    """For connections of one's own, such as the one that listens for notifications."""
    postgres: Postgres
    keys: UserKeys
    transcripts: PostgresTranscripts


@asynccontextmanager
async def open_storage(
    database_url: str | None,
    data_dir: Path,
    *,
    master: MasterKeys,
    patience: Patience | None = None,
) -> AsyncIterator[Storage]:
    """Open the storage, with its schema up to date and everything in it sealed.

    Args:
        database_url: a PostgreSQL server; None: the embedded one in the data folder.
        data_dir: the data folder.
        master: the keys that wrap the keys of users.
        patience: how long to wait for the database; None: the defaults.

    Raises:
        SetUpError: `setup.*`, a person must put something right.
        StoreUnavailable: the server does not answer.
    """
    async with AsyncExitStack() as stack:
        dsn = database_url
        if dsn is None:
            dsn = await stack.enter_async_context(embedded_postgres(data_dir))
        await migrate(dsn, patience=patience)
        postgres = await stack.enter_async_context(open_postgres(dsn, patience=patience))
        keys = UserKeys(postgres, master)
        await keys.check()
        await seal_plain_finals(postgres, keys)
        yield Storage(
            dsn=dsn,
            postgres=postgres,
            keys=keys,
            transcripts=PostgresTranscripts(postgres, keys),
        )
