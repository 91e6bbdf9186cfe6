"""Half a minute of use of real processes, after which nothing is held that was not held before.

`make soak` does the same for an hour, and also says whether memory grows.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak import Plan, soak
from benchmarks.soak_report import growths, not_back, report, summed_up
from benchmarks.soak_samples import Held, Sample
from tests.storage.fixtures import new_data_folder

__all__ = ["new_data_folder"]


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_after_some_use_nothing_is_held_that_was_not_before(
    new_data_folder: Path,
) -> None:
    plan = Plan(
        minutes=0.5, warm_up_minutes=0.1, people=6, settle_s=45, resume_s=10, punctuation="off"
    )

    soaked, is_pool_given_up = await soak(plan, new_data_folder)

    found = summed_up(soaked, warm_up_s=6, is_pool_given_up=is_pool_given_up)
    assert (found["not_back"], found["failed"]) == ({}, {}), report(found)
    assert found["left_behind"] == []
    assert found["given_up"] == found["engine_restarts"] == 0
    assert found["most"]["sessions"] > 1
    assert found["finals"] > 10
    assert set(found["did"]) >= {"dictated", "history"}


def held(rss_mb: float) -> Held:
    size = round(rss_mb * 1e6)
    return Held(
        processes=1, rss=size, pss=size, uss=size, files=20, sockets=8, threads=5, cpu_s=1.0
    )


def sample(at_s: float, *, phase: str = "load", rss_mb: float = 100, **figures: float) -> Sample:
    usual = dict.fromkeys(
        (
            "tasks", "worker_tasks", "sessions", "session_sockets", "waiting", "busy_lanes",
            "worker_busy_lanes", "pool_open", "pool_in_use", "nats_connections",
            "nats_subscriptions",
        ),
        1.0,
    )  # fmt: skip
    roles = ("service", "worker", "recogniser", "nats", "postgres", "decoders")
    return Sample(
        at_s=at_s,
        phase=phase,
        held={role: held(rss_mb if role == "service" else 50) for role in roles},
        figures=usual | figures,
    )


def grown(*samples: Sample) -> float:
    found = growths(samples, warm_up_s=600)
    return next(one.grown for one in found if one.role == "service")


def test_the_measurement_sees_memory_that_grows_and_not_how_it_warmed_up() -> None:
    warming = [sample(at_s, rss_mb=50 + at_s / 20) for at_s in range(0, 600, 10)]
    noise = [sample(at_s, rss_mb=100 + (at_s // 10) % 3) for at_s in range(600, 3600, 10)]
    leaking = [sample(at_s, rss_mb=100 + at_s / 900) for at_s in range(600, 3600, 10)]

    assert abs(grown(*warming, *noise)) < 0.001
    assert grown(*warming, *leaking) == pytest.approx(0.033, abs=0.001)


def test_the_measurement_sees_what_does_not_come_back() -> None:
    before = sample(-1, phase="before")

    def left(*, is_pool_given_up: bool = True, **figures: float) -> set[str]:
        after = sample(4000, phase="after", **figures)
        return set(not_back(before, after, is_pool_given_up=is_pool_given_up))

    one_file = replace(
        before, held=before.held | {"worker": replace(before.held["worker"], files=21)}
    )
    assert left() == set()
    assert left(tasks=2) == {"tasks of the service"}
    assert left(worker_busy_lanes=2) == {"busy lanes, by the worker"}
    assert left(pool_open=4) == {"database connections of the pool"}
    assert left(pool_open=4, is_pool_given_up=False) == set()
    assert set(not_back(before, one_file, is_pool_given_up=True)) == {"files of the worker"}
