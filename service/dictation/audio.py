"""What clients send, made into PCM16 mono 16 kHz, and positions translated both ways.

PCM16 at 8 to 48 kHz is resampled, Opus packets are decoded and resampled, both by FFmpeg's
libraries (PyAV), statefully: the samples that come out do not depend on how the stream was cut
into messages. On the wire positions count samples at the client's rate; inside, at 16 kHz.
"""

from typing import Final, Literal, Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from service.dictation.wire import AudioFormat
from service.problems import ProtocolError
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

OPUS_RATES_HZ: Final = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Rates an Opus stream can be counted in (RFC 6716 section 2.1.3)."""
_OPUS_CLOCK_HZ: Final = 48_000


class _Decoder(Protocol):
    def decode(self, data: bytes) -> tuple[bytes, int]:
        """Give (PCM16 at 16 kHz, samples taken in at the client's rate)."""
        ...

    def flush(self) -> bytes:
        """Give what the resampler still holds."""
        ...


class IncomingAudio:
    """The audio of one session, from its first message to its last, across reconnections."""

    def __init__(self, audio: AudioFormat, *, first_sample: int = 0) -> None:
        """Begin a stream.

        Args:
            audio: as the client said in `start`.
            first_sample: position of the first sample to come, at the client's rate.

        Raises:
            ProtocolError: `audio.unsupported_format`.
        """
        self.format = audio
        self.received = first_sample
        """Position after the last sample taken in, at the client's rate."""
        self._decoder: _Decoder = _decoder(audio.encoding, audio.sample_rate)

    def decode(self, data: bytes) -> bytes:
        """Take one binary message; give PCM16 mono 16 kHz (may be empty).

        Raises:
            ProtocolError: `audio.odd_bytes` or `audio.undecodable`; the stream is as before.
        """
        pcm, samples = self._decoder.decode(data)
        self.received += samples
        return pcm

    def flush(self) -> bytes:
        """Give the last samples; nothing may be decoded afterwards."""
        return self._decoder.flush()

    def wire_position(self, samples: int) -> int:
        """Translate a 16 kHz position to the client's rate, rounded down."""
        return samples * self.format.sample_rate // SAMPLE_RATE_HZ

    @property
    def rounding(self) -> int:
        """How far a position that went through the store may be off, at the client's rate.

        It is rounded to 16 kHz and back, and the resampler's last samples may end one later.
        """
        return 0 if self.format.sample_rate == SAMPLE_RATE_HZ else self.wire_position(2) + 1

    def inner_position(self, samples: int) -> int:
        """Translate a position at the client's rate to 16 kHz, rounded down."""
        return samples * SAMPLE_RATE_HZ // self.format.sample_rate


def _decoder(encoding: Literal["pcm_s16le", "opus"], rate: int) -> _Decoder:
    if encoding == "opus":
        if rate not in OPUS_RATES_HZ:
            raise ProtocolError(
                "audio.unsupported_format",
                f"opus streams count samples at one of {', '.join(map(str, OPUS_RATES_HZ))} Hz",
            )
        return _Opus(rate)
    return _Pcm() if rate == SAMPLE_RATE_HZ else _ResampledPcm(rate)


def _whole_samples(data: bytes) -> int:
    if len(data) % BYTES_PER_SAMPLE:
        raise ProtocolError(
            "audio.odd_bytes", "pcm_s16le messages carry whole 16-bit samples; got an odd length"
        )
    return len(data) // BYTES_PER_SAMPLE


class _Pcm:
    """Already the inner format."""

    def decode(self, data: bytes) -> tuple[bytes, int]:
        return data, _whole_samples(data)

    def flush(self) -> bytes:
        return b""


class _ResampledPcm:
    """PCM16 at another rate."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)

    def decode(self, data: bytes) -> tuple[bytes, int]:
        samples = _whole_samples(data)
        if not samples:
            return b"", 0
        frame = AudioFrame.from_ndarray(
            np.frombuffer(data, dtype="<i2").reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = self._rate
        return _pcm(self._resampler.resample(frame)), samples

    def flush(self) -> bytes:
        return _pcm(self._resampler.resample(None))


class _Opus:
    """Opus packets (RFC 6716), one a message."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext)  # noqa: S101 - the codec's own kind
        codec.sample_rate = _OPUS_CLOCK_HZ
        codec.layout = "mono"
        self._codec = codec
        self._resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)

    def decode(self, data: bytes) -> tuple[bytes, int]:
        if not data:
            return b"", 0
        try:
            frames = self._codec.decode(av.Packet(data))
        except (FFmpegError, ValueError) as exc:
            raise ProtocolError(
                "audio.undecodable", "a binary message is not an Opus packet"
            ) from exc
        pcm = bytearray()
        samples = 0
        for frame in frames:
            samples += frame.samples * self._rate // frame.sample_rate
            frame.pts = None
            pcm += _pcm(self._resampler.resample(frame))
        return bytes(pcm), samples

    def flush(self) -> bytes:
        return _pcm(self._resampler.resample(None))


def _pcm(frames: list[AudioFrame]) -> bytes:
    return b"".join(frame.to_ndarray().astype("<i2", copy=False).tobytes() for frame in frames)
