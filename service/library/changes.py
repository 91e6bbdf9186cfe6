"""Who waits for changes of whom: open clients are told to pull as soon as anything was changed.

    any service ─ commit ─► trigger ─ NOTIFY alfavoice_changes, user ─► each service ─► its streams

Each stream has one flag, not a queue: a hundred changes while a client is slow are one «changed».
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from service.accounts.principal import Principal
from service.problems import RequestRefused
from service.storage.notifications import listen

CHANNEL: Final = "alfavoice_changes"
"""Of the trigger in migration 0003."""
MOST_STREAMS_A_USER: Final = 20
"""A person's devices and browser windows."""
MOST_STREAMS: Final = 10_000
"""Of this process."""
_DRAIN_POLL_S: Final = 0.5


class Watch:
    """One client that waits."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.has_ended = False
        """The server is being stopped, or who waits was signed out: nothing more is told."""
        self._flag = asyncio.Event()

    @property
    def user(self) -> UUID:
        """Whose changes it waits for."""
        return self.principal.user

    def end(self) -> None:
        """Tell it nothing more."""
        self.has_ended = True
        self.wake()

    def wake(self) -> None:
        """Tell it that there may be something new."""
        self._flag.set()

    async def changed(self) -> None:
        """Wait for the next change, or for the end; changes since the last call count."""
        await self._flag.wait()
        self._flag.clear()


class Changes:
    """The clients of this process that wait."""

    def __init__(self, dsn: str, *, is_draining: Callable[[], bool]) -> None:
        self._dsn = dsn
        self._is_draining = is_draining
        self._watches: dict[UUID, set[Watch]] = {}
        self._count = 0

    @contextmanager
    def watch(self, principal: Principal) -> Iterator[Watch]:
        """Wait for changes of somebody's things.

        Raises:
            RequestRefused: `sync.too_many_streams`.
        """
        user = principal.user
        watches = self._watches.get(user, set())
        if len(watches) >= MOST_STREAMS_A_USER or self._count >= MOST_STREAMS:
            raise RequestRefused(
                "sync.too_many_streams", "too many streams are open", status=429, retry_after_s=30
            )
        watch = Watch(principal)
        if self._is_draining():
            watch.end()
        self._watches.setdefault(user, set()).add(watch)
        self._count += 1
        try:
            yield watch
        finally:
            self._count -= 1
            self._watches[user].discard(watch)
            if not self._watches[user]:
                del self._watches[user]

    def principals(self) -> list[Principal]:
        """Give who waits."""
        return list({watch.principal for watch in self._everybody()})

    def end(self, is_lost: Callable[[Principal], bool]) -> None:
        """End the streams of those who may not have them any more, at once.

        Args:
            is_lost: says so of a principal.
        """
        for watch in self._everybody():
            if is_lost(watch.principal):
                watch.end()

    async def run(self) -> None:
        """Listen to the database, and end the streams when the server drains, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                listen(self._dsn, CHANNEL, heard=self._heard, joined=self._wake_everybody)
            )
            tasks.create_task(self._end_on_drain())

    def _heard(self, payload: str) -> None:
        with suppress(ValueError):
            for watch in self._watches.get(UUID(payload), ()):
                watch.wake()

    def _wake_everybody(self) -> None:
        for watch in self._everybody():
            watch.wake()

    def _everybody(self) -> list[Watch]:
        return [watch for watches in self._watches.values() for watch in watches]

    async def _end_on_drain(self) -> None:
        while not self._is_draining():  # noqa: ASYNC110 - once at the end of a process's life
            await asyncio.sleep(_DRAIN_POLL_S)
        for watch in self._everybody():
            watch.end()
