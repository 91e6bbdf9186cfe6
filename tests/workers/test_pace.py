"""How long the lanes will need is what they needed so far."""

import pytest

from tests.workers.windows import plan_by_length, window
from workers.contract.engine import Job
from workers.contract.requests import Priority
from workers.scheduling.batching import Batch
from workers.scheduling.pace import Pace


def batch(*seconds: float, priority: Priority = Priority.FINAL) -> Batch:
    windows = [
        window(f"w{n}", samples=round(length * 16_000), priority=priority)
        for n, length in enumerate(seconds)
    ]
    jobs = tuple(Job(request=request, plan=plan_by_length(request)) for request in windows)
    return Batch(number=1, jobs=jobs, priority=priority, taken_at=0.0, engine=0)


def test_nothing_is_known_before_the_first_batch() -> None:
    assert Pace().needs_s(100.0) == 0.0


def test_the_audio_of_a_batch_counts_together() -> None:
    pace = Pace()
    pace.learn(batch(4.0, 6.0), 1.0)

    assert pace.needs_s(50.0) == pytest.approx(5.0)


def test_partials_say_nothing_about_finals() -> None:
    pace = Pace()
    pace.learn(batch(5.0), 1.0)
    pace.learn(batch(5.0, priority=Priority.PARTIAL), 100.0)

    assert pace.needs_s(5.0) == pytest.approx(1.0)


def test_what_is_long_ago_is_forgotten() -> None:
    pace = Pace()
    for _ in range(50):
        pace.learn(batch(10.0), 10.0)
    for _ in range(50):
        pace.learn(batch(10.0), 1.0)

    assert pace.needs_s(10.0) == pytest.approx(1.0, rel=0.01)
