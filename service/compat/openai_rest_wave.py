"""Plain WAV files, read without a decoder: what dictation programs send, a few seconds at a time.

A decoder process takes longer to start than such a file to transcribe. This reads numbers and PCM
only (Microsoft, "Multimedia Programming Interface", 1991, RIFF WAVE); anything else is for the
decoder.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from service.compat.mixing import MOST_CHANNELS, WIDTHS

_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE
_PCM_GUID: Final = bytes.fromhex("0100000000001000800000aa00389b71")
"""The format "PCM" where the header is of the extensible kind."""
_RATES_HZ: Final = range(8_000, 48_001)
_CHUNKS: Final = 64
"""Looked at before the samples; files have two to five."""
_STREAMED: Final = (0, 0xFFFFFFFF)
"""Lengths written by programs that did not know it yet: the samples go to the end of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainWave:
    """Where the samples of a file are, and what they are."""

    first_byte: int
    size: int
    """Bytes."""
    width: int
    """Bytes a sample."""
    channels: int
    rate_hz: int

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.size / (self.width * self.channels * self.rate_hz)


def plain_wave(file: BinaryIO, *, size: int) -> PlainWave | None:
    """Find the samples in a file of `size` bytes; None where it is no plain WAV file."""
    riff, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    if (riff, kind) != (b"RIFF", b"WAVE"):
        return None
    form: tuple[int, int, int] | None = None
    position = 12
    for _ in range(_CHUNKS):
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
        position += 8
        if name == b"fmt ":
            form = _form(file.read(min(length, 40)))
        elif name == b"data":
            return _wave(form, position, length, size)
        position += length + length % 2
        if position >= size:
            return None
    return None


def _form(header: bytes) -> tuple[int, int, int] | None:
    if len(header) < 16:
        return None
    tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", header[:16])
    if tag == _EXTENSIBLE and header[24:40] == _PCM_GUID:
        tag = _PCM
    width = bits // 8
    whole = bits % 8 == 0 and block == width * channels
    known = width in WIDTHS and 1 <= channels <= MOST_CHANNELS and rate in _RATES_HZ
    return (width, channels, rate) if tag == _PCM and whole and known else None


def _wave(
    form: tuple[int, int, int] | None, first_byte: int, length: int, size: int
) -> PlainWave | None:
    if form is None:
        return None
    width, channels, rate_hz = form
    held = size - first_byte
    length = held if length in _STREAMED else min(length, held)
    length -= length % (width * channels)
    if length <= 0:
        return None
    return PlainWave(
        first_byte=first_byte, size=length, width=width, channels=channels, rate_hz=rate_hz
    )
