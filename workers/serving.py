"""A worker: this machine's recognisers at the service of whoever asks over NATS.

It needs neither a database nor anything of the web. What it recognises it has from services and
gives back to them; nothing is kept.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Protocol

import structlog
from prometheus_client import CollectorRegistry

from workers.contract.engine import EngineDescription
from workers.contract.errors import EngineUnusable
from workers.contract.traces import Traces
from workers.exposing import exposed
from workers.finishing import Finisher
from workers.local import WorkerOptions, engine_processes
from workers.own_metrics import OwnMetrics
from workers.queues.nats.access import NatsAccess
from workers.queues.nats.link import Link
from workers.queues.nats.lookup import Lookup
from workers.queues.nats.messages import EngineState
from workers.queues.nats.remote_work import RemoteWork, WorkerState
from workers.queues.nats.texts import TextsAnswered
from workers.queues.nats.vocabularies import Vocabularies
from workers.remote import kept_up
from workers.runner import EngineHost, Runner
from workers.tracing import batch_traces

log = structlog.get_logger()

DRAIN_S: Final = 30.0
"""After the request to stop: how long batches under way may take, as a service's own drain."""


class DescribedEngine(EngineHost, Protocol):
    """A supervised engine that says what it is, and how often it was started again."""

    @property
    def description(self) -> EngineDescription | None:
        """What it is; None until it was ready for the first time."""
        ...

    @property
    def restarts(self) -> int:
        """Times its process was started again."""
        ...


async def serve_worker(  # noqa: PLR0913 - the parts it puts together
    options: WorkerOptions,
    access: NatsAccess,
    *,
    stop: asyncio.Event,
    hurry: asyncio.Event,
    announce: Callable[[], None],
    traces: Traces | None = None,
    metrics: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Recognise for services until `stop` is set, then bring to an end what was taken.

    Args:
        options: what recognises.
        access: how NATS is reached.
        stop: set to stop.
        hurry: set to stop at once; services hand out again what was under way.
        announce: called once when the recogniser is warmed up and NATS is connected.
        traces: where batches are told of; None: nowhere.
        metrics: `HOST:PORT` at which it says how it is, see `workers.exposing`; None: nowhere.
        clock: monotonic seconds.

    Raises:
        EngineUnusable: no engine can start here; says what to do.
        QueueUnreachable: NATS cannot be reached as `access` says; tells what to do.
        NotExposed: the address of `metrics` is wrong or taken.
    """
    engines = await engine_processes(options, clock=clock)
    texts = Finisher(options.punctuation)
    async with (
        worker(engines, texts, access, traces=traces, metrics=metrics, clock=clock) as work,
        asyncio.TaskGroup() as group,
    ):
        loading = group.create_task(texts.start())
        wait_for = _announcing(engines, announce)
        waiting = [group.create_task(wait_for(engine)) for engine in engines]
        await stop.wait()
        for task in (loading, *waiting):
            task.cancel()
        log.info("worker_draining", at_most_s=DRAIN_S)
        drained = group.create_task(work.drain())
        hurried = group.create_task(_set(hurry))
        await asyncio.wait((drained, hurried), timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not drained.done():
            log.warning("worker_drain_cut_short")  # services hand out again what it still has
        drained.cancel()
        hurried.cancel()


async def _set(event: asyncio.Event) -> None:
    await event.wait()


@asynccontextmanager
async def worker(
    engines: Sequence[DescribedEngine],
    texts: Finisher,
    access: NatsAccess,
    *,
    traces: Traces | None = None,
    metrics: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[RemoteWork]:
    """Run engines for services while the block runs; `texts` is started by the caller.

    Raises:
        QueueUnreachable: NATS cannot be reached as `access` says; tells what to do.
        NotExposed: the address of `metrics` is wrong or taken.
    """
    link = Link(access, role="worker", clock=clock)
    lookup = Lookup(link, Vocabularies())
    TextsAnswered(link, lookup, texts)
    state = WorkerState(
        engines=lambda: [_state_of(engine) for engine in engines],
        punctuator=lambda: texts.punctuator,
    )
    work = RemoteWork(link, lookup, state, clock=clock)
    registry = CollectorRegistry()
    meter = OwnMetrics(registry)
    runner = Runner(
        work,
        engines,
        texts=texts,
        meter=meter,
        clock=clock,
        traces=batch_traces(traces, engines),
    )

    def ready_lanes() -> int:
        return sum(engine.lanes for engine in engines if engine.ready)

    try:
        async with AsyncExitStack() as stack:
            if metrics is not None:  # first: it lives before it is connected
                meter.observe(
                    lanes=ready_lanes,
                    busy=lambda: runner.busy_lanes,
                    restarts=lambda: sum(engine.restarts for engine in engines),
                    is_connected=lambda: link.connected,
                )
                reasons = {
                    "recogniser": lambda: ready_lanes() > 0,
                    "queue": lambda: link.connected,
                    "draining": lambda: not work.is_leaving,
                }
                await stack.enter_async_context(exposed(metrics, registry, reasons))
            await stack.enter_async_context(kept_up(link, work.run, runner.run))
            yield work
    finally:
        texts.close()


def _state_of(engine: DescribedEngine) -> EngineState:
    return EngineState(
        lanes=engine.lanes if engine.ready else 0,
        description=engine.description,
    )


def _announcing(
    engines: Sequence[EngineHost], announce: Callable[[], None]
) -> Callable[[EngineHost], Coroutine[None, None, None]]:
    """Give what waits for one engine: the first that is ready is announced."""
    unusable = 0
    announced = False

    async def wait_for(engine: EngineHost) -> None:
        nonlocal unusable, announced
        try:
            await engine.wait_ready()
        except EngineUnusable:
            unusable += 1
            if unusable == len(engines):
                raise
            return
        if not announced:
            announced = True
            announce()

    return wait_for
