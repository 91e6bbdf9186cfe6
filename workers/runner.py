"""Takes batches from a queue, has engines recognise them, and answers.

One task a lane: a lane asks the queue only when its engine is ready and it has nothing to do, so
what waits stays in the scheduler, where a more urgent window can still overtake it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from workers.contract.audio import seconds
from workers.contract.engine import Job, Outcome
from workers.contract.errors import EngineFailed, EngineUnusable
from workers.contract.requests import Answer
from workers.scheduling.batching import Batch
from workers.scheduling.priorities import KIND_NAMES

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


class Meter(Protocol):
    """Who counts what happens."""

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
        meter: Meter,
        clock: Callable[[], float],
    ) -> None:
        self._work = work
        self._engines = engines
        self._meter = meter
        self._clock = clock

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
                group.create_task(self._run_lane(number, engine))
        self._work.release(engine=number)

    async def _run_lane(self, number: int, engine: EngineHost) -> None:
        while True:
            try:
                await engine.wait_ready()
            except EngineUnusable:
                return
            batch = await self._work.take(engine=number)
            if not engine.ready:  # it ended while this lane waited for work
                self._work.give_back(batch)
                continue
            await self._recognise(engine, batch)

    async def _recognise(self, engine: EngineHost, batch: Batch) -> None:
        started = self._clock()
        try:
            outcomes = await engine.recognise(batch.jobs)
        except EngineFailed:
            failures = self._work.broke(batch)
            self._meter.batch_broke(batch, failures)
            log.warning("batch_broke", windows=len(batch.jobs), given_up=len(failures))
            return
        elapsed_s = self._clock() - started
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
