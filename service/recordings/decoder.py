"""The decoder process: one file that may be hostile in, PCM16 mono 16 kHz out, nothing else.

    python -m service.recordings.decoder <bytes of the file> <most seconds of audio>

Started for one recording by `service.recordings.decoding`, with an empty environment and two pipes.
It never has the file: it asks for bytes by position and gets them. Before it looks at the first
byte it gives up what a file could misuse: it can open nothing any more (no file, no socket: limit of
0 descriptors, so no protocol of FFmpeg and no playlist leads anywhere), write no file, and has
bounds on memory and processor time. Only formats and codecs of sound recordings are tried.

What it writes, each a header (kind, number, length) and what belongs to it:

    R position, length   wants these bytes: the answer on stdin is their length (4 bytes) and they
    L samples            how long the file says it is, at 16 kHz; 0: it does not say
    P                    the next samples
    E code               the end: 0 all decoded, 1 undecodable, 2 longer than allowed
"""

import resource
import struct
import sys
from collections.abc import Iterator
from importlib import import_module
from io import SEEK_CUR, SEEK_END, SEEK_SET
from pathlib import Path
from typing import BinaryIO, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import EOFError as EndOfFile
from av.error import FFmpegError, InvalidDataError

HEADER: Final = struct.Struct(">cQI")
LENGTH: Final = struct.Struct(">I")
DECODED, UNDECODABLE, TOO_LONG = 0, 1, 2

BLOCK_LIMIT_BYTES: Final = 1024 * 1024
"""Most samples in one message."""

_RATE_HZ: Final = 16_000
_SLOWEST_HZ, _FASTEST_HZ = 4_000, 384_000
"""Of sound recordings; a file that claims 1 Hz would become 16,000 times as long."""
_READ_BYTES: Final = 256 * 1024
"""Asked for at once: a few hundred questions for a usual file."""
_BLOCK_BYTES: Final = 32_000
"""About what is sent at once: a second."""
_DAMAGE_LIMIT: Final = 50
"""Damaged packets skipped in a row before the rest counts as unreadable; FFmpeg skips them too."""
_MEMORY_BYTES: Final = 512 * 1024 * 1024
"""Beyond what the process has when it starts; a usual file needs 20 MB of it."""
_PROCESSOR_S: Final = 1_800
"""4 h of AAC take about 60 s (two cores, 2026-11-21); nothing honest takes half an hour."""

_LOADED_LATE: Final = tuple(
    f"av.{kind}.{module}"
    for kind in ("audio", "video", "subtitles")
    for module in ("stream", "codeccontext")
)
"""What PyAV imports when it meets such a stream."""

_FORMATS: Final = "wav,w64,flac,ogg,mp3,aac,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aiff,caf,amr"
_CODECS: Final = (
    "pcm_s16le,pcm_s16be,pcm_u8,pcm_s8,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,gsm,gsm_ms,flac,alac,"
    "opus,libopus,vorbis,libvorbis,mp3,mp3float,aac,aac_latm,ac3,eac3,amrnb,amrwb,speex,libspeex"
)


class _Asked:
    """The file as PyAV reads it: every read is a question to the service."""

    def __init__(self, size: int, questions: BinaryIO, answers: BinaryIO) -> None:
        self._size = size
        self._questions = questions
        self._answers = answers
        self._position = 0

    def read(self, length: int) -> bytes:
        """Read up to `length` bytes."""
        length = max(0, min(length, self._size - self._position))
        if not length:
            return b""
        self._questions.write(HEADER.pack(b"R", self._position, length))
        self._questions.flush()
        (given,) = LENGTH.unpack(self._answers.read(LENGTH.size))
        data = self._answers.read(given)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a position."""
        start = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Say the position."""
        return self._position


class _TooLong(Exception):
    pass


class _Undecodable(Exception):
    pass


