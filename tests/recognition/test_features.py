import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from workers.recognition.features import LogMel, frames_in


def tone_in_noise(samples: int) -> np.ndarray:
    rng = np.random.default_rng(samples)
    time_s = np.arange(samples) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * (200 + 300 * time_s) * time_s)
    return (tone + 0.01 * rng.standard_normal(samples)).astype(np.float32)


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("samples", [41, 160, 399, 16_000, 16_001, 47_999, 480_000])
def test_features_equal_those_of_faster_whisper(n_mels, samples):
    heard = tone_in_noise(samples)
    expected = FeatureExtractor(feature_size=n_mels)(heard)

    features = LogMel(n_mels=n_mels)(heard)

    assert features.dtype == np.float32
    assert features.shape == expected.shape
    np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 2, 39, 40, 41, 159, 161])
def test_a_window_of_a_few_samples_has_finite_features(samples):
    features = LogMel(n_mels=80)(tone_in_noise(samples))

    assert features.shape == (80, samples // 160 + 1)
    assert np.isfinite(features).all()


def test_a_window_is_padded_with_zeros_to_the_encoder_length():
    heard = tone_in_noise(24_000)
    log_mel = LogMel(n_mels=80)

    window = log_mel.window(heard, window_samples=96_000)

    assert window.shape == (80, 600)
    spoken = log_mel(heard)
    np.testing.assert_array_equal(window[:, : spoken.shape[1]], spoken)
    assert not window[:, spoken.shape[1] :].any()


def test_a_full_window_drops_the_frame_after_its_end():
    window = LogMel(n_mels=80).window(tone_in_noise(480_000), window_samples=480_000)

    assert window.shape == (80, 3000)


@pytest.mark.parametrize(
    "heard",
    [
        np.zeros(16_000, np.float32),
        np.ones(16_000, np.float32),
        np.sign(np.random.default_rng(0).standard_normal(16_000)).astype(np.float32),
    ],
    ids=["digital zero", "direct current", "clipped noise"],
)
def test_degenerate_audio_gives_finite_features(heard):
    assert np.isfinite(LogMel(n_mels=80)(heard)).all()


def test_frames_are_rounded_up():
    assert [frames_in(samples) for samples in (0, 1, 160, 161)] == [0, 1, 1, 2]
