import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workers.recognition.hallucination import nothing_to_hear
from workers.recognition.loudness import loudness

RNG = np.random.default_rng(7)
TIME_S = np.arange(5 * 16_000) / 16_000
NOISE = RNG.standard_normal(len(TIME_S))


@pytest.mark.parametrize(
    ("samples", "rule"),
    [
        (np.zeros(len(TIME_S)), "silence"),
        (RNG.integers(-1, 2, len(TIME_S)) / 32768, "silence"),
        (np.full(len(TIME_S), 0.9), "silence"),
        (0.1 * np.sin(2 * np.pi * 50 * TIME_S), "steady"),
        (0.1 * np.sin(2 * np.pi * 60 * TIME_S) + 0.9, "steady"),
        (0.2 * np.sin(2 * np.pi * 440 * TIME_S), "steady"),
        (0.05 * NOISE, "steady"),
        (np.clip(9 * NOISE, -1, 1), "steady"),
        (0.0008 * NOISE, "steady"),
    ],
    ids=["zero", "dither", "dc", "50 Hz", "60 Hz on dc", "tone", "hiss", "clipped", "faint hiss"],
)
def test_silence_and_sounds_that_never_change_are_not_decoded(samples, rule):
    assert nothing_to_hear(loudness(samples.astype(np.float32))) == rule


@pytest.mark.shared
def test_every_recording_is_heard_also_very_quiet_and_in_noise_as_loud_as_it(referenced):
    lost = []
    for number, spoken in enumerate(referenced):
        quiet = spoken.samples * 10 ** (-26 / 20)
        white = np.random.default_rng(number).standard_normal(len(spoken.samples))
        power = np.sqrt(np.mean(np.square(spoken.samples)))
        noisy = spoken.samples + (power * white).astype(np.float32)
        for kind, samples in (("clean", spoken.samples), ("quiet", quiet), ("noisy", noisy)):
            if nothing_to_hear(loudness(samples)) is not None:
                lost.append((kind, spoken.name))

    assert lost == []


def test_a_short_word_in_a_long_silence_is_heard():
    samples = np.zeros(30 * 16_000, np.float32)
    samples[200_000:203_200] = 0.05 * RNG.standard_normal(3_200)

    measured = loudness(samples)

    assert nothing_to_hear(measured) is None
    assert measured.active_s == pytest.approx(0.2, abs=0.03)


@given(arrays(np.float32, st.integers(1, 2_000), elements=st.floats(-1, 1, width=32)))
def test_any_samples_have_finite_levels(samples):
    measured = loudness(samples)

    assert -120.0 <= measured.floor_db <= 10.0
    assert -120.0 <= measured.peak_db <= 10.0
    assert 0.0 <= measured.active_s <= measured.duration_s
