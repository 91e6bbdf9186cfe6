"""What changing keys needs: one run at a time, in batches, gone on with after an interruption."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.problems import SetUpError
from service.storage.postgres import Patience, one_connection
from service.storage.statements import statements

_LOCK: Final = int.from_bytes(b"alfakeys")
_sql: Final = statements("keys")


@asynccontextmanager
async def only_rotation(dsn: str) -> AsyncIterator[None]:
    """Be the only process that changes keys of this database.

    Raises:
        SetUpError: `setup.keys_busy`, another one does.
        StoreUnavailable: the database does not answer.
    """
    async with one_connection(dsn, patience=Patience(), limit_s=30.0) as connection:
        if not await connection.fetchval(_sql["lock_rotation"], _LOCK):
            raise SetUpError(
                "setup.keys_busy",
                "another `alfavoice keys` is changing keys of this database: wait for its end",
            )
        yield  # the lock ends with the connection
