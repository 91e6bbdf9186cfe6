"""A lane that has the machine to itself uses all of it, and says the same."""

import numpy as np
import pytest

from tests.whisper_base import whisper_base_folder
from workers.recognition.features import LogMel
from workers.recognition.lanes import LanesAtWork
from workers.recognition.model import WhisperModel
from workers.recognition.vocabulary import Vocabulary


def test_a_lane_is_alone_until_another_begins_and_again_when_it_has_ended() -> None:
    lanes = LanesAtWork()
    with lanes:
        assert lanes.one_at_most()
        with lanes:
            assert not lanes.one_at_most()
        assert lanes.one_at_most()


@pytest.mark.model
@pytest.mark.timeout(300)
def test_using_the_cores_of_other_lanes_changes_no_bit_of_what_is_encoded() -> None:
    folder = whisper_base_folder()
    model = WhisperModel.load(
        folder, Vocabulary.load(folder), device="cpu", compute_type="auto", lanes=8
    )
    noise = np.random.default_rng(1).normal(0, 0.1, 5 * 16_000).astype(np.float32)
    features = [
        LogMel(n_mels=model.n_mels).window(noise, window_samples=seconds * 16_000)
        for seconds in (6, 9, 14, 30)
    ]
    for one in features:
        asked: list[bool] = []

        def alone(asked: list[bool] = asked) -> bool:
            asked.append(True)
            return True

        narrow = np.asarray(model.encode([one]))
        assert np.array_equal(narrow, np.asarray(model.encode([one], alone=alone)))
        assert asked == [True]
