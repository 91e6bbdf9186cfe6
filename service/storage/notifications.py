"""Notifications of PostgreSQL (LISTEN), on a connection of their own that is opened again and again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import asyncpg
import structlog

from service.problems import ServiceError
from service.storage.postgres import CONNECTION_LOST, Patience, one_connection

_log = structlog.get_logger(__name__)

_CHECK_S: Final = 10.0
"""How often the connection is tried: one that a firewall forgot says nothing, and ends nothing."""
_IDLE_S: Final = 3 * _CHECK_S
"""Then the server takes us for gone, and gives up its end."""
_AGAIN_S: Final = 1.0


async def listen(
    dsn: str, channel: str, *, heard: Callable[[str], None], joined: Callable[[], None]
) -> None:
    """Listen to a channel until cancelled.

    Args:
        dsn: `postgresql://…`; directly to the server: a pooler between would lose notifications.
        channel: a constant of ours.
        heard: told the payload of each notification; must not block or raise.
        joined: told each time listening begins: what was said before was missed.
    """
    while True:
        with suppress(ServiceError, asyncpg.PostgresError, TimeoutError, *CONNECTION_LOST):
            await _listen_once(dsn, channel, heard, joined)
        _log.warning("notifications_lost", again_in_s=_AGAIN_S)
        await asyncio.sleep(_AGAIN_S)


async def _listen_once(
    dsn: str, channel: str, heard: Callable[[str], None], joined: Callable[[], None]
) -> None:
    ended = asyncio.Event()
    patience = Patience()
    async with one_connection(
        dsn, patience=patience, limit_s=patience.call_s, idle_s=_IDLE_S
    ) as connection:
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(channel, lambda *told: heard(str(told[3])))
        joined()
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_S):
                    await ended.wait()
            if not ended.is_set():
                await connection.fetchval("SELECT 1", timeout=patience.call_s)
