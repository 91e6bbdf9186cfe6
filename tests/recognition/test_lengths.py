import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.audio import SAMPLE_RATE_HZ, WINDOW_LIMIT_SAMPLES
from workers.contract.requests import Priority, Request
from workers.recognition.lengths import (
    BUCKETS_SAMPLES,
    MARGIN_S,
    PREVIEW_BUCKET_S,
    PREVIEW_MARGIN_S,
    PREVIEW_SHORTEST_S,
    SHORTEST_S,
    TOKENS_LIMIT,
    audio_frames,
    first_plan,
    preview_window_for,
    token_cap,
    window_for,
)


def request(samples: int, priority: Priority = Priority.FINAL) -> Request:
    return Request(
        id="r",
        session="s",
        user="u",
        utterance=0,
        priority=priority,
        deadline=None,
        pcm=b"\0\0" * samples,
    )


@given(st.integers(1, WINDOW_LIMIT_SAMPLES))
def test_a_window_is_a_bucket_that_holds_the_audio_and_its_margin(samples):
    window = window_for(samples)

    assert window in BUCKETS_SAMPLES
    assert window >= SHORTEST_S * SAMPLE_RATE_HZ
    assert window == WINDOW_LIMIT_SAMPLES or window >= samples + MARGIN_S * SAMPLE_RATE_HZ


@given(st.integers(1, WINDOW_LIMIT_SAMPLES - 1))
def test_longer_audio_never_gets_a_shorter_window_or_fewer_tokens(samples):
    assert window_for(samples + 1) >= window_for(samples)
    assert token_cap(samples + 1) >= token_cap(samples)


def test_buckets_are_whole_feature_frames_and_encoder_positions():
    assert all(bucket % 320 == 0 for bucket in BUCKETS_SAMPLES)
    assert list(BUCKETS_SAMPLES) == sorted(set(BUCKETS_SAMPLES))
    assert BUCKETS_SAMPLES[-1] == WINDOW_LIMIT_SAMPLES


@pytest.mark.parametrize(
    ("priority", "beam"),
    [
        (Priority.FINAL, 5),
        (Priority.FILE, 5),
        (Priority.SPECULATIVE, 5),
        (Priority.PARTIAL, 1),
    ],
)
def test_only_partials_are_decoded_greedily(priority, beam):
    plan = first_plan(request(16_000, priority), beam=5)

    assert (plan.beam, plan.temperature, plan.attempt) == (beam, 0.0, 0)


def test_only_partials_are_previews():
    previews = {
        priority: first_plan(request(16_000, priority), beam=1).preview for priority in Priority
    }

    assert previews == {
        Priority.FINAL: False,
        Priority.SPECULATIVE: False,
        Priority.FILE: False,
        Priority.PARTIAL: True,
    }


@given(st.integers(1, WINDOW_LIMIT_SAMPLES))
def test_a_preview_has_a_window_of_its_own_that_holds_the_audio_and_is_never_longer(samples):
    plan = first_plan(request(samples, Priority.PARTIAL), beam=5)

    window = plan.window_samples
    assert window == preview_window_for(samples) <= window_for(samples)
    assert window >= PREVIEW_SHORTEST_S * SAMPLE_RATE_HZ
    assert window % (PREVIEW_BUCKET_S * SAMPLE_RATE_HZ) == 0
    assert window == WINDOW_LIMIT_SAMPLES or window >= samples + PREVIEW_MARGIN_S * SAMPLE_RATE_HZ


@given(st.integers(1, WINDOW_LIMIT_SAMPLES - 1))
def test_a_preview_of_longer_audio_never_gets_a_shorter_window(samples):
    assert preview_window_for(samples + 1) >= preview_window_for(samples)


def test_a_preview_never_shares_a_batch_with_a_text_that_stays():
    """At the longest both windows are 30 s; the plans differ all the same."""
    longest = WINDOW_LIMIT_SAMPLES

    preview = first_plan(request(longest, Priority.PARTIAL), beam=1)

    assert preview != first_plan(request(longest), beam=1)


def test_a_speculative_final_has_the_plan_of_the_final_it_becomes():
    spoken = 5 * SAMPLE_RATE_HZ

    speculative = first_plan(request(spoken, Priority.SPECULATIVE), beam=3)

    assert speculative == first_plan(request(spoken), beam=3)


@given(st.integers(1, WINDOW_LIMIT_SAMPLES))
def test_the_cap_leaves_room_for_the_fastest_speech_and_ends_every_loop(samples):
    fastest = 6.8 * samples / SAMPLE_RATE_HZ

    assert fastest < token_cap(samples) <= TOKENS_LIMIT


def test_a_single_sample_still_counts_as_audio_to_align():
    assert audio_frames(1) == 2
    assert audio_frames(WINDOW_LIMIT_SAMPLES) == 3000
