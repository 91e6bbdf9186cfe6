"""The promises of `TranscriptionQueue`, for every adapter."""

import asyncio
from time import monotonic

import pytest

from tests.workers.conftest import GatedEngine, QueueAdapter, until
from tests.workers.windows import window
from workers.contract.errors import QueueClosed, QueueFull
from workers.contract.requests import Answer, Failure, Hypothesis, Priority
from workers.scheduling.batching import BatchLimits
from workers.scheduling.priorities import Room
from workers.scheduling.scheduler import SchedulerLimits

ONE_BY_ONE = SchedulerLimits(batch=BatchLimits(windows=1))


def code(answer: Answer) -> str:
    assert isinstance(answer, Failure)
    return answer.code


def text(answer: Answer) -> str:
    assert isinstance(answer, Hypothesis)
    return answer.text


async def test_every_request_gets_its_own_answer(adapter: QueueAdapter) -> None:
    engine = GatedEngine(lanes=2)
    engine.open()
    async with adapter(engine, SchedulerLimits()) as queue:
        names = [f"w{n}" for n in range(40)]
        answers = await asyncio.gather(*(queue.submit(window(name)) for name in names))

    assert [text(answer) for answer in answers] == [f"text of {name}" for name in names]
    assert [answer.request for answer in answers] == names


async def test_windows_that_arrive_together_share_a_batch(adapter: QueueAdapter) -> None:
    engine = GatedEngine()
    engine.open()
    async with adapter(engine, SchedulerLimits()) as queue:
        await asyncio.gather(*(queue.submit(window(f"w{n}")) for n in range(8)))

    assert engine.seen == [[f"w{n}" for n in range(8)]]


async def test_an_answer_comes_also_when_the_recogniser_dies_meanwhile(
    adapter: QueueAdapter,
) -> None:
    engine = GatedEngine()
    engine.breaks_left = 1
    engine.open()
    async with adapter(engine, SchedulerLimits()) as queue:
        answers = await asyncio.gather(*(queue.submit(window(name)) for name in "ab"))

    assert [text(answer) for answer in answers] == ["text of a", "text of b"]
    assert engine.seen == [["a", "b"], ["a"], ["b"]]


@pytest.mark.parametrize("priority", [Priority.FINAL, Priority.FILE])
async def test_finals_and_files_wait_for_room_and_none_is_dropped(
    adapter: QueueAdapter, priority: Priority
) -> None:
    engine = GatedEngine()
    limits = SchedulerLimits(batch=BatchLimits(windows=1), room=Room(final=2, file=2))
    async with adapter(engine, limits) as queue, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(queue.submit(window(f"w{n}", priority=priority))) for n in range(12)
        ]
        await until(lambda: sum(queue.load().waiting.values()) == 11)
        engine.open()
        answers = [await task for task in tasks]

    assert [text(answer) for answer in answers] == [f"text of w{n}" for n in range(12)]
    assert sorted(engine.seen) == sorted([f"w{n}"] for n in range(12))


async def test_room_goes_first_to_the_user_who_has_least_waiting(adapter: QueueAdapter) -> None:
    engine = GatedEngine()
    limits = SchedulerLimits(batch=BatchLimits(windows=1), room=Room(file=3))
    async with adapter(engine, limits) as queue, asyncio.TaskGroup() as group:
        for n in range(8):
            group.create_task(queue.submit(window(f"a{n}", user="a", priority=Priority.FILE)))
        await until(lambda: queue.load().waiting["file"] == 7)
        group.create_task(queue.submit(window("b", user="b", priority=Priority.FILE)))
        await until(lambda: queue.load().waiting["file"] == 8)
        engine.open()

    assert engine.seen.index(["b"]) <= 4


async def test_a_newer_partial_replaces_the_waiting_one(adapter: QueueAdapter) -> None:
    engine = GatedEngine()
    async with adapter(engine, ONE_BY_ONE) as queue, asyncio.TaskGroup() as group:
        busy = group.create_task(queue.submit(window("busy")))
        await until(lambda: engine.seen == [["busy"]])
        partials = [
            group.create_task(
                queue.submit(window(f"p{n}", session="s", revision=n, priority=Priority.PARTIAL))
            )
            for n in range(3)
        ]
        assert code(await partials[0]) == "request.replaced"
        assert code(await partials[1]) == "request.replaced"
        engine.open()
        assert text(await partials[2]) == "text of p2"
        assert text(await busy) == "text of busy"


async def test_the_same_id_twice_is_one_piece_of_work_with_the_more_urgent_priority(
    adapter: QueueAdapter,
) -> None:
    engine = GatedEngine()
    async with adapter(engine, ONE_BY_ONE) as queue, asyncio.TaskGroup() as group:
        group.create_task(queue.submit(window("busy")))
        await until(lambda: engine.seen == [["busy"]])
        first = group.create_task(queue.submit(window("x", priority=Priority.SPECULATIVE)))
        group.create_task(queue.submit(window("between", priority=Priority.SPECULATIVE)))
        await until(lambda: queue.load().waiting["speculative"] == 2)
        second = group.create_task(queue.submit(window("x", priority=Priority.FINAL)))
        await until(lambda: queue.load().waiting["final"] == 1)
        engine.open()
        assert text(await first) == text(await second) == "text of x"

    assert engine.seen == [["busy"], ["x"], ["between"]]


