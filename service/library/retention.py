"""How long people want their things kept, as their preferences say."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from service.library.fields import PreferencesFields
from service.library.preferences import preferences_of
from service.problems import ServiceError
from service.storage.items import PostgresItems
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("history")
_BATCH: Final = 200
_PEOPLE: Final = 500
"""Whose preferences are looked for at once."""
_NOBODY: Final = UUID(int=0)

log = structlog.get_logger()


async def audio_kept(items: PostgresItems, user: UUID, *, otherwise: timedelta) -> timedelta:
    """Give how long a person wants audio kept after its transcript is stored.

    Args:
        items: where preferences are.
        user: whose.
        otherwise: of who did not say, and of whose preferences are damaged.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    preferences = await _preferences(items, user)
    if preferences is None or "keeps_audio_days" not in preferences.model_fields_set:
        return otherwise
    return timedelta(days=preferences.keeps_audio_days)


async def expire_history(postgres: Postgres, items: PostgresItems) -> int:
    """Delete what is older than its owner wants it kept, favourites excepted; gives how many.

    It can be restored for 30 days, as whatever is deleted. Audio kept longer than its owner wants
    it kept by now is marked to go: the upkeep of the recordings deletes it.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    expired, after = 0, _NOBODY
    while True:
        rows = await postgres.call(partial(_who_prefers, after=after))
        for row in rows:
            expired += await _expire(postgres, items, row["user_id"])
        if len(rows) < _PEOPLE:
            return expired
        after = rows[-1]["user_id"]


async def _who_prefers(connection: Connection, *, after: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(_sql["who_prefers"], after, _PEOPLE)


async def _expire(postgres: Postgres, items: PostgresItems, user: UUID) -> int:
    preferences = await _preferences(items, user)
    if preferences is None:
        return 0
    if "keeps_audio_days" in preferences.model_fields_set:
        days = timedelta(days=preferences.keeps_audio_days)
        await postgres.call_as(
            user, lambda connection: connection.execute(_sql["keep_audio_no_longer"], days)
        )
    if preferences.keeps_history_days is None:
        return 0
    kept, expired = timedelta(days=preferences.keeps_history_days), 0
    while True:
        rows = await postgres.call_as(
            user, lambda connection: connection.fetch(_sql["expire"], kept, _BATCH)
        )
        expired += len(rows)
        if len(rows) < _BATCH:
            return expired


async def _preferences(items: PostgresItems, user: UUID) -> PreferencesFields | None:
    """Read preferences; None: they cannot be read, and those of others still can."""
    try:
        return (await preferences_of(items, user)).values
    except ServiceError as exc:
        if exc.retryable:
            raise
        log.warning("preferences_not_read", code=exc.code)  # damaged, or the account is going
        return None
