"""Who is let in, and what a busy machine leaves out."""

import asyncio
from dataclasses import replace

import pytest

from service.dictation.asking import Asking, is_crowded
from service.dictation.wire import CloseCode
from service.operations.admission import Admission, partial_slowdown
from service.problems import Refused
from tests.workers.windows import window
from workers.contract.queue import Load
from workers.contract.requests import Answer, Hypothesis, Priority, Request

IDLE = Load(
    waiting={"final": 0, "speculative": 0, "file": 0, "partial": 0},
    waiting_audio_s=0.0,
    queue_ms=0.0,
    backlog_ms=0.0,
    final_backlog_ms=0.0,
    busy_lanes=0,
    lanes=2,
    ready=True,
)
ADMISSION = Admission(max_sessions=10, max_queue_s=20.0)


def waiting(**counts: int) -> Load:
    return replace(IDLE, waiting={**IDLE.waiting, **counts}, busy_lanes=2)


def test_an_idle_server_lets_people_in_also_while_its_model_loads() -> None:
    ADMISSION.admit(sessions=0, load=IDLE, draining=False)
    ADMISSION.admit(sessions=9, load=replace(IDLE, ready=False, lanes=0), draining=False)


@pytest.mark.parametrize(
    ("sessions", "load", "code", "retry_after_ms"),
    [
        (10, IDLE, "server.full", 5_000),
        (1, replace(IDLE, queue_ms=20_001.0), "server.overloaded", 20_001),
        (1, replace(IDLE, final_backlog_ms=33_000.0), "server.overloaded", 33_000),
    ],
    ids=["full", "finals are late", "finals will be late"],
)
def test_a_refusal_says_when_to_come_back(
    sessions: int, load: Load, code: str, retry_after_ms: int
) -> None:
    with pytest.raises(Refused) as refused:
        ADMISSION.admit(sessions=sessions, load=load, draining=False)

    assert refused.value.code == code
    assert refused.value.close_code == CloseCode.OVERLOADED
    assert refused.value.retry_after_ms == retry_after_ms


def test_nobody_is_let_in_to_a_server_that_stops() -> None:
    with pytest.raises(Refused) as refused:
        ADMISSION.admit(sessions=0, load=IDLE, draining=True)

    assert refused.value.code == "server.draining"
    assert refused.value.close_code == CloseCode.DRAINING
    assert refused.value.retry_after_ms == 2_000


@pytest.mark.parametrize(
    ("load", "slowdown"),
    [
        (IDLE, 1),
        (replace(IDLE, ready=False), 0),
        (waiting(partial=5), 2),
        (replace(IDLE, queue_ms=150.0), 4),
        (replace(IDLE, queue_ms=1_000.0), 0),
    ],
)
def test_partials_give_way_to_finals(load: Load, slowdown: int) -> None:
    assert partial_slowdown(load) == slowdown


@pytest.mark.parametrize(
    "load",
    [
        replace(IDLE, busy_lanes=1),
        replace(IDLE, busy_lanes=1, lanes=1),
        replace(IDLE, busy_lanes=3, lanes=4),
        replace(waiting(final=1), busy_lanes=0, lanes=1),
        replace(waiting(speculative=1), busy_lanes=0),
    ],
)
def test_speculation_wants_an_idle_lane(load: Load) -> None:
    assert is_crowded(load)


@pytest.mark.parametrize(
    "load",
    [
        IDLE,
        replace(IDLE, lanes=1),
        replace(IDLE, busy_lanes=2, lanes=4),
        replace(waiting(file=9), busy_lanes=0),
    ],
    ids=["idle", "idle with one lane", "two lanes of four are free", "files wait"],
)
def test_a_machine_with_time_to_spare_speculates(load: Load) -> None:
    assert not is_crowded(load)


class Queue:
    """A queue that says how busy it is told to be, and answers at once."""

    def __init__(self, load: Load) -> None:
        self.submitted: list[str] = []
        self._load = load

    def load(self) -> Load:
        return self._load

    async def submit(self, request: Request) -> Answer:
        self.submitted.append(request.id)
        return Hypothesis(request=request.id, text="", language="ru")


@pytest.mark.parametrize(
    ("load", "asked"), [(IDLE, ["ahead", "final"]), (waiting(final=3), ["final"])]
)
async def test_a_crowded_machine_is_asked_for_finals_only(load: Load, asked: list[str]) -> None:
    queue = Queue(load)
    answered: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        asking = Asking(
            tasks, queue, clock=lambda: 0.0, answered=lambda r, _: answered.append(r.id)
        )
        asking.ask(window("ahead", priority=Priority.SPECULATIVE), after_s=0)
        asking.ask(window("final", priority=Priority.FINAL), after_s=0)

    assert queue.submitted == answered == asked
