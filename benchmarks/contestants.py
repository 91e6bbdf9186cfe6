"""What the load needs of a server under test, and the stopwatch of one take."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from benchmarks.takes import Take

SAMPLE_RATE_HZ: Final = 16_000
BYTES_PER_SECOND: Final = SAMPLE_RATE_HZ * 2
FRAME_S: Final = 0.1
FRAME_BYTES: Final = round(FRAME_S * BYTES_PER_SECOND)


class TurnedAway(Exception):
    """The server refused the session; not an error, if it says when to come back."""

    def __init__(self, retry_after_ms: float | None) -> None:
        super().__init__("refused")
        self.retry_after_ms = retry_after_ms


class BrokenOff(Exception):
    """The session ended without its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a server made of a take. Times are those of the event loop."""

    text: str
    complete_at: float
    """When the complete text was there."""
    known_at: float
    """When a client could know that it is complete; for most protocols the same."""


class LiveTake:
    """One take being spoken: gives its frames when they would exist, notes what is shown.

    Args:
        take: what is spoken.
        frames: its audio, PCM16 16 kHz mono, 100 ms each, the last one shorter.
        starts_at: event loop time of its first sample.
        partials: whether the server is asked for partials.
    """

    def __init__(
        self, take: Take, frames: list[bytes], *, starts_at: float, partials: bool
    ) -> None:
        self.take = take
        self.partials = partials
        self.starts_at = starts_at
        self.ended_at = starts_at + sum(map(len, frames)) / BYTES_PER_SECOND
        """When the last sample exists: latency counts from here, even if the server was not
        reading and the frame could not leave."""
        self.samples = sum(map(len, frames)) // 2
        self.late_s = 0.0
        self.shown = 0
        self.first_shown_at: float | None = None
        self._frames = frames
        self._text = ""

    @property
    def language(self) -> str:
        """Language of the clip, ISO 639-1."""
        return self.take.clip.language

    async def frames(self) -> AsyncIterator[bytes]:
        """Give each frame when its last sample exists; after a delay, catch up at once."""
        loop = asyncio.get_running_loop()
        due = self.starts_at
        for frame in self._frames:
            due += len(frame) / BYTES_PER_SECOND
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            yield frame
            self.late_s = max(self.late_s, loop.time() - due)

    def show(self, text: str) -> None:
        """Note a text that the server shows while the take goes on."""
        text = text.strip()
        if not text or text == self._text:
            return
        self._text = text
        self.shown += 1
        if self.first_shown_at is None:
            self.first_shown_at = asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a server: command line and environment besides the inherited one."""

    command: list[str]
    environment: dict[str, str]
    left_behind: Path | None = None
    """Folder to delete when the server has ended."""
    pid: int = 0
    """Of a server that runs already; `command` is empty then."""


class Contestant(Protocol):
    """A server under test: how to install and start it, and how to speak to it."""

    @property
    def name(self) -> str:
        """Label in tables and plots."""

    @property
    def shows_partials(self) -> bool:
        """Whether it shows text while somebody speaks."""

    @property
    def settings(self) -> str:
        """What it runs with, for the reader of the results."""

    def install(self) -> None:
        """Install it where it is not yet; raises if that is not possible here."""

    def versions(self) -> dict[str, str]:
        """Versions of the packages that decide its speed."""

    def launch(self, *, model: Path, port: int, beam: int) -> Launch:
        """Say how to start it.

        Args:
            model: folder of the CTranslate2 Whisper files.
            port: TCP port on 127.0.0.1.
            beam: width of finals, where it can be set.
        """

    async def is_ready(self, port: int) -> bool:
        """Whether it takes sessions."""

    async def transcribe(self, port: int, live: LiveTake) -> Heard:
        """Speak one take.

        Raises:
            TurnedAway: the server refused the session.
            BrokenOff: it was lost.
        """
