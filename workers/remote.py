"""Recognisers on other machines, behind one queue: for a service that has none of its own.

async with remote_workers(access, options, metrics_registry=registry) as workers:
    answer = await workers.queue.submit(request)

Its face is that of `workers.local`: a service does not know which of them it has.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from workers.contract.engine import EngineDescription, Planner
from workers.contract.errors import EngineFailed
from workers.contract.queue import TranscriptionQueue
from workers.contract.texts import TextFinisher
from workers.engines import planner_for
from workers.metrics import WorkerMetrics
from workers.queues.local import LocalQueue
from workers.queues.nats.access import NatsAccess
from workers.queues.nats.desk import Desk
from workers.queues.nats.link import Link
from workers.queues.nats.texts import RemoteTexts
from workers.queues.nats.vocabularies import Vocabularies
from workers.scheduling.batching import BatchLimits
from workers.scheduling.scheduler import Scheduler, SchedulerLimits


class RemoteWorkers:
    """The workers that a service hears of."""

    def __init__(self, queue: LocalQueue, desk: Desk, texts: RemoteTexts) -> None:
        self._queue = queue
        self._desk = desk
        self._texts = texts

    @property
    def queue(self) -> TranscriptionQueue:
        """Where sessions send windows."""
        return self._queue

    @property
    def texts(self) -> TextFinisher:
        """Finishes texts that nobody speaks at this moment."""
        return self._texts

    @property
    def descriptions(self) -> tuple[EngineDescription, ...]:
        """What the engines of the workers are."""
        return self._desk.descriptions

    def ready(self) -> bool:
        """Whether a worker with a warmed-up recogniser is heard."""
        return self._queue.load().ready

    async def wait_ready(self, timeout: float) -> None:
        """Wait until a worker is there.

        Args:
            timeout: seconds.

        Raises:
            EngineFailed: none was there in time.
        """
        try:
            async with asyncio.timeout(None if timeout == float("inf") else timeout):
                while not self.ready():  # noqa: ASYNC110 - seconds pass until a worker has loaded
                    await asyncio.sleep(0.02)
        except TimeoutError as exc:
            raise EngineFailed(f"no worker was there after {timeout:.0f} s") from exc

    def close(self) -> None:
        """Refuse new windows and answer those that wait; what is under way comes to its end."""
        self._queue.close()

    async def drain(self, timeout: float) -> bool:
        """Refuse new windows and wait for the answers to those accepted; then close the queue.

        Args:
            timeout: seconds; what waits after them is answered `queue.closed`.

        Returns:
            Whether everything was answered in time.
        """
        return await self._queue.drain_within(timeout)


@asynccontextmanager
async def remote_workers(
    access: NatsAccess,
    *,
    metrics_registry: CollectorRegistry,
    beam: int = 1,
    batch_limit: int = 8,
    limits: SchedulerLimits | None = None,
    planner: Planner | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[RemoteWorkers]:
    """Be a service of the workers at NATS while the block runs; there may be none yet.

    Args:
        access: how NATS is reached.
        metrics_registry: where the metrics of the queue go.
        beam: width of finals.
        batch_limit: most windows in a batch, 1 to 64.
        limits: of the scheduler; None: by `batch_limit`.
        planner: of first passes; None: the engines' own.
        clock: monotonic seconds.

    Raises:
        QueueUnreachable: NATS cannot be reached as `access` says; tells what to do.
    """
    limits = limits or SchedulerLimits(batch=BatchLimits.for_windows(batch_limit))
    queue = LocalQueue(Scheduler(limits), planner or planner_for(beam=beam), clock=clock)
    meter = WorkerMetrics(metrics_registry)
    meter.observe(queue.load, lambda: 0)  # engines restart where they are
    link = Link(access, role="service", clock=clock)
    vocabularies = Vocabularies()
    desk = Desk(link, queue, vocabularies, meter=meter, clock=clock)
    texts = RemoteTexts(
        link, vocabularies, workers=desk.workers, punctuator=lambda: desk.punctuator
    )
    async with kept_up(link, desk.run):
        try:
            yield RemoteWorkers(queue, desk, texts)
        finally:
            queue.close(also_running=True)


@asynccontextmanager
async def kept_up(link: Link, *beside: Callable[[], object]) -> AsyncIterator[None]:
    """Keep a link up while the block runs, and run what belongs beside it.

    Raises:
        QueueUnreachable: the first connection could not be made.
    """
    failure: Exception | None = None
    connected = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(link.run(connected))]
            await connected.wait()
            tasks += [group.create_task(each()) for each in beside]  # type: ignore[arg-type]
            try:
                yield
            except Exception as exc:  # noqa: BLE001 - raised below, as it is and not in a group
                failure = exc
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as group_of:
        raise _first(group_of) from None
    if failure is not None:
        raise failure


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
