"""How much of everything recordings may take."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from workers.contract.queue import Load

LOOK_AGAIN_S: Final = 0.5


class WindowRoom:
    """Windows of recordings that may be with the recogniser at once, of all jobs of a process.

    A batch that runs is not taken off its lane, however urgent the final that comes meanwhile. So
    recordings leave one lane free where there are several; on a machine with one lane, a final
    waits for one window at most. While finals wait long, no window of a recording is begun.
    """

    def __init__(
        self, limit: int, load: Callable[[], Load], admits: Callable[[Load], bool]
    ) -> None:
        """Make room.

        Args:
            limit: windows; 0: one fewer than lanes, at least 1.
            load: says how many lanes there are.
            admits: whether there is time for files under this load.
        """
        self._limit = limit
        self._load = load
        self._admits = admits
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
            while self._taken >= self.windows or not self._admits(self._load()):
                # Nobody tells when people have had their texts: it is looked at.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await self._changed.wait()
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
