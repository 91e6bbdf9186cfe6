"""Any audio or video file as PCM16 mono 16 kHz, decoded as it is read (PyAV, FFmpeg's libraries).

The file is never in memory: a window of the newest `KEPT_S` seconds is, for a resume after a drop.
Whoever asks for older audio gets it decoded again from the start of the file, which gives exactly
the same samples.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import EOFError as EndOfFile
from av.error import FFmpegError, InvalidDataError

from service.problems import ServiceError

RATE_HZ: Final = 16_000
BYTES_PER_SAMPLE: Final = 2
KEPT_S: Final = 90
"""Longer than an utterance (30 s) and the server's backlog together, so a resume finds its audio."""
_DAMAGE_LIMIT: Final = 50
"""Damaged packets skipped in a row before the rest counts as unreadable; FFmpeg skips them too."""


class AudioUnreadable(ServiceError):
    """This file gives no audio; another file may."""


class MediaFile:
    """The sound of one file. Reads run in a thread of its own, one at a time."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            AudioUnreadable: `audio.not_found`, `audio.folder`, `audio.unreadable`, `audio.no_sound` or `audio.empty`.
        """
        self._path = path
        self._blocks: Iterator[bytes] = iter(())
        self._kept = bytearray()
        self._kept_from = 0  # position of the first sample kept
        self._container = _open(path)
        self.length: int | None = _length(self._container)
        """About how many samples it holds, as its header says; None when it does not say."""
        self._rewind()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alfavoice-media")
        try:
            has_audio = self._decode_more()
        except AudioUnreadable:
            self.close()
            raise
        if not has_audio:
            understood = self._container.streams.audio[0].sample_rate > 0
            self.close()
            if understood:
                raise AudioUnreadable("audio.empty", "the file holds no audio at all")
            raise AudioUnreadable("audio.unreadable", "this is not an audio or video file")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._container.close()

    async def read(self, start: int, samples: int) -> bytes:
        """Give up to `samples` samples from sample `start`; nothing at the end of the file.

        Raises:
            AudioUnreadable: `audio.unreadable`, the file is damaged from here on.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, start, samples)

    def forget(self, before: int) -> None:
        """Keep what fits the window; older audio is decoded again when asked for."""

    def _read(self, start: int, samples: int) -> bytes:
        if start < self._kept_from:
            self._container.close()
            self._container = _open(self._path)
            self._rewind()
        while self._kept_from + len(self._kept) // BYTES_PER_SAMPLE < start + samples:
            if not self._decode_more():
                break
        first = (start - self._kept_from) * BYTES_PER_SAMPLE
        return bytes(self._kept[first : first + samples * BYTES_PER_SAMPLE])

    def _rewind(self) -> None:
        self._blocks = _decode(self._container)
        self._kept.clear()
        self._kept_from = 0

    def _decode_more(self) -> bool:
        """Decode one block into the window; False at the end of the file."""
        block = next(self._blocks, b"")
        self._kept += block
        surplus = len(self._kept) // BYTES_PER_SAMPLE - KEPT_S * RATE_HZ
        if surplus > 10 * RATE_HZ:  # in steps: moving the window at every block would cost more
            del self._kept[: surplus * BYTES_PER_SAMPLE]
            self._kept_from += surplus
        return bool(block)


def _open(path: Path) -> InputContainer:
    if path.is_dir():
        raise AudioUnreadable("audio.folder", "this is a folder: name the files in it")
    if not path.is_file():
        raise AudioUnreadable("audio.not_found", "there is no such file")
    if path.stat().st_size == 0:
        raise AudioUnreadable("audio.empty", "the file holds no audio at all")
    try:
        container = av.open(str(path), "r", metadata_errors="ignore")
    except (FFmpegError, OSError, ValueError) as exc:
        raise AudioUnreadable("audio.unreadable", "this is not an audio or video file") from exc
    if not container.streams.audio:
        container.close()
        raise AudioUnreadable("audio.no_sound", "the file has no sound track")
    return container


def _length(container: InputContainer) -> int | None:
    stream = container.streams.audio[0]
    if stream.duration is not None and stream.time_base is not None:
        return round(float(stream.duration * stream.time_base) * RATE_HZ)
    if container.duration is not None:
        return round(container.duration / av.time_base * RATE_HZ)
    return None


def _decode(container: InputContainer) -> Iterator[bytes]:
    """Give the sound track in blocks of PCM16 mono 16 kHz, never empty ones."""
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    shape: tuple[str, str, int] | None = None
    for frame in _frames(container):
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape is not None and found != shape:  # joined recordings may change in the middle
            yield from _pcm(resampler.resample(None))
            resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        shape = found
        frame.pts = None  # gaps in time stamps would be errors of the resampler
        yield from _pcm(resampler.resample(frame))
    if shape is not None:
        yield from _pcm(resampler.resample(None))


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    damaged = heard = 0
    packets = container.demux(container.streams.audio[0])
    while True:
        try:
            packet = next(packets)
            frames = packet.decode()
        except (StopIteration, EndOfFile):
            break
        except InvalidDataError as exc:
            damaged += 1
            if damaged > _DAMAGE_LIMIT:
                raise AudioUnreadable("audio.unreadable", "the file is damaged") from exc
            continue
        except (FFmpegError, OSError) as exc:
            raise AudioUnreadable("audio.unreadable", "the file is damaged") from exc
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                damaged, heard = 0, heard + 1
                yield frame
    if damaged and not heard:
        raise AudioUnreadable("audio.unreadable", "the file is damaged")


def _pcm(frames: list[AudioFrame]) -> Iterator[bytes]:
    for frame in frames:
        pcm = np.ascontiguousarray(frame.to_ndarray(), dtype="<i2").tobytes()
        if pcm:
            yield pcm
