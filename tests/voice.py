"""A voice made by arithmetic, for tests of everything around the recogniser.

A buzz at the pitch of a speaker goes through the resonances of vowels that change every syllable,
with hisses between them (a source-filter model, Fant 1960). It says nothing, but the speech
detector takes it for speech, and unlike recordings it can be made in any length anywhere.
"""

import numpy as np
from scipy.signal import lfilter

from workers.contract.audio import SAMPLE_RATE_HZ

_VOWELS_HZ = (  # first three resonances, Russian а э и о у
    (750, 1250, 2500),
    (550, 1800, 2500),
    (300, 2250, 3000),
    (500, 900, 2400),
    (300, 650, 2300),
)


def voice(duration_ms: int, *, seed: int = 0, level: float = 0.25) -> bytes:
    """Make `duration_ms` of babble as PCM16 mono 16 kHz; another seed babbles otherwise."""
    rng = np.random.default_rng(seed)
    total = duration_ms * SAMPLE_RATE_HZ // 1000
    out = np.zeros(0)
    pitch = rng.uniform(95, 140)
    while len(out) < total:
        n = int(SAMPLE_RATE_HZ * rng.uniform(0.11, 0.2))
        t = np.arange(n) / SAMPLE_RATE_HZ
        f0 = (
            pitch
            * (1 + 0.08 * np.sin(2 * np.pi * 3 * t + rng.uniform(0, 6)))
            * rng.uniform(0.9, 1.15)
        )
        phase = np.cumsum(f0) / SAMPLE_RATE_HZ
        buzz = np.diff(np.floor(phase), prepend=0.0) + 0.01 * rng.standard_normal(n)
        sound = buzz
        for formant in _VOWELS_HZ[rng.integers(len(_VOWELS_HZ))]:
            radius = np.exp(-np.pi * 80 / SAMPLE_RATE_HZ)
            angle = 2 * np.pi * formant / SAMPLE_RATE_HZ
            sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
        sound *= np.sin(np.pi * np.minimum(1, t / t[-1])) ** 0.3
        hiss = rng.standard_normal(int(SAMPLE_RATE_HZ * rng.uniform(0.03, 0.06))) * 0.02
        out = np.concatenate((out, sound / (np.abs(sound).max() + 1e-9), hiss))
    return (out[:total] * level * 32767).astype("<i2").tobytes()


def quiet(duration_ms: int) -> bytes:
    """Make digital silence."""
    return bytes(2 * (duration_ms * SAMPLE_RATE_HZ // 1000))
