"""Wakes whoever waits for news of recordings in this process.

News of another copy of the service wakes nobody: whoever waits looks again after `REREAD_S` anyhow.
"""

import asyncio
from typing import Final
from uuid import UUID

REREAD_S: Final = 2.0
"""How old news of another copy of the service may be."""


class Signals:
    """Who waits, by person; and the workers."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[asyncio.Event]] = {}
        self._work = asyncio.Event()

    def changed(self, user: UUID) -> None:
        """Say that something about a person's recordings is new."""
        for event in self._waiting.get(user, ()):
            event.set()

    def work(self) -> None:
        """Say that there is something to do."""
        self._work.set()

    async def next_work(self) -> None:
        """Wait for something to do, `REREAD_S` at most."""
        try:
            async with asyncio.timeout(REREAD_S):
                await self._work.wait()
        except TimeoutError:
            return
        self._work.clear()

    def watch(self, user: UUID) -> "Watch":
        """Begin to wait for news of a person."""
        return Watch(self._waiting, user)


class Watch:
    """What one request waits for; nothing that is said while it looks is missed."""

    def __init__(self, waiting: dict[UUID, set[asyncio.Event]], user: UUID) -> None:
        self._waiting = waiting
        self._user = user
        self._event = asyncio.Event()

    def __enter__(self) -> "Watch":
        self._waiting.setdefault(self._user, set()).add(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        watching = self._waiting[self._user]
        watching.discard(self._event)
        if not watching:
            del self._waiting[self._user]

    async def next(self) -> None:
        """Wait for news, `REREAD_S` at most."""
        try:
            async with asyncio.timeout(REREAD_S):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()
