"""The decoder's arithmetic, checked on a small random model against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recognition.small_whisper import (
    CONTROL,
    END,
    NO_SPEECH,
    POSITIONS,
    ROUNDING,
    START,
    heard,
    reference_scores,
    small_whisper,
)
from workers.recognition.converted import read_model
from workers.recognition.decoder_network import DecoderNetwork


@pytest.fixture(scope="module", params=[None, "float16", "int8"])
def stored(request, tmp_path_factory):
    return small_whisper(tmp_path_factory.mktemp("small"), quantisation=request.param)


def some_tokens(count, *, seed=0):
    return [START, *np.random.default_rng(seed).integers(0, END, count - 1).tolist()]


def assert_close(scores, expected):
    assert np.abs(scores - expected).max() < ROUNDING
    assert np.sqrt(np.square(scores - expected).mean()) < 0.05 * expected.std()


def test_many_tokens_at_once_score_as_by_plain_arithmetic(stored):
    network = DecoderNetwork(read_model(stored.folder / "model.bin"), CONTROL)
    tokens = some_tokens(24)
    places = np.arange(24)[np.newaxis]

    chosen, _ = network.read(
        np.array([tokens]),
        network.remember([heard(1)]),
        positions=places,
        places=places,
    )

    assert_close(chosen.scores.numpy()[0], reference_scores(stored.weights, heard(1), tokens))


def test_what_was_read_before_is_remembered_and_what_is_read_again_replaces_it(small, network):
    tokens = some_tokens(12)
    astray = [7, 7, 7]  # read after the first five, and then thought better of
    caches = network.remember([heard(2)])
    first = np.arange(5)[np.newaxis]
    _, caches = network.read(np.array([tokens[:5]]), caches, positions=first, places=first[:, -1:])
    between = np.arange(3)[np.newaxis]
    _, caches = network.read(np.array([astray]), caches, positions=5 + between, places=between)
    rest = np.arange(7)[np.newaxis]

    chosen, _ = network.read(np.array([tokens[5:]]), caches, positions=5 + rest, places=rest)

    expected = reference_scores(small.weights, heard(2), tokens)
    assert_close(chosen.scores.numpy()[0], expected[5:])


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(0, 2))
def test_tokens_read_together_come_out_as_read_one_by_one_to_the_last_bit(network, cuts, others):
    """What lets a draft be looked at for texts that stay."""
    tokens = some_tokens(min(sum(cuts), POSITIONS), seed=9)
    positions = np.arange(len(tokens))[np.newaxis]
    together, _ = network.read(
        np.array([tokens]), network.remember([heard(9)]), positions=positions, places=positions
    )
    # In pieces, in a batch with others that are somewhere else in their texts.
    caches = network.remember([heard(9), *(heard(number) for number in range(others))])
    scores = []
    for piece in np.split(positions[0], np.cumsum(cuts)[:-1]):
        if not len(piece):
            continue
        elsewhere = [some_tokens(len(piece), seed=number) for number in range(others)]
        chosen, caches = network.read(
            np.array([[tokens[place] for place in piece], *elsewhere]),
            caches,
            positions=np.stack([piece, *([piece + 5 * (n + 1) for n in range(others)])]),
            places=np.tile(np.arange(len(piece)), (1 + others, 1)),
        )
        scores.append(chosen.scores.numpy()[0])

    np.testing.assert_array_equal(np.concatenate(scores), together.scores.numpy()[0])


def test_a_network_tells_whether_it_is_exact(network):
    assert network.is_exact()


def test_rows_of_a_batch_have_their_own_places_and_encoder_output(small, network):
    one, other = some_tokens(6, seed=1), some_tokens(9, seed=2)
    chosen, _ = network.read(
        np.array([one + [0] * 3, other]),
        network.remember([heard(3), heard(4)]),
        positions=np.tile(np.arange(9), (2, 1)),
        places=np.array([[5], [8]]),
    )

    scores = chosen.scores.numpy()[:, 0]
    assert_close(scores[0], reference_scores(small.weights, heard(3), one)[-1])
    assert_close(scores[1], reference_scores(small.weights, heard(4), other)[-1])


def test_rows_that_are_kept_keep_their_caches(small, network):
    rows = [heard(number) for number in (5, 6, 7)]
    tokens = [some_tokens(4, seed=seed) for seed in range(3)]
    _, caches = network.read(
        np.array(tokens),
        network.remember(rows),
        positions=np.tile(np.arange(4), (3, 1)),
        places=np.zeros((3, 1), np.int64),
    )

    chosen, _ = network.read(
        np.array([[9], [9]]),
        network.keep(caches, [2, 0]),
        positions=np.full((2, 1), 4),
        places=np.zeros((2, 1), np.int64),
    )

    for place, row in enumerate((2, 0)):
        expected = reference_scores(small.weights, rows[row], [*tokens[row], 9])[-1]
        assert_close(chosen.scores.numpy()[place, 0], expected)


def test_the_likeliest_allowed_token_is_chosen_and_its_probability_given(network):
    places = np.arange(8)[np.newaxis]
    for first, hidden in ((False, CONTROL.never), (True, CONTROL.never + CONTROL.never_first)):
        chosen, _ = network.read(
            np.array([some_tokens(8)]),
            network.remember([heard(8)]),
            positions=places,
            places=places,
            first=first,
        )
        scores = chosen.scores.numpy()[0].astype(float)
        whole = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(
            chosen.shares(NO_SPEECH, place=3), whole[3:4, NO_SPEECH], rtol=1e-4
        )
        scores[:, list(hidden)] = -np.inf
        allowed = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

        assert chosen.best[0].tolist() == scores.argmax(axis=1).tolist()
        np.testing.assert_allclose(chosen.probability[0], allowed.max(axis=1), rtol=1e-4)
