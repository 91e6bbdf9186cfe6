"""What a socket handed in and the session has not looked at yet, in order."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

SLICE_BYTES: Final = SAMPLE_RATE_HZ * BYTES_PER_SAMPLE // 2
"""Half a second of audio a turn of the event loop: about 1 ms of speech detection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A marker between two samples."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end of the audio."""

    at: float
    """Monotonic seconds at which it was said."""


Item = bytes | Mark | End


class Intake:
    """A line of slices, markers and the end. It is bounded by its owner, who looks at `samples`."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._has_items = asyncio.Event()

    @property
    def samples(self) -> int:
        """Samples that wait."""
        return self._bytes // BYTES_PER_SAMPLE

    def audio(self, pcm: bytes) -> None:
        """Add PCM16 at 16 kHz, cut into slices."""
        for first in range(0, len(pcm), SLICE_BYTES):
            self.put(pcm[first : first + SLICE_BYTES])

    def put(self, item: Item) -> None:
        """Add one item."""
        self._items.append(item)
        if isinstance(item, bytes):
            self._bytes += len(item)
        self._has_items.set()

    async def wait(self) -> None:
        """Wait until there is an item."""
        await self._has_items.wait()

    def take(self) -> Item:
        """Take the next item; there must be one."""
        item = self._items.popleft()
        if isinstance(item, bytes):
            self._bytes -= len(item)
        if not self._items:
            self._has_items.clear()
        return item
