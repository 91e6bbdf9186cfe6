"""Takes batches from a queue, has engines recognise them, and answers.

One task a lane: a lane asks the queue only when its engine is ready and it has nothing to do, so
what waits stays in the scheduler, where a more urgent window can still overtake it. While the text
of a batch is finished, its lane recognises the next one; no lane has more than one such behind it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from workers.contract.audio import seconds
from workers.contract.engine import Job, Outcome
from workers.contract.errors import EngineFailed, EngineUnusable
from workers.contract.finishing import Finished
from workers.contract.requests import Answer, Hypothesis, Priority
from workers.contract.texts import Text
from workers.scheduling.batching import Batch
from workers.scheduling.priorities import KIND_NAMES
from workers.tracing import BatchTimes, BatchTraces

log = structlog.get_logger()


class Work(Protocol):
    """The lanes' side of a queue."""

    async def take(self, *, engine: int) -> Batch:
        """Wait for a batch for one free lane of an engine."""
        ...

    def settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> list[Answer]:
        """End a batch with its outcomes; give the answers that went out."""
        ...

    def broke(self, batch: Batch) -> list[Answer]:
        """End a batch whose engine broke; give the answers that went out."""
        ...

    def give_back(self, batch: Batch) -> None:
        """End a batch that was never started."""
        ...

    def announce(self, *, lanes: int) -> None:
        """Say how many lanes are ready."""
        ...

    def release(self, *, engine: int) -> None:
        """Say that an engine takes no more batches, for good."""
        ...

    def close(self) -> None:
        """Refuse new work and answer what waits."""
        ...


class EngineHost(Protocol):
    """A supervised engine; see `workers.process.EngineProcess`."""

    @property
    def lanes(self) -> int:
        """Batches it can recognise at once."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it can be given a batch."""
        ...

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep it alive; call `changed` when `ready` changed."""
        ...

    async def wait_ready(self) -> None:
        """Wait until it is ready; raises `EngineUnusable` when it never will be."""
        ...

    async def recognise(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Recognise a batch; raises `EngineFailed`."""
        ...


class Texts(Protocol):
    """Finishes the texts of a batch; see `workers.finishing.Finisher`."""

    async def finish_live(self, texts: Sequence[Text]) -> list[Finished | None]:
        """Finish texts; None: it could not be finished."""
        ...


class Meter(Protocol):
    """Who counts what happens."""

    def texts_finished(self, *, elapsed_s: float) -> None:
        """Count the finished texts of a batch."""
        ...

    def texts_failed(self, texts: int) -> None:
        """Count texts that are given as they were recognised, because the pipeline failed."""
        ...

    def batch_ended(self, batch: Batch, answers: Sequence[Answer], *, elapsed_s: float) -> None:
        """Count a recognised batch."""
        ...

    def batch_broke(self, batch: Batch, answers: Sequence[Answer]) -> None:
        """Count a batch whose engine broke."""
        ...


