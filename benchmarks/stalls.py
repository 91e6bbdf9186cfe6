"""How long the machine itself keeps programs waiting: for the processor, and for the disk.

A measurement beside other programs says with it which of its slow moments were not its own.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

_EVERY_S: Final = 0.2


class Stalls:
    """Looks several times a second, in `watch`; `take` gives the longest wait since the last one."""

    def __init__(self, folder: Path) -> None:
        """Take a folder on the disk in question."""
        self._file = folder / "stalls"
        self._longest_s = 0.0
        self._begun: float | None = None

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            asked = time.monotonic()
            await asyncio.sleep(_EVERY_S)
            self._note(time.monotonic() - asked - _EVERY_S)
            self._begun = time.monotonic()
            await asyncio.to_thread(self._write)
            self._note(time.monotonic() - self._begun)
            self._begun = None

    def take(self) -> float:
        """Give the longest wait since the last call, in seconds; one that goes on counts."""
        if self._begun is not None:
            self._note(time.monotonic() - self._begun)
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s

    def _note(self, waited_s: float) -> None:
        self._longest_s = max(self._longest_s, waited_s)

    def _write(self) -> None:
        with self._file.open("wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
