"""Open the store: start or find the database, bring it up to date, hand out the transcripts."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from service.storage.embedded import embedded_postgres
from service.storage.migrate import migrate
from service.storage.postgres import Patience, open_postgres
from service.storage.transcripts import PostgresTranscripts


@asynccontextmanager
async def open_transcripts(
    database_url: str | None, data_dir: Path, *, patience: Patience | None = None
) -> AsyncIterator[PostgresTranscripts]:
    """Open the store of transcripts, with its schema up to date.

    Args:
        database_url: a PostgreSQL server; None: the embedded one in the data folder.
        data_dir: the data folder.
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
        yield PostgresTranscripts(postgres)
