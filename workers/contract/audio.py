"""The one audio format inside AlfaVoice: PCM16 little-endian, mono, 16 kHz.

Positions are counted in samples from the start of a session; seconds and milliseconds exist only
at the edges. A window, the audio given to the recogniser once, is at most 30 s: Whisper's encoder
has 1500 positions of 20 ms (Radford et al. 2022, section 2.2).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ: Final = 16_000
BYTES_PER_SAMPLE: Final = 2
WINDOW_LIMIT_SAMPLES: Final = 30 * SAMPLE_RATE_HZ
"""The most audio one request may carry, in samples (960,000 bytes: under NATS' 1 MiB default)."""

Samples = npt.NDArray[np.float32]
"""float32, shape (samples,), range -1.0 to 1.0, 16 kHz mono."""


def samples_from_pcm16(pcm: bytes | bytearray | memoryview) -> Samples:
    """Convert PCM16 to float.

    Args:
        pcm: whole little-endian 16-bit samples, mono.

    Returns:
        float32, shape (len(pcm) / 2,), range -1.0 to 1.0.
    """
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768.0)


def pcm16_from_samples(samples: Samples) -> bytes:
    """Convert float samples (float32, shape (n,), clipped to -1.0 to 1.0) to PCM16 bytes."""
    clipped = np.clip(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    return (clipped * 32767.0).round().astype("<i2").tobytes()


def seconds(samples: int) -> float:
    """Length of `samples` 16 kHz samples in seconds."""
    return samples / SAMPLE_RATE_HZ


def samples_in(duration_s: float) -> int:
    """Number of whole 16 kHz samples in `duration_s` seconds, rounded to nearest."""
    return round(duration_s * SAMPLE_RATE_HZ)
