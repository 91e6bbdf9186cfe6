"""Audio that can be read again from any sample the server has not stored yet.

`HeldAudio` is in memory (tests, benchmarks); `Spool` grows on disk while a microphone records.
Files are read by `service.client.media`. All of it is PCM16 little-endian mono.
"""

import asyncio
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from service.problems import ServiceError

BYTES_PER_SAMPLE: Final = 2
_HEADER_BYTES: Final = 44
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)  # Windows only


class HeldAudio:
    """Audio held in memory."""

    def __init__(self, pcm: bytes) -> None:
        self._pcm = memoryview(pcm)

    async def read(self, start: int, samples: int) -> bytes:
        """Give up to `samples` samples from sample `start`; nothing at the end."""
        return bytes(self._pcm[start * BYTES_PER_SAMPLE : (start + samples) * BYTES_PER_SAMPLE])

    def forget(self, before: int) -> None:
        """Keep everything: it is held by the caller anyway."""


class Spool:
    """A WAV file that grows while it is read.

    From its first second the recording is a file that any player opens, so nothing said is lost
    when the program ends: until `close`, the header says "length unknown", which readers take as
    "to the end of the file".

    Memory is bounded by what one read asks for. Use it from one event loop.
    """

    def __init__(self, path: Path, *, sample_rate: int, limit_samples: int) -> None:
        """Open the spool.

        Args:
            path: where the recording lies; must not exist.
            sample_rate: hertz.
            limit_samples: the recording ends by itself here (disk is bounded too).
        """
        self.path = path
        self.samples = 0
        self._sample_rate = sample_rate
        self._limit = limit_samples
        self._closed = False
        self.failure: ServiceError | None = None
        """Why the recording ended by itself."""
        self._grown = asyncio.Event()
        self._ended = asyncio.Event()
        # Speech is for its owner only, whatever the umask says.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "r+b", buffering=0)
        self._file.write(_wav_header(sample_rate, data_bytes=None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._file.close()

    def append(self, pcm: bytes) -> None:
        """Add audio at the end. Does nothing once the spool is closed.

        At the limit, or when the disk takes no more, the spool closes with what it has and
        `failure` says why.
        """
        if self._closed:
            return
        if self.samples + len(pcm) // BYTES_PER_SAMPLE > self._limit:
            self._fail("recording.too_long", "the recording reached its longest length")
            return
        try:
            self._file.seek(_HEADER_BYTES + self.samples * BYTES_PER_SAMPLE)
            self._file.write(pcm)
        except OSError:
            self._fail("recording.not_kept", "the disk takes no more audio")
            return
        self.samples += len(pcm) // BYTES_PER_SAMPLE
        self._grown.set()

    def _fail(self, code: str, message: str) -> None:
        self.failure = ServiceError(code, message)
        self.close()

    async def ended(self) -> None:
        """Wait until the spool is closed."""
        await self._ended.wait()

    def close(self) -> None:
        """End the recording: readers come to the end, and the header gets its length."""
        if self._closed:
            return
        self._closed = True
        self._grown.set()
        self._ended.set()
        self._file.seek(0)
        self._file.write(_wav_header(self._sample_rate, data_bytes=self.samples * BYTES_PER_SAMPLE))

    async def read(self, start: int, samples: int) -> bytes:
        """Give up to `samples` samples from `start`, waiting for the first; nothing at the end."""
        while start >= self.samples and not self._closed:
            self._grown.clear()
            await self._grown.wait()
        available = max(0, min(samples, self.samples - start))
        self._file.seek(_HEADER_BYTES + start * BYTES_PER_SAMPLE)
        return self._file.read(available * BYTES_PER_SAMPLE)

    def forget(self, before: int) -> None:
        """Keep everything: the file is deleted as a whole once the transcript is stored."""


def _wav_header(sample_rate: int, *, data_bytes: int | None) -> bytes:
    """Write the 44 bytes of a RIFF/WAVE header (Microsoft multimedia specification 1.0, 1991)."""
    length = _UNKNOWN_LENGTH if data_bytes is None else min(data_bytes, _UNKNOWN_LENGTH - 36)
    whole = _UNKNOWN_LENGTH if data_bytes is None else length + 36
    form = struct.pack("<4sI4s", b"RIFF", whole, b"WAVE")
    rate = (sample_rate, sample_rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16)
    return form + struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, *rate, b"data", length)
