"""What a socket handed in and the session has not looked at yet, in order."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from service.dictation.markers import AtMarker
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

SLICE_BYTES: Final = SAMPLE_RATE_HZ * BYTES_PER_SAMPLE // 2
"""Half a second of audio a turn of the event loop: about 1 ms of speech detection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A marker between two samples."""

    id: str
    at: AtMarker = AtMarker.GOES_ON


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end of the audio."""

    at: float
    """Monotonic seconds at which it was said."""


Item = bytearray | Mark | End


class Intake:
    """A line of slices, markers and the end. Its owner bounds it by `samples` and `marks`."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._marks = 0
        self._has_items = asyncio.Event()

    @property
    def samples(self) -> int:
        """Samples that wait."""
        return self._bytes // BYTES_PER_SAMPLE

    @property
    def marks(self) -> int:
        """Markers that wait."""
        return self._marks

    def audio(self, pcm: bytes) -> None:
        """Add PCM16 at 16 kHz, in slices; a message shorter than a slice joins the last one."""
        self._bytes += len(pcm)
        last = self._items[-1] if self._items else None
        first = 0
        if isinstance(last, bytearray):
            first = SLICE_BYTES - len(last)
            last += pcm[:first]
        for begin in range(first, len(pcm), SLICE_BYTES):
            self._items.append(bytearray(pcm[begin : begin + SLICE_BYTES]))
        self._wake()

    def put(self, item: Mark | End) -> None:
        """Add a marker or the end."""
        self._marks += isinstance(item, Mark)
        self._items.append(item)
        self._wake()

    async def wait(self) -> None:
        """Wait until there is an item."""
        await self._has_items.wait()

    def take(self) -> Item:
        """Take the next item; there must be one."""
        item = self._items.popleft()
        if isinstance(item, bytearray):
            self._bytes -= len(item)
        self._marks -= isinstance(item, Mark)
        if not self._items:
            self._has_items.clear()
        return item

    def _wake(self) -> None:
        if self._items:
            self._has_items.set()
