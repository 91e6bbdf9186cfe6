"""What is reckoned from a fleet's figures."""

from typing import Any

import pytest

from benchmarks.fleet_capacity_report import report, worker_ratio
from benchmarks.fleet_sessions import quantile_s

INFINITE = float("inf")


def test_a_quantile_between_two_readings_leaves_out_what_was_counted_before() -> None:
    before = {0.01: 500.0, 0.1: 500.0, INFINITE: 500.0}
    after = {0.01: 550.0, 0.1: 600.0, INFINITE: 600.0}

    # 100 since then, 50 of them up to 10 ms and 50 from there to 100 ms: p75 is half of the way.
    assert quantile_s(before, after, 0.75) == pytest.approx(0.055)


def test_a_quantile_beyond_the_last_bound_is_that_bound() -> None:
    assert quantile_s({}, {0.1: 1.0, 1.0: 1.0, INFINITE: 100.0}, 0.99) == 1.0


def workers(*rounds: tuple[int, float]) -> dict[str, Any]:
    return {
        "work_s_per_audio_s": 0.02,
        "people": 12,
        "rounds": [
            {"workers": n, "takes": 1, "failed": 0, "audio_s_per_s": done, "cores": 1.0}
            for n, done in rounds
        ],
    }


def test_two_workers_are_held_against_one_before_and_after_them() -> None:
    assert worker_ratio(workers((1, 40.0), (2, 90.0), (1, 50.0))) == pytest.approx(2.0)


def test_a_missed_target_is_not_to_be_overlooked() -> None:
    content = {"machine": {"cores": 2}, "workers": workers((1, 50.0), (2, 60.0))}

    assert "**misses** 1.8" in report(content)
    assert "**misses**" not in report(content | {"workers": workers((1, 50.0), (2, 100.0))})
