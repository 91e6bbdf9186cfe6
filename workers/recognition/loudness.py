"""How loud a window is and how much that changes: what silence, hum and hiss lack.

Speech rises and falls several times a second with its syllables (Houtgast and Steeneken 1985: the
envelope's modulation peaks near 4 Hz); silence does not rise, and hum, hiss and fans do not fall.
Levels are taken after removing the mean, because a microphone's DC offset is not sound.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.contract.audio import Samples, samples_in, seconds

FRAME_SAMPLES: Final = samples_in(0.02)
"""One period of 50 Hz mains, so that hum has the same level in every frame."""

SILENT_DB: Final = -66.0
"""Below this level of the loudest frames nobody speaks: PCM16 rounding is at -98 dBFS, a quiet room
through a headset near -70, a whisper above -55."""

STEADY_DB: Final = 3.0
"""White noise varies by 1.5 dB in 20 ms frames, hum by 0; the least varied of 93 clips mixed with
white noise at 0 dB varies by 3.7 dB (measured 2026-11-21)."""

STEADY_AT_LEAST_S: Final = 1.0
"""A shorter window may hold one even vowel."""

Frames = NDArray[np.bool_]

_ACTIVE_BELOW_PEAK_DB: Final = 30.0
_PEAK_FRAMES: Final = 5
_LOWEST_DB: Final = -120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Levels of one window, in dB relative to full scale."""

    peak_db: float
    """Level of 20 ms frames exceeded for 0.1 s in all: a short word in a long silence counts."""
    floor_db: float
    """10th percentile of them."""
    active_s: float
    """Seconds of frames less than 30 dB below the peak and not silent."""
    duration_s: float

    @property
    def silent(self) -> bool:
        """There is nothing to hear."""
        return self.peak_db < SILENT_DB

    @property
    def steady(self) -> bool:
        """There is something to hear, but it never changes: hum, hiss, a fan, a tone."""
        varies_db = self.peak_db - self.floor_db
        return self.duration_s >= STEADY_AT_LEAST_S and varies_db < STEADY_DB


def loudness(samples: Samples) -> Loudness:
    """Measure a window.

    Args:
        samples: float32, shape (n,), -1.0 to 1.0, 16 kHz, n at least 1.
    """
    frame_db, frame_samples = _levels(samples)
    loudest_first = np.sort(frame_db)[::-1]
    active = _active(frame_db)
    return Loudness(
        peak_db=float(loudest_first[min(_PEAK_FRAMES, len(frame_db)) - 1]),
        floor_db=float(np.percentile(frame_db, 10)),
        active_s=seconds(int(np.count_nonzero(active)) * frame_samples),
        duration_s=seconds(len(samples)),
    )


def active_frames(samples: Samples) -> Frames:
    """Say of every whole 20 ms frame of a window whether there is something to hear in it.

    Args:
        samples: as for `loudness`.

    Returns:
        bool, shape (max(1, n // FRAME_SAMPLES),).
    """
    return _active(_levels(samples)[0])


def _levels(samples: Samples) -> tuple[NDArray[np.float64], int]:
    """Give the level of every whole frame in dB, and the length of a frame in samples."""
    centred = samples - samples.mean()
    whole = len(centred) // FRAME_SAMPLES * FRAME_SAMPLES
    frames = centred[:whole].reshape(-1, FRAME_SAMPLES) if whole else centred[np.newaxis]
    power = np.mean(np.square(frames), axis=1, dtype=np.float64)
    return np.maximum(10.0 * np.log10(np.maximum(power, 1e-12)), _LOWEST_DB), frames.shape[1]


def _active(frame_db: NDArray[np.float64]) -> Frames:
    return frame_db > max(SILENT_DB, float(frame_db.max()) - _ACTIVE_BELOW_PEAK_DB)
