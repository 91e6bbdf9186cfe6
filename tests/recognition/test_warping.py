"""Tokens are put where they were heard, without asking the decoder again."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.recognition.test_greedy import CLIPS
from tests.whisper_base import whisper_base_folder
from workers.recognition.alignment import Listening
from workers.recognition.features import LogMel
from workers.recognition.greedy import GreedyDecoder
from workers.recognition.lengths import audio_frames, token_cap, window_for
from workers.recognition.model import WhisperModel
from workers.recognition.prompts import decoder_prompt, start_sequence
from workers.recognition.vocabulary import Vocabulary
from workers.recognition.warping import path_of, warped

COSTS = st.tuples(st.integers(1, 9), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-50, 50).map(float))
)


def cheapest(costs):
    """What the cheapest path costs, cell by cell."""
    totals = np.full((costs.shape[0] + 1, costs.shape[1] + 1), np.inf)
    totals[0, 0] = 0
    for row in range(1, costs.shape[0] + 1):
        for column in range(1, costs.shape[1] + 1):
            before = min(
                totals[row - 1, column - 1], totals[row - 1, column], totals[row, column - 1]
            )
            totals[row, column] = costs[row - 1, column - 1] + before
    return totals[-1, -1]


@given(COSTS)
def test_the_path_is_the_cheapest_that_never_goes_back(costs):
    path = warped(costs)
    assert path[0] == (0, 0)
    assert path[-1] == (costs.shape[0] - 1, costs.shape[1] - 1)
    for (row, column), (next_row, next_column) in pairwise(path):
        assert (next_row - row, next_column - column) in {(0, 1), (1, 0), (1, 1)}
    assert sum(costs[cell] for cell in path) == cheapest(costs)


def test_tokens_lie_where_the_heads_listened():
    """Two tokens, said at positions 2 to 4 and 6 to 8 of 10; the rest of 14 is padding."""
    shares = np.full((2, 5, 14), 0.01, np.float32)  # start, language, no times; two tokens
    shares[:, 2, 2:5] = shares[:, 3, 6:9] = shares[:, 4, 9] = 1
    shares[:, :, 10:] = 3
    listening = Listening(tokens=(7, 8), probabilities=(0.5, 1.0), shares=shares)

    path = path_of(listening, positions=10)

    first = {}
    for token, position in path.alignments:
        first.setdefault(token, position)
    assert first[0] == 0
    assert 4 <= first[1] <= 6
    assert 8 <= first[2] <= 9
    assert path.probabilities == (0.5, 1.0)


@pytest.mark.model
@pytest.mark.shared
def test_words_lie_where_one_more_pass_of_the_decoder_would_put_them(referenced):
    vocabulary = Vocabulary.load(whisper_base_folder())
    model = WhisperModel.load(
        whisper_base_folder(), vocabulary, device="cpu", compute_type="int8", lanes=1
    )
    decoder = GreedyDecoder.load(
        whisper_base_folder(),
        start=vocabulary.start,
        end=vocabulary.end,
        no_speech=vocabulary.no_speech,
    )
    log_mel = LogMel(n_mels=model.n_mels)
    apart = []
    for clip in sorted(referenced, key=lambda clip: clip.name)[:: len(referenced) // CLIPS]:
        window = window_for(len(clip.samples))
        encoded = model.encode([log_mel.window(clip.samples, window_samples=window)])
        written = decoder.decode(
            list(np.asarray(encoded)),
            [decoder_prompt(clip.language, [], vocabulary)],
            caps=[token_cap(len(clip.samples))],
            drafts=[[]],
        )[0]
        frames = audio_frames(len(clip.samples))
        (again,) = model.align(
            encoded, start_sequence(clip.language, vocabulary), [written.tokens], [frames]
        )
        ours = path_of(written.listening, positions=frames // 2)
        starts = [dict(reversed(list(path.alignments))) for path in (ours, again)]
        apart += [abs(starts[0][token] - starts[1][token]) for token in range(len(written.tokens))]

    assert len(apart) > 100
    assert np.mean(np.array(apart) <= 2) > 0.9  # positions of 20 ms
