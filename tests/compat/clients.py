"""What tests of other people's protocols share: speech for the scripted recogniser, history."""

import asyncio
from collections.abc import Callable

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.storage.transcripts import StoredTranscript

PATIENCE_S = 20.0


async def history(server: RunningServer, *, of: int = 1) -> tuple[StoredTranscript, ...]:
    """Wait until so many of the local person's dictations are stored whole; give all."""

    async def read() -> tuple[StoredTranscript, ...]:
        return await server.store.recent(LOCAL_USER)

    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await read()
            if sum(one.finished_at is not None for one in found) >= of:
                return found
            await asyncio.sleep(0.02)


async def nothing_is_kept(server: RunningServer) -> None:
    """Wait until the history is empty and no session lives."""
    async with asyncio.timeout(PATIENCE_S):
        while server.sessions._held or await server.store.recent(LOCAL_USER):
            await asyncio.sleep(0.02)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)
