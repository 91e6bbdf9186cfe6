"""How much of everything recordings may take."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from workers.contract.queue import Load


class WindowRoom:
    """Windows of recordings that may be with the recogniser at once, of all jobs of a process.

    A batch that runs is not taken off its lane, however urgent the final that comes meanwhile. So
    recordings leave one lane free where there are several; on a machine with one lane, a final
    waits for one window at most.
    """

    def __init__(self, limit: int, load: Callable[[], Load]) -> None:
        """Make room.

        Args:
            limit: windows; 0: one fewer than lanes, at least 1.
            load: says how many lanes there are.
        """
        self._limit = limit
        self._load = load
        self._taken = 0
        self._changed = asyncio.Condition()

    @property
    def windows(self) -> int:
        """How many may be there now."""
        return self._limit or max(1, self._load().lanes - 1)

    @asynccontextmanager
    async def window(self) -> AsyncIterator[None]:
        """Have one of them, first come first served."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._taken < self.windows)
            self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            async with self._changed:
                self._changed.notify_all()


class DiskRoom:
    """The room on the disk of an embedded database; of another server's nothing is known."""

    def __init__(self, folder: Path | None, *, reserve_bytes: int) -> None:
        """Watch a disk.

        Args:
            folder: on it; None: somebody else watches.
            reserve_bytes: what must stay free: a database that finds no room for its log stops.
        """
        self._folder = folder
        self._reserve = reserve_bytes

    def has(self, size: int) -> bool:
        """Whether there is room for so many bytes more."""
        if self._folder is None:
            return True
        return shutil.disk_usage(self._folder).free - size >= self._reserve
