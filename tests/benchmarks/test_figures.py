"""Percentiles, summaries, and when a load counts as held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import holds, may_exceed, nearest_rank, summarise


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0), (0.1, 1.0)]
)
def test_nearest_rank_of_one_to_a_hundred_is_the_percent_itself(percent, value):
    assert nearest_rank([float(n) for n in range(100, 0, -1)], percent) == value


def test_p95_of_few_values_is_the_worst_and_of_none_is_unknown():
    assert nearest_rank([0.3, 0.1, 0.9], 95) == 0.9
    assert nearest_rank([], 95) is None


@given(
    values=st.lists(st.floats(0, 10, allow_nan=False), min_size=1, max_size=300),
    limit=st.floats(0, 10, allow_nan=False),
)
def test_p95_keeps_a_limit_exactly_when_no_more_than_the_allowed_number_exceed_it(values, limit):
    over = sum(value > limit for value in values)

    assert (nearest_rank(values, 95) <= limit) == (over <= may_exceed(len(values)))


def test_takes_outside_the_counted_part_are_left_out(row):
    summary = summarise([row(), row(counted=False, latency_s=9.0, outcome="text")])

    assert (summary.takes, summary.latency_p95_s) == (1, 0.5)


def test_lost_texts_and_refusals_are_told_apart(row):
    gone = {"latency_s": None}
    summary = summarise(
        [
            row(),
            row(outcome="empty", **gone),
            row(outcome="timeout", **gone),
            row(outcome="error", **gone),
            row(outcome="refused", **gone),
        ]
    )

    assert (summary.served, summary.lost, summary.refused) == (1, 3, 1)
    assert summary.within_1_s == pytest.approx(0.2)


def test_a_load_is_held_only_if_everybody_got_their_text_in_time(row):
    served = [row() for _ in range(19)]

    assert holds(summarise([*served, row(latency_s=5.0)]), limit_s=1.0)
    assert not holds(summarise([*served, row(latency_s=5.0), row(latency_s=5.0)]), limit_s=1.0)
    assert not holds(summarise([*served, row(outcome="refused", latency_s=None)]), limit_s=1.0)
    assert not holds(summarise([*served, row(outcome="empty", latency_s=None)]), limit_s=1.0)
    assert not holds(summarise([]), limit_s=1.0)