async def test_a_request_in_a_batch_can_be_joined(adapter: QueueAdapter) -> None:
    engine = GatedEngine()
    async with adapter(engine, ONE_BY_ONE) as queue, asyncio.TaskGroup() as group:
        first = group.create_task(queue.submit(window("x", priority=Priority.SPECULATIVE)))
        await until(lambda: engine.seen == [["x"]])
        second = group.create_task(queue.submit(window("x", priority=Priority.FINAL)))
        await asyncio.sleep(0)
        engine.open()
        assert text(await first) == text(await second) == "text of x"

    assert engine.seen == [["x"]]


async def test_a_cancelled_request_is_withdrawn_unless_somebody_else_waits_for_it(
    adapter: QueueAdapter,
) -> None:
    engine = GatedEngine()
    async with adapter(engine, ONE_BY_ONE) as queue, asyncio.TaskGroup() as group:
        group.create_task(queue.submit(window("busy")))
        await until(lambda: engine.seen == [["busy"]])
        alone = group.create_task(queue.submit(window("alone")))
        leaving = group.create_task(queue.submit(window("shared")))
        staying = group.create_task(queue.submit(window("shared")))
        await until(lambda: queue.load().waiting["final"] == 2)
        alone.cancel()
        leaving.cancel()
        await until(lambda: queue.load().waiting["final"] == 1)
        engine.open()
        assert text(await staying) == "text of shared"

    assert engine.seen == [["busy"], ["shared"]]


async def test_a_cancelled_request_in_a_batch_disturbs_nobody(adapter: QueueAdapter) -> None:
    engine = GatedEngine()
    engine.breaks_left = 1
    async with adapter(engine, SchedulerLimits()) as queue, asyncio.TaskGroup() as group:
        leaving = group.create_task(queue.submit(window("leaving")))
        staying = group.create_task(queue.submit(window("staying")))
        await until(lambda: engine.seen == [["leaving", "staying"]])
        leaving.cancel()
        engine.open()
        assert text(await staying) == "text of staying"

    assert engine.seen == [["leaving", "staying"], ["staying"]], "nobody waits for it any more"


async def test_what_expires_is_answered_while_every_lane_is_busy(adapter: QueueAdapter) -> None:
    engine = GatedEngine()
    async with adapter(engine, ONE_BY_ONE) as queue, asyncio.TaskGroup() as group:
        group.create_task(queue.submit(window("busy")))
        await until(lambda: engine.seen == [["busy"]])
        soon = monotonic() + 0.02
        late = window("late", priority=Priority.PARTIAL, deadline=soon)
        assert code(await queue.submit(late)) == "request.expired"
        engine.open()

    assert engine.seen == [["busy"]]


async def test_over_the_limit_partials_are_shed_and_speculation_is_refused(
    adapter: QueueAdapter,
) -> None:
    engine = GatedEngine()
    limits = SchedulerLimits(batch=BatchLimits(windows=1), room=Room(partial=1, speculative=1))
    async with adapter(engine, limits) as queue, asyncio.TaskGroup() as group:
        group.create_task(queue.submit(window("busy")))
        await until(lambda: engine.seen == [["busy"]])
        older = group.create_task(queue.submit(window("older", priority=Priority.PARTIAL)))
        await until(lambda: queue.load().waiting["partial"] == 1)
        group.create_task(queue.submit(window("newer", priority=Priority.PARTIAL)))
        assert code(await older) == "request.shed"
        group.create_task(queue.submit(window("s1", priority=Priority.SPECULATIVE)))
        await until(lambda: queue.load().waiting["speculative"] == 1)
        with pytest.raises(QueueFull):
            await queue.submit(window("s2", priority=Priority.SPECULATIVE))
        engine.open()


async def test_after_close_waiting_requests_are_answered_and_new_ones_refused(
    adapter: QueueAdapter,
) -> None:
    engine = GatedEngine()
    limits = SchedulerLimits(batch=BatchLimits(windows=1), room=Room(final=1))
    async with adapter(engine, limits) as queue, asyncio.TaskGroup() as group:
        running = group.create_task(queue.submit(window("running")))
        await until(lambda: engine.seen == [["running"]])
        waiting = group.create_task(queue.submit(window("waiting")))
        await until(lambda: queue.load().waiting["final"] == 1)
        for_room = asyncio.gather(queue.submit(window("outside")), return_exceptions=True)
        await until(lambda: queue.load().waiting["final"] == 2)
        queue.close()

        assert code(await waiting) == "queue.closed"
        assert isinstance((await for_room)[0], QueueClosed)
        with pytest.raises(QueueClosed):
            await queue.submit(window("new"))
        engine.open()
        assert text(await running) == "text of running"


async def test_the_load_says_what_waits_and_what_runs(adapter: QueueAdapter) -> None:
    engine = GatedEngine(lanes=2)
    async with adapter(engine, ONE_BY_ONE) as queue, asyncio.TaskGroup() as group:
        for name in ("f1", "f2", "f3"):
            group.create_task(queue.submit(window(name, samples=32_000)))
        await until(lambda: queue.load().busy_lanes == 2)
        load = queue.load()
        assert load.waiting == {"final": 1, "speculative": 0, "file": 0, "partial": 0}
        assert load.waiting_audio_s == 2.0
        assert load.queue_ms > 0
        assert (load.lanes, load.ready) == (2, True)
        engine.open()
        await until(lambda: queue.load().busy_lanes == 0)
        assert queue.load().waiting_audio_s == 0.0
