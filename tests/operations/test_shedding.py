"""What gives way as more and more people speak: partials, then files, then new sessions, never finals."""

import asyncio
from dataclasses import replace

import pytest

from service.operations.admission import Admission, partial_slowdown
from service.problems import Refused
from service.recordings import room
from service.recordings.room import WindowRoom
from tests.workers.windows import plan_by_length, window
from workers.contract.engine import Outcome
from workers.contract.queue import Load
from workers.contract.requests import Answer, Hypothesis, Priority
from workers.queues.local import LocalQueue
from workers.scheduling.batching import Batch, BatchLimits
from workers.scheduling.scheduler import Scheduler, SchedulerLimits

TICK_S = 0.25
BATCH_S = 1.0
"""One window after the other, as on a slow machine."""
ADMISSION = Admission(max_sessions=1000, max_queue_s=20.0)


class Machine:
    """A queue with one lane, on a clock of its own; everything real but the recognising."""

    def __init__(self) -> None:
        self.now = 0.0
        limits = SchedulerLimits(batch=BatchLimits(windows=1))
        self.queue = LocalQueue(Scheduler(limits), plan_by_length, clock=lambda: self.now)
        self.queue.announce(lanes=1)
        self._batch: Batch | None = None

    @property
    def load(self) -> Load:
        return self.queue.load()

    async def tick(self) -> None:
        """Let a quarter of a second pass."""
        await settle()
        self.now += TICK_S
        if self._batch and self.now - self._batch.taken_at >= BATCH_S:
            said: list[Outcome] = [
                Hypothesis(request=job.request.id, text="да", language="ru")
                for job in self._batch.jobs
            ]
            self.queue.settle(self._batch, said)
            self._batch = None
        self._batch = self._batch or self.queue.take_now(engine=0, lanes_free=1)
        await settle()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def refusal(load: Load, *, is_file: bool = False) -> Refused | None:
    try:
        ADMISSION.admit(sessions=1, load=load, draining=False, is_file=is_file)
    except Refused as refused:
        return refused
    return None


def admits(load: Load, *, is_file: bool = False) -> bool:
    refused = refusal(load, is_file=is_file)
    if refused is None:
        return True
    assert (refused.code, refused.close_code) == ("server.overloaded", 1013)
    assert (refused.retry_after_ms or 0) >= 5_000
    return False


async def test_partials_go_first_then_files_then_new_sessions_and_never_a_final() -> None:
    machine = Machine()
    gave_way: dict[str, float] = {}
    came_back: dict[str, float] = {}
    finals: list[asyncio.Task[Answer]] = []

    def look(now: float, load: Load) -> None:
        open_to = {
            "partials": partial_slowdown(load) > 0,
            "files": ADMISSION.admits_files(load) and admits(load, is_file=True),
            "sessions": admits(load),
        }
        for what, is_open in open_to.items():
            if not is_open:
                gave_way.setdefault(what, now)
                came_back.pop(what, None)
            elif what in gave_way:
                came_back.setdefault(what, now)

    async with asyncio.TaskGroup() as tasks:
        # Two windows of a second each second: twice what the lane can do, for forty seconds.
        for tick in range(160):
            if tick % 2 == 0:
                name = f"final {tick}"
                final = window(name, session=name, user=name)
                finals.append(tasks.create_task(machine.queue.submit(final)))
            await machine.tick()
            look(machine.now, machine.load)
        while not all(final.done() for final in finals):
            await machine.tick()
            look(machine.now, machine.load)

    assert list(gave_way) == ["partials", "files", "sessions"]
    assert len(set(gave_way.values())) == 3
    assert came_back["sessions"] <= came_back["files"] <= came_back["partials"]
    answers = [final.result() for final in finals]
    assert len(answers) == 80
    assert all(isinstance(answer, Hypothesis) for answer in answers)


async def test_files_that_wait_turn_nobody_away() -> None:
    machine = Machine()
    async with asyncio.TaskGroup() as tasks:
        waiting = [
            tasks.create_task(
                machine.queue.submit(
                    window(f"{n}", samples=480_000, priority=Priority.FILE, user=f"{n}")
                )
            )
            for n in range(30)
        ]
        for _ in range(8):  # the pace is known once something was recognised
            await machine.tick()
        load = machine.load
        for task in waiting:
            task.cancel()

    assert load.backlog_ms > 1000 * ADMISSION.max_queue_s
    assert load.final_backlog_ms == 0
    assert admits(load)
    assert not admits(load, is_file=True), "one more would wait behind all of them"


@pytest.mark.parametrize("max_queue_s", [1.0, 2.0, 20.0, 300.0])
def test_the_order_holds_for_every_limit_from_a_second_on(max_queue_s: float) -> None:
    admission = Admission(max_sessions=1, max_queue_s=max_queue_s)
    idle = Machine().load

    for queue_ms in (0.0, 400.0, 900.0, 1500.0, 4_000.0, 6_000.0, 30_000.0, 400_000.0):
        load = replace(idle, queue_ms=queue_ms)
        if not admission.admits_files(load):
            assert partial_slowdown(load) == 0
        if queue_ms > max_queue_s * 1000:
            assert not admission.admits_files(load)


async def test_a_recording_goes_on_when_people_had_their_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "LOOK_AGAIN_S", 0.001)
    idle = Machine().load
    loads = [replace(idle, queue_ms=6_000.0)] * 3
    begun_under: list[float] = []

    def load() -> Load:
        now = loads.pop(0) if loads else idle
        begun_under.append(now.queue_ms)
        return now

    windows = WindowRoom(2, load, ADMISSION.admits_files)

    async with windows.window():
        begun = begun_under[-1]

    assert begun == 0
    assert begun_under[:3] == [6_000.0] * 3
