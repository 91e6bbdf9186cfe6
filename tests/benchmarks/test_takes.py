"""The load: who says what and when."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.takes import lay_out, speakable

RUN = {"warm_in_s": 10.0, "counted_s": 60.0}


def talking_at(takes, moment_s):
    return sum(take.starts_s <= moment_s < take.ends_s for take in takes)


@pytest.mark.parametrize("shape", ["continuous", "dictation"])
def test_the_same_seed_gives_the_same_load_and_another_seed_another(shape, clips):
    first, again, other = (lay_out(shape, clips, talkers=4, seed=seed, **RUN) for seed in (1, 1, 2))

    assert [(t.clip.name, t.starts_s) for t in first] == [(t.clip.name, t.starts_s) for t in again]
    assert [t.starts_s for t in first] != [t.starts_s for t in other]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talkers=st.integers(1, 40), seed=st.integers(0, 100))
def test_continuous_speakers_never_pause_once_all_have_begun(clips, talkers, seed):
    takes = lay_out("continuous", clips, talkers=talkers, seed=seed, **RUN)

    for tenth in range(120, 700):
        assert talking_at(takes, tenth / 10) == talkers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talkers=st.integers(1, 40), seed=st.integers(0, 100))
def test_dictation_offers_the_speech_of_n_talkers_to_within_one_clip(clips, talkers, seed):
    takes = lay_out("dictation", clips, talkers=talkers, seed=seed, **RUN)

    offered = sum(take.clip.duration_s for take in takes)
    assert 0 <= offered - talkers * 70.0 < 12.0


def test_dictation_bunches_while_continuous_speech_does_not(clips):
    takes = lay_out("dictation", clips, talkers=20, seed=1, **RUN)

    crowd = [talking_at(takes, moment) for moment in range(15, 70)]
    assert max(crowd) > 22
    assert min(crowd) < 18


def test_only_takes_that_end_in_the_counted_part_are_counted(clips):
    takes = lay_out("continuous", clips, talkers=5, seed=3, **RUN)

    assert {take.counted for take in takes} == {True, False}
    assert all(take.counted == (10.0 <= take.ends_s <= 70.0) for take in takes)
    assert all(earlier.starts_s <= later.starts_s for earlier, later in pairwise(takes))
    assert [take.number for take in takes] == list(range(len(takes)))


def test_every_clip_is_said_once_before_one_is_repeated(clips):
    takes = lay_out("continuous", clips, talkers=10, seed=1, **RUN)

    assert len({take.clip.name for take in takes[: len(clips)]}) >= len(clips) - 1


def test_synthetic_uncertain_and_too_short_clips_are_not_spoken(clips):
    import dataclasses

    refused = [
        dataclasses.replace(clips[0], group="synthetic"),
        dataclasses.replace(clips[0], group="misc"),
        dataclasses.replace(clips[0], samples=clips[0].samples[:16_000]),
    ]

    assert speakable([*refused, clips[1]]) == [clips[1]]
