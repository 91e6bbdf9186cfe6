"""What the tests of the workers share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry

from tests.workers.nats_server import NatsServer
from tests.workers.windows import plan_by_length
from workers.contract.engine import EngineDescription, Job, Outcome
from workers.contract.errors import EngineFailed
from workers.contract.queue import TranscriptionQueue
from workers.contract.requests import Hypothesis
from workers.finishing import Finisher
from workers.metrics import WorkerMetrics
from workers.queues.local import LocalQueue
from workers.queues.nats.access import NatsAccess
from workers.remote import remote_workers
from workers.runner import Runner
from workers.scheduling.scheduler import Scheduler, SchedulerLimits
from workers.serving import worker


async def until(condition: Callable[[], bool], *, within_s: float = 30.0) -> None:
    """Wait for a condition; fail when it does not come about."""
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, "the condition did not come about"
        await asyncio.sleep(0.002)


class GatedEngine:
    """An engine in this process that finishes batches when the test says so."""

    def __init__(self, *, lanes: int = 1) -> None:
        self.lanes = lanes
        self.ready = True
        self.seen: list[list[str]] = []
        """Ids of the windows of every batch, in the order they came."""
        self.breaks_left = 0
        self.restarts = 0
        self._open = asyncio.Event()

    def open(self) -> None:
        """Let batches finish, those held and those to come."""
        self._open.set()

    @property
    def description(self) -> EngineDescription | None:
        return None

    async def run(self, changed: Callable[[], None]) -> None:
        changed()

    async def wait_ready(self) -> None:
        return

    async def recognise(self, jobs: Sequence[Job]) -> list[Outcome]:
        self.seen.append([job.request.id for job in jobs])
        await self._open.wait()
        if self.breaks_left:
            self.breaks_left -= 1
            raise EngineFailed("broken for the test")
        return [
            Hypothesis(request=j.request.id, text=f"text of {j.request.id}", language="ru")
            for j in jobs
        ]


class ClosableQueue(TranscriptionQueue, Protocol):
    """What every adapter offers to its owner besides the port."""

    def close(self) -> None: ...


class QueueAdapter(Protocol):
    def __call__(
        self, engine: GatedEngine, limits: SchedulerLimits
    ) -> AbstractAsyncContextManager[ClosableQueue]: ...


@asynccontextmanager
async def local_adapter(
    engine: GatedEngine, limits: SchedulerLimits
) -> AsyncIterator[ClosableQueue]:
    queue = LocalQueue(Scheduler(limits), plan_by_length, clock=monotonic)
    meter = WorkerMetrics(CollectorRegistry())
    texts = Finisher("off")
    runner = Runner(queue, [engine], texts=texts, meter=meter, clock=monotonic)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        await texts.start()
        await until(lambda: queue.load().ready)
        yield queue
        running.cancel()
    texts.close()


@asynccontextmanager
async def nats_adapter(
    engine: GatedEngine, limits: SchedulerLimits
) -> AsyncIterator[ClosableQueue]:
    with TemporaryDirectory() as folder:
        server = NatsServer(Path(folder))
        server.start()
        try:
            access = NatsAccess(urls=(server.url,))
            texts = Finisher("off")
            await texts.start()
            async with (
                remote_workers(
                    access,
                    metrics_registry=CollectorRegistry(),
                    limits=limits,
                    planner=plan_by_length,
                ) as remote,
                worker([engine], texts, access),
            ):
                await remote.wait_ready(30)
                yield remote.queue
        finally:
            server.stop()


ADAPTERS: dict[str, QueueAdapter] = {"local": local_adapter, "nats": nats_adapter}
"""Every adapter of the queue; a new one joins the contract suite here."""


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> QueueAdapter:
    return ADAPTERS[request.param]
