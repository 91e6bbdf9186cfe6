"""What the history needs done without anybody asking.

What is older than its owner wants it kept is deleted. Transcripts deleted 30 days ago are deleted for
good; of each a row stays by which devices learn of it.
What was said in sessions that never ended properly is made findable.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from service.library.history_entries import KEPT_DAYS
from service.library.retention import expire_history
from service.parts import Parts
from service.problems import ServiceError
from service.storage.items import PostgresItems
from service.storage.postgres import Postgres
from service.storage.statements import statements

_sql: Final = statements("history")
_EVERY_S: Final = 600.0
_BATCH: Final = 200
_ONE_AT_A_TIME: Final = 0x686973746F7279
"""Number of the advisory lock: two services at once would wait for each other's users."""
_LONGEST_SESSION: Final = timedelta(days=2)
"""A session and the time it may be taken up again are a day each at most (settings)."""

log = structlog.get_logger()


async def keep_history(parts: Parts) -> None:
    """Do what is due every ten minutes, until cancelled; what fails is tried again then."""
    postgres = parts.storage.postgres
    items = PostgresItems(postgres, parts.storage.keys)
    since = datetime(1, 1, 2, tzinfo=UTC)  # at first all: the service may have been away for long
    while True:
        try:
            indexed = await index_unfinished(postgres, since=since)
            expired = await expire_history(postgres, items)
            purged = await purge(postgres, after=timedelta(days=KEPT_DAYS))
        except ServiceError as exc:
            log.warning("history_upkeep_failed", code=exc.code)
        else:
            since = datetime.now(UTC) - _LONGEST_SESSION
            if indexed or expired or purged:
                log.info("history_kept", indexed=indexed, expired=expired, purged=purged)
        await asyncio.sleep(_EVERY_S)


async def purge(postgres: Postgres, *, after: timedelta) -> int:
    """Delete for good what was deleted longer than `after` ago; gives how many transcripts."""
    purged = 0
    while True:
        rows = await postgres.call(
            lambda connection: connection.fetch(_sql["purge"], after, _BATCH, _ONE_AT_A_TIME)
        )
        purged += len(rows)
        if len(rows) < _BATCH:
            return purged


async def index_unfinished(postgres: Postgres, *, since: datetime) -> int:
    """Make findable what is stored of sessions that did not end; gives how many were not yet.

    Args:
        postgres: the database.
        since: sessions started then or later.
    """
    indexed = 0
    while True:
        rows = await postgres.call(
            lambda connection: connection.fetch(
                _sql["index_unfinished"], since, _BATCH, _ONE_AT_A_TIME
            )
        )
        indexed += len(rows)
        if len(rows) < _BATCH:
            return indexed
