"""The samples of a recording, one block after the other, with a bound on everything.

A container is decoded by a process of its own (`service.recordings.decoder`): a file that crashes,
hangs or floods it is a failure of that recording and of nothing else. No file is ever written:
decrypted audio exists in memory only, two sealed pieces of at most 4 MiB at a time, and what was
decoded of them waits in a pipe until it is asked for.
"""

import asyncio
import os
import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Final, Protocol

from service.dictation.audio import IncomingAudio
from service.dictation.wire import AudioFormat
from service.problems import ServiceError
from service.recordings.decoder import (
    BLOCK_LIMIT_BYTES,
    DECODED,
    HEADER,
    LENGTH,
    TOO_LONG,
)
from service.recordings.recording import Encoding, Reason
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

ReadPiece = Callable[[int], Awaitable[tuple[int, bytes] | None]]
"""Gives the piece with the byte at a position: its first byte, and the bytes."""

_PATIENCE_S: Final = 120.0
"""How long the decoder may say nothing: no honest file needs so long for a second of sound."""
_ENDS_S: Final = 5.0
_KEPT_PIECES: Final = 2
"""Files are read from front to back, but for an index somewhere else."""
_RAW_BYTES: Final = 256 * 1024
"""Bare samples resampled at once."""


class Unusable(ServiceError):
    """The recording cannot become text; trying again cannot help."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("server.failed", f"the recording cannot be used: {reason}")
        self.reason = reason


class AudioGone(ServiceError):
    """The audio was deleted while it was read."""

    def __init__(self) -> None:
        super().__init__("server.failed", "the audio is not there any more")


class Pieces:
    """The bytes of a recording, by position."""

    def __init__(self, read_piece: ReadPiece, size: int) -> None:
        self._read_piece = read_piece
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self.size = size
        self.furthest = 0
        """The furthest byte asked for: how far a file of unknown length is."""

    async def read(self, position: int, length: int) -> bytes:
        """Give 1 to `length` bytes from a position; none at the end.

        Raises:
            AudioGone: there is no audio any more.
        """
        if position >= self.size:
            return b""
        first, piece = await self._piece(position)
        data = piece[position - first : position - first + length]
        self.furthest = max(self.furthest, position + len(data))
        return data

    async def _piece(self, position: int) -> tuple[int, bytes]:
        for first, piece in self._kept.items():
            if first <= position < first + len(piece):
                self._kept.move_to_end(first)
                return first, piece
        found = await self._read_piece(position)
        if found is None:
            raise AudioGone
        self._kept[found[0]] = found[1]
        while len(self._kept) > _KEPT_PIECES:
            self._kept.popitem(last=False)
        return found


class Encoded(Protocol):
    """What must be known of bytes to decode them."""

    @property
    def encoding(self) -> Encoding:
        """What they are."""
        ...

    @property
    def sample_rate(self) -> int | None:
        """Hertz, of pcm16."""
        ...


class DecodedAudio:
    """A recording as PCM16 mono 16 kHz."""

    def __init__(self, recording: Encoded, pieces: Pieces, *, most_s: int) -> None:
        """Take a recording.

        Args:
            recording: what it is.
            pieces: its bytes, all of them.
            most_s: seconds of audio beyond which it is refused.
        """
        self._recording = recording
        self._pieces = pieces
        self._most_s = most_s
        self._samples: int | None = None

    def share(self, position: int) -> float:
        """Say which part of the recording lies before a 16 kHz position, 0.0 to 1.0, roughly."""
        if self._samples:
            return min(1.0, position / self._samples)
        return min(1.0, self._pieces.furthest / self._pieces.size)

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Give the samples in order; close the generator to end the decoder.

        Raises:
            Unusable: `undecodable`, `too_long`.
            AudioGone: it was deleted meanwhile.
        """
        source = self._raw() if self._recording.encoding is Encoding.PCM16 else self._decoded()
        async with aclosing(source):
            async for block in source:
                yield block

    async def _raw(self) -> AsyncGenerator[bytes, None]:
        rate = self._recording.sample_rate or SAMPLE_RATE_HZ
        audio = IncomingAudio(AudioFormat(sample_rate=rate))
        self._samples = audio.inner_position(self._pieces.size // BYTES_PER_SAMPLE)
        position, odd = 0, b""
        while data := await self._pieces.read(position, _RAW_BYTES):
            position += len(data)
            data = odd + data
            whole = len(data) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
            odd = data[whole:]
            yield audio.decode(data[:whole])
        yield audio.flush()

    async def _decoded(self) -> AsyncGenerator[bytes, None]:
        process = await _start(self._pieces.size, self._most_s)
        try:
            async with aclosing(self._spoken_with(process)) as blocks:
                async for block in blocks:
                    yield block
        finally:
            await _end(process)

    async def _spoken_with(
        self, process: asyncio.subprocess.Process
    ) -> AsyncGenerator[bytes, None]:
        said, asked = process.stdout, process.stdin
        assert said is not None  # noqa: S101 - both are pipes
        assert asked is not None  # noqa: S101
        try:
            while True:
                async with asyncio.timeout(_PATIENCE_S):
                    kind, number, length = HEADER.unpack(await said.readexactly(HEADER.size))
                    pcm = await said.readexactly(min(length, BLOCK_LIMIT_BYTES) * (kind == b"P"))
                if kind == b"R":
                    data = await self._pieces.read(number, length)
                    asked.write(LENGTH.pack(len(data)) + data)
                    async with asyncio.timeout(_PATIENCE_S):
                        await asked.drain()
                elif kind == b"P":
                    yield pcm
                elif kind == b"L":
                    self._samples = number or None
                elif number == DECODED:
                    return
                else:
                    raise Unusable(Reason.TOO_LONG if number == TOO_LONG else Reason.UNDECODABLE)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            failure = Unusable(Reason.UNDECODABLE)  # it crashed, hangs, or went over a limit
        raise failure


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    async with asyncio.timeout(_ENDS_S):
        # Until all it wrote is read, its pipe stays open, and `wait` waits for that as well.
        while process.stdout is not None and await process.stdout.read(BLOCK_LIMIT_BYTES):
            pass
        await process.wait()


async def _start(size: int, most_s: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # the working directory is no place for modules
        "-m",
        "service.recordings.decoder",
        str(size),
        str(most_s),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the service, which then drains
        # Not ours: there are keys in it.
        env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
