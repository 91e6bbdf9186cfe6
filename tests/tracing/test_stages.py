"""What is told of an utterance, for each way it can go; and that nothing is where nobody asked."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from service.dictation.outputs import GaveUp, ShowFinal
from service.dictation.tracing import TracedSession, Untraced, traced_by
from service.settings import Settings
from tests.workers.windows import window
from workers.contract.codec import decode, encode
from workers.contract.engine import Job, Plan
from workers.contract.queue import Load
from workers.contract.requests import Answer, Cost, Failure, Hypothesis, Priority, Request
from workers.contract.traces import Context, Stage
from workers.scheduling.batching import Batch
from workers.tracing import BatchTimes, BatchTraces, open_traces


class Told:
    """Traces, kept."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._contexts = 0

    def context(self) -> Context:
        self._contexts += 1
        return f"context {self._contexts}"

    def tell(self, stage: Stage) -> None:
        self.stages.append(stage)

    def times(self) -> dict[str, tuple[float, float]]:
        return {stage.name: (stage.began, stage.ended) for stage in self.stages}


class Queue:
    """Answers after the time that passes meanwhile."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.now = 0.0
        self.takes_s = 0.5
        self.failures = 0

    def load(self) -> Load:
        raise NotImplementedError

    async def submit(self, request: Request) -> Answer:
        self.asked.append(request)
        self.now += self.takes_s
        if self.failures:
            self.failures -= 1
            return Failure(request=request.id, code="engine.failed", message="", retryable=True)
        cost = Cost(queue_ms=200, recognise_ms=250)
        return Hypothesis(request=request.id, text="да", language="ru", cost=cost)


def made() -> tuple[TracedSession, Queue, Told]:
    queue, told = Queue(), Told()
    return TracedSession(queue, traces=told, clock=lambda: queue.now), queue, told


def shown(answer: Answer, start: int = 0, end: int = 32_000) -> ShowFinal:
    assert isinstance(answer, Hypothesis)
    return ShowFinal(utterance=0, start=start, end=end, hypothesis=answer)


async def hear(session: TracedSession, queue: Queue, *, seconds: float) -> None:
    """Take in audio as it is spoken, in messages of a tenth of a second."""
    for tenth in range(1, round(seconds * 10) + 1):
        queue.now = tenth / 10
        session.heard(tenth * 1600)


async def test_the_stages_of_an_utterance_follow_each_other() -> None:
    session, queue, told = made()
    await hear(session, queue, seconds=2.8)

    answer = await session.submit(window("f"))
    session.shown(shown(answer))
    queue.now += 0.1
    session.stored(0)

    assert told.times() == {
        "speech": (0.1, 2.0),
        "endpointing": (2.0, 2.8),
        "queue": (2.8, 3.0),
        "sending": (3.3, 3.3),
        "storing": (3.3, 3.4),
        "utterance": (0.1, pytest.approx(3.4)),
    } | {"storing": (3.3, pytest.approx(3.4))}
    assert queue.asked[0].trace == "context 1"
    *parts, root = told.stages
    assert {part.parent for part in parts} == {"context 1"} == {root.context}
    assert root.figures["audio.seconds"] == 2.0
    assert root.figures["outcome"] == "text"
    assert not root.figures["speculative"]


async def test_a_final_decoded_ahead_waits_for_the_end_of_its_utterance() -> None:
    session, queue, told = made()
    await hear(session, queue, seconds=2.2)

    answer = await session.submit(window("f", priority=Priority.SPECULATIVE))
    queue.now = 2.8
    session.shown(shown(answer))

    times = told.times()
    assert times["queue"] == (2.2, pytest.approx(2.4))
    assert times["endpointing"] == (2.0, 2.8)
    assert times["sending"] == (2.8, 2.8)


async def test_what_was_tried_again_counts_from_the_attempt_that_was_answered() -> None:
    session, queue, told = made()
    queue.failures = 1

    await session.submit(window("f"))
    answer = await session.submit(window("f"))
    session.shown(shown(answer))

    assert told.times()["queue"] == (0.5, 0.7)
    assert {request.trace for request in queue.asked} == {"context 1"}


async def test_partials_are_not_traced() -> None:
    session, queue, told = made()

    await session.submit(window("p", priority=Priority.PARTIAL))

    assert queue.asked[0].trace == ""
    assert not told.stages


async def test_an_utterance_that_is_given_up_or_left_is_told_of_once() -> None:
    session, _, told = made()
    await session.submit(window("a"))
    session.given_up(GaveUp(utterance=0, code="engine.failed", message=""))
    await session.submit(window("b"))
    session.ended()
    session.ended()

    assert [(s.name, s.failed, s.figures["outcome"]) for s in told.stages] == [
        ("utterance", "engine.failed", "given_up"),
        ("utterance", "", "left"),
    ]


def test_a_batch_tells_only_of_windows_that_are_traced() -> None:
    told = Told()
    plan = Plan(window_samples=48_000)
    traced, other = replace(window("a"), trace="utterance a"), window("b")
    jobs = tuple(Job(request=request, plan=plan) for request in (traced, other))
    batch = Batch(number=1, jobs=jobs, priority=Priority.FINAL, taken_at=0.0, engine=0)
    times = BatchTimes(began=1, recognised=2, finishing=2, ended=3, finished=frozenset({"a", "b"}))

    batches = BatchTraces(told, lambda _: "base")
    batches.ended(batch, times)
    batches.ended(replace(batch, jobs=jobs[1:]), times)

    whole, part, finishing = told.stages
    assert (whole.name, whole.links, whole.parent) == ("batch", ("utterance a",), "")
    assert whole.figures["batch.windows"] == 2
    assert (part.name, part.parent, part.links) == ("recognise", "utterance a", (whole.context,))
    assert (finishing.began, finishing.ended, finishing.parent) == (2, 3, "utterance a")


def test_a_trace_goes_with_its_request_and_is_no_duty() -> None:
    request = replace(window("a"), trace="00-" + "1" * 32 + "-" + "2" * 16 + "-01")

    assert decode(encode(request), Request) == request
    older = encode(window("a")).replace(b"\xa5trace\xa0", b"\xa5other\xa0")
    assert decode(older, Request).trace == ""


async def test_nobody_is_told_where_nobody_asked() -> None:
    async with open_traces(None, role="service", clock=lambda: 0.0) as traces:
        assert traces is None
    assert traced_by(None, lambda: 0.0) is Untraced


@pytest.mark.parametrize("name", ["ALFAVOICE_TRACES_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_both_names_of_the_collector_are_known(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://collector:4318")

    assert Settings().traces_url == "http://collector:4318"


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        # FastAPI itself loads the interfaces, which do nothing.
        ("service.app, service.recogniser", "opentelemetry.sdk opentelemetry.exporter"),
        ("service.recogniser, workers.serving, workers.__main__", "opentelemetry"),
    ],
    ids=["service", "worker"],
)
def test_a_program_that_traces_nothing_loads_nothing_for_it(modules: str, forbidden: str) -> None:
    program = f"""
import asyncio, sys
import {modules}
from service.settings import Settings
async def main():
    async with service.recogniser.tracing(Settings()) as traces:
        assert traces is None
asyncio.run(main())
loaded = [name for name in sys.modules if name.startswith(tuple({forbidden!r}.split()))]
assert not loaded, loaded
"""
    free = {name: value for name, value in os.environ.items() if "OTEL" not in name}
    subprocess.run([sys.executable, "-c", program], env=free, check=True, timeout=120)


async def test_without_the_extra_it_is_said_and_all_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "workers.otlp", None)

    async with open_traces("http://127.0.0.1:9", role="service", clock=lambda: 0.0) as traces:
        assert traces is None
