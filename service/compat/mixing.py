"""PCM of any common width and channels, made into PCM16 mono; the rate stays.

    width 1: unsigned, as in WAV files · 2, 3, 4 bytes: signed little-endian

Wider samples lose their lowest bits. Channels are averaged, so that two loud ones never clip.
"""

from typing import Final

import numpy as np

WIDTHS: Final = (1, 2, 3, 4)
"""Bytes a sample may have."""
MOST_CHANNELS: Final = 8
_PCM16_BYTES: Final = 2


class Mixdown:
    """A stream of PCM in one format; messages may cut it anywhere, even within a sample."""

    def __init__(self, *, width: int, channels: int) -> None:
        """Begin.

        Args:
            width: bytes a sample, one of `WIDTHS`.
            channels: interleaved, 1 to `MOST_CHANNELS`.

        Raises:
            ValueError: another width or number of channels.
        """
        if width not in WIDTHS or not 1 <= channels <= MOST_CHANNELS:
            raise ValueError(f"{channels} channels of {8 * width} bits")
        self._width = width
        self._channels = channels
        self._rest = b""

    def mono(self, data: bytes) -> bytes:
        """Give the whole samples so far as PCM16 mono; part of one waits for the next call."""
        data = self._rest + data
        whole = len(data) - len(data) % (self._width * self._channels)
        data, self._rest = data[:whole], data[whole:]
        if self._width == _PCM16_BYTES and self._channels == 1:
            return data
        samples = self._widened(data)
        if self._channels > 1:
            frames = samples.reshape(-1, self._channels).astype("i4")
            samples = (frames.sum(axis=1) // self._channels).astype("<i2")
        return samples.tobytes()

    def _widened(self, data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        if self._width == 1:
            return ((np.frombuffer(data, "u1").astype("i4") - 128) * 256).astype("<i2")
        parts = np.frombuffer(data, "u1").reshape(-1, self._width)
        return np.ascontiguousarray(parts[:, -_PCM16_BYTES:]).reshape(-1).view("<i2")