def _give_up_rights() -> None:
    """Keep only the two pipes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_S, _PROCESSOR_S))
    statm = Path("/proc/self/statm")
    if statm.exists():  # Linux; elsewhere the limit is not kept to anyhow
        now = int(statm.read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + _MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _decode(file: _Asked, out: BinaryIO, most_samples: int) -> None:
    try:
        container = av.open(
            file,
            "r",
            metadata_errors="ignore",
            buffer_size=_READ_BYTES,
            container_options={
                "format_whitelist": _FORMATS,
                "codec_whitelist": _CODECS,
                "protocol_whitelist": "none",
            },
        )
        if not container.streams.audio:
            raise _Undecodable
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        out.write(HEADER.pack(b"L", min(_length(stream), most_samples), 0))
        sent = 0
        block = bytearray()
        for pcm in _pcm(container, stream):
            block += pcm
            if len(block) >= _BLOCK_BYTES:
                sent += _send(out, block)
                block.clear()
            if sent > most_samples:
                raise _TooLong
        sent += _send(out, block)
    except (FFmpegError, OSError, ValueError, MemoryError, ArithmeticError) as exc:
        raise _Undecodable from exc
    if not sent:
        raise _Undecodable


def _length(stream: AudioStream) -> int:
    if stream.duration is None or stream.time_base is None:
        return 0
    return max(0, round(float(stream.duration * stream.time_base) * _RATE_HZ))


def _send(out: BinaryIO, pcm: bytearray) -> int:
    """Send samples; say how many."""
    for first in range(0, len(pcm), BLOCK_LIMIT_BYTES):
        block = pcm[first : first + BLOCK_LIMIT_BYTES]
        out.write(HEADER.pack(b"P", 0, len(block)))
        out.write(block)
    out.flush()
    return len(pcm) // 2


def _pcm(container: InputContainer, stream: AudioStream) -> Iterator[bytes]:
    """Give the sound track in pieces of PCM16 mono 16 kHz."""
    resampler = AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
    shape: tuple[str, str, int] | None = None
    for frame in _frames(container, stream):
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape is not None and found != shape:  # joined recordings may change in the middle
            yield from _samples(resampler.resample(None))
            resampler = AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
        shape = found
        if not _SLOWEST_HZ <= frame.sample_rate <= _FASTEST_HZ:
            raise _Undecodable
        frame.pts = None  # gaps in time stamps would be errors of the resampler
        yield from _samples(resampler.resample(frame))
    if shape is not None:
        yield from _samples(resampler.resample(None))


def _samples(frames: list[AudioFrame]) -> Iterator[bytes]:
    for frame in frames:
        yield np.ascontiguousarray(frame.to_ndarray(), dtype="<i2").tobytes()


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    damaged = heard = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            frames = packet.decode()
        except (StopIteration, EndOfFile):
            break
        except InvalidDataError:
            damaged += 1
            if damaged > _DAMAGE_LIMIT:
                break
            continue
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                damaged, heard = 0, heard + 1
                yield frame
    if damaged and (not heard or damaged > _DAMAGE_LIMIT):
        raise _Undecodable


def _warm_up() -> None:
    """Load what is loaded at first use, while files can still be opened."""
    for module in _LOADED_LATE:
        import_module(module)
    frame = AudioFrame.from_ndarray(np.zeros((1, 480), "<i2"), format="s16", layout="mono")
    frame.sample_rate = 48_000
    for _ in _samples(AudioResampler(format="s16", layout="mono", rate=_RATE_HZ).resample(frame)):
        pass


def main(arguments: list[str]) -> int:
    """Decode one recording from the pipes of this process."""
    size, most_s = (int(argument) for argument in arguments)
    questions, answers = sys.stdout.buffer, sys.stdin.buffer
    _warm_up()
    _give_up_rights()
    code = DECODED
    try:
        _decode(_Asked(size, questions, answers), questions, most_s * _RATE_HZ)
    except _TooLong:
        code = TOO_LONG
    except _Undecodable:
        code = UNDECODABLE
    questions.write(HEADER.pack(b"E", code, 0))
    questions.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
