"""How much people have dictated: the adapter of the port `service.operations.limits.Usage`."""

from datetime import datetime
from typing import Final
from uuid import UUID

from service.storage.postgres import Postgres
from service.storage.statements import statements
from workers.contract.audio import SAMPLE_RATE_HZ

_sql: Final = statements("usage")


class PostgresUsage:
    """Counts live sessions by when they began, as far as they are stored; recordings by when they came."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def audio_s(self, user: UUID, since: datetime) -> float:
        """Give the seconds of speech."""
        samples: int = await self._postgres.call(
            lambda connection: connection.fetchval(_sql["samples"], user, since)
        )
        return samples / SAMPLE_RATE_HZ