class Runner:
    """Runs the lanes of one or more engines on one queue."""

    def __init__(
        self,
        work: Work,
        engines: Sequence[EngineHost],
        *,
        texts: Texts,
        meter: Meter,
        clock: Callable[[], float],
        traces: BatchTraces | None = None,
    ) -> None:
        self._work = work
        self._engines = engines
        self._texts = texts
        self._meter = meter
        self._clock = clock
        self._traces = traces
        self._busy_lanes = 0

    @property
    def busy_lanes(self) -> int:
        """Batches recognised at this moment."""
        return self._busy_lanes

    async def run(self) -> None:
        """Recognise until cancelled, or until no engine is usable; then the queue is closed."""
        async with asyncio.TaskGroup() as group:
            for number, engine in enumerate(self._engines):
                group.create_task(self._run_engine(number, engine))
        self._work.close()

    async def _run_engine(self, number: int, engine: EngineHost) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.run(self._announce))
            for _ in range(engine.lanes):
                group.create_task(self._run_lane(number, engine, group))
        self._work.release(engine=number)

    async def _run_lane(self, number: int, engine: EngineHost, tasks: asyncio.TaskGroup) -> None:
        behind: asyncio.Task[None] | None = None
        while True:
            try:
                await engine.wait_ready()
            except EngineUnusable:
                return
            batch = await self._work.take(engine=number)
            if not engine.ready:  # it ended while this lane waited for work
                self._work.give_back(batch)
                continue
            recognised = await self._recognise(engine, batch)
            if recognised is None:
                continue
            outcomes, times = recognised
            wanting = _wanting(batch, outcomes)
            if not wanting:
                self._settle(batch, outcomes, times)
                continue
            if behind is not None:
                await behind
            behind = tasks.create_task(self._finish(batch, outcomes, wanting, times))

    async def _recognise(
        self, engine: EngineHost, batch: Batch
    ) -> tuple[list[Outcome], BatchTimes] | None:
        """Recognise a batch; None: its engine broke, and that is dealt with."""
        started = self._clock()
        self._busy_lanes += 1
        try:
            outcomes = await engine.recognise([_bare(job) for job in batch.jobs])
        except EngineFailed:
            failures = self._work.broke(batch)
            self._meter.batch_broke(batch, failures)
            log.warning("batch_broke", windows=len(batch.jobs), given_up=len(failures))
            if self._traces is not None:
                now = self._clock()
                times = BatchTimes(began=started, recognised=now, finishing=now, ended=now)
                self._traces.ended(batch, times, failed=EngineFailed.code)
            return None
        finally:
            self._busy_lanes -= 1
        now = self._clock()
        return outcomes, BatchTimes(began=started, recognised=now, finishing=now, ended=now)

    async def _finish(
        self,
        batch: Batch,
        outcomes: list[Outcome],
        wanting: Sequence[tuple[int, Text]],
        times: BatchTimes,
    ) -> None:
        """Finish the texts of a batch, then end it; a text that fails is worth no final."""
        started = self._clock()
        texts = await self._texts.finish_live([text for _, text in wanting])
        ended = self._clock()
        self._meter.texts_finished(elapsed_s=ended - started)
        for (place, _), text in zip(wanting, texts, strict=True):
            outcome = outcomes[place]
            assert isinstance(outcome, Hypothesis)  # noqa: S101 - `_wanting` looked
            outcomes[place] = replace(outcome, finished=text)
        if raw := texts.count(None):
            log.warning("texts_left_raw", texts=raw)
            self._meter.texts_failed(raw)
        finished = frozenset(outcomes[place].request for place, _ in wanting)
        times = replace(times, finishing=started, ended=ended, finished=finished)
        self._settle(batch, outcomes, times)

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome], times: BatchTimes) -> None:
        elapsed_s = times.recognised - times.began
        if self._traces is not None:
            self._traces.ended(batch, times)
        answers = self._work.settle(batch, outcomes)
        self._meter.batch_ended(batch, answers, elapsed_s=elapsed_s)
        log.debug(
            "batch_recognised",
            kind=KIND_NAMES[batch.priority],
            engine=batch.engine,
            windows=len(batch.jobs),
            window_s=seconds(batch.plan.window_samples),
            attempt=batch.plan.attempt,
            recognise_ms=round(elapsed_s * 1000, 1),
            real_time_factor=round(elapsed_s / seconds(batch.audio_samples), 4),
            answered=len(answers),
        )

    def _announce(self) -> None:
        self._work.announce(lanes=sum(e.lanes for e in self._engines if e.ready))


def _bare(job: Job) -> Job:
    """Leave out what an engine has no use for: a dictionary may be larger than the audio."""
    request = job.request
    if request.profile.finishing is None:
        return job
    return replace(job, request=replace(request, profile=replace(request.profile, finishing=None)))


def _wanting(batch: Batch, outcomes: Sequence[Outcome]) -> list[tuple[int, Text]]:
    """Give the places of the texts that are to be finished, and the texts."""
    found = []
    for place, (job, outcome) in enumerate(zip(batch.jobs, outcomes, strict=True)):
        finishing = job.request.profile.finishing
        if finishing is None or job.request.priority is Priority.PARTIAL:
            continue
        if isinstance(outcome, Hypothesis) and outcome.text:
            text = Text(
                text=outcome.text,
                words=outcome.words,
                language=outcome.language,
                finishing=finishing,
            )
            found.append((place, text))
    return found
