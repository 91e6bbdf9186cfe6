"""A sound that a speech detector takes for speech, made by arithmetic: no recording of anybody.

A buzz at the pitch of a voice goes through the resonances of vowels that change every syllable (the
source-filter model, Fant 1960; formants after Peterson and Barney 1952, men). It says nothing, so a
recogniser may hear words in it, or none.
"""

import math
import random
from array import array
from typing import Final

from workers.contract.audio import SAMPLE_RATE_HZ

SECONDS: Final = 3.0
_FORMANTS_HZ: Final = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480))
_BANDWIDTH_HZ: Final = 80
_LEVEL: Final = 8000.0
_GAP_S: Final = 0.04
"""Between syllables."""


def spoken_sample(seconds: float = SECONDS) -> bytes:
    """Give babble as PCM16 mono 16 kHz; the same each time."""
    chance = random.Random(7)  # noqa: S311 - a sound
    out = array("h")
    while len(out) < seconds * SAMPLE_RATE_HZ:
        length = round(SAMPLE_RATE_HZ * chance.uniform(0.12, 0.2))
        out.extend(_syllable(chance.choice(_FORMANTS_HZ), length, pitch_hz=chance.uniform(95, 140)))
        out.extend([0] * round(SAMPLE_RATE_HZ * _GAP_S))
    return out[: round(seconds * SAMPLE_RATE_HZ)].tobytes()


def _syllable(formants_hz: tuple[int, ...], length: int, *, pitch_hz: float) -> list[int]:
    """Give one vowel that swells and fades."""
    period = SAMPLE_RATE_HZ / pitch_hz
    sound = [1.0 if number % period < 1 else 0.0 for number in range(length)]
    radius = math.exp(-math.pi * _BANDWIDTH_HZ / SAMPLE_RATE_HZ)
    for formant_hz in formants_hz:  # a resonator of two poles for each
        first = 2 * radius * math.cos(2 * math.pi * formant_hz / SAMPLE_RATE_HZ)
        before = before_that = 0.0
        for number, value in enumerate(sound):
            before, before_that = value + first * before - radius * radius * before_that, before
            sound[number] = before
    loudest = max(map(abs, sound)) or 1.0
    return [
        round(_LEVEL * value / loudest * math.sin(math.pi * number / length) ** 0.3)
        for number, value in enumerate(sound)
    ]
