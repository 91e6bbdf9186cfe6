"""What the operator tells everybody, in PostgreSQL. Nobody's secret, so not sealed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from service.storage.identifiers import uuid7
from service.storage.postgres import Postgres
from service.storage.statements import statements

_sql: Final = statements("news")

Position = tuple[datetime, UUID]
"""Where in the list, which is ordered by time of publication, then id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One thing told, in both languages."""

    title_ru: str
    title_en: str
    body_ru: str
    body_en: str
    is_important: bool = False
    published_at: datetime | None = None  # aware; None: now, or as it was
    expires_at: datetime | None = None  # aware; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnnouncement:
    """An announcement as it is read back."""

    id: UUID
    published_at: datetime  # aware; may be to come
    announcement: Announcement

    @property
    def position(self) -> Position:
        """Where it stands in the list."""
        return self.published_at, self.id


class PostgresNews:
    """All announcements. Every call raises `StoreUnavailable` when the database is away."""

    def __init__(
        self, postgres: Postgres, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._postgres = postgres
        self._now_ms = now_ms

    async def shown(
        self, user: UUID, *, before: Position | None, since: Position | None, limit: int
    ) -> list[StoredAnnouncement]:
        """Give what is published and not expired, newest first, between two positions."""
        values = (*(before or (None, None)), *(since or (None, None)), limit)
        rows = await self._postgres.call_as(
            user, lambda connection: connection.fetch(_sql["shown"], *values)
        )
        return [_stored(row) for row in rows]

    async def page(self, *, before: Position | None, limit: int) -> list[StoredAnnouncement]:
        """Give all there is, for the operator, newest first."""
        values = (*(before or (None, None)), limit)
        rows = await self._postgres.call(lambda connection: connection.fetch(_sql["all"], *values))
        return [_stored(row) for row in rows]

    async def get(self, item: UUID) -> StoredAnnouncement | None:
        """Give one."""
        row = await self._postgres.call(lambda connection: connection.fetchrow(_sql["get"], item))
        return None if row is None else _stored(row)

    async def add(self, announcement: Announcement, *, by: UUID) -> StoredAnnouncement:
        """Publish one."""
        values = (uuid7(self._now_ms()), *_values(announcement), by)
        row = await self._postgres.call(
            lambda connection: connection.fetch(_sql["insert"], *values)
        )
        return _stored(row[0])

    async def replace(self, item: UUID, announcement: Announcement) -> StoredAnnouncement | None:
        """Write one anew; None if there is none."""
        values = (item, *_values(announcement))
        row = await self._postgres.call(
            lambda connection: connection.fetchrow(_sql["update"], *values)
        )
        return None if row is None else _stored(row)

    async def delete(self, item: UUID) -> bool:
        """Delete one; False if there is none."""
        found = await self._postgres.call(
            lambda connection: connection.fetchval(_sql["delete"], item)
        )
        return found is not None


def _values(announcement: Announcement) -> tuple[object, ...]:
    return (
        announcement.title_ru,
        announcement.title_en,
        announcement.body_ru,
        announcement.body_en,
        announcement.is_important,
        announcement.published_at,
        announcement.expires_at,
    )


def _stored(row: asyncpg.Record) -> StoredAnnouncement:
    return StoredAnnouncement(
        id=row["id"],
        published_at=row["published_at"],
        announcement=Announcement(
            title_ru=row["title_ru"],
            title_en=row["title_en"],
            body_ru=row["body_ru"],
            body_en=row["body_en"],
            is_important=row["is_important"],
            published_at=row["published_at"],
            expires_at=row["expires_at"],
        ),
    )
