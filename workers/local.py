"""Recognisers on this machine, behind one queue: all the service needs besides the contract.

async with local_workers(options, metrics_registry=registry) as workers:
    await workers.wait_ready(timeout=180)
    answer = await workers.queue.submit(request)
    await workers.drain(timeout=30)
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from workers.contract.engine import EngineDescription
from workers.contract.errors import EngineFailed, EngineUnusable
from workers.contract.queue import TranscriptionQueue
from workers.contract.texts import TextFinisher
from workers.contract.traces import Traces
from workers.devices import compute_type_of, lanes_of, resolve_devices
from workers.engines import EngineName, EngineOptions, planner_for
from workers.finishing import Finisher
from workers.metrics import WorkerMetrics
from workers.process import EngineProcess, Supervision
from workers.queues.local import LocalQueue
from workers.runner import Runner
from workers.scheduling.batching import BatchLimits
from workers.scheduling.scheduler import Scheduler, SchedulerLimits
from workers.tracing import batch_traces

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What recognises, and on what."""

    engine: EngineName = "whisper"
    model_dir: Path | None = None
    """Folder with model.bin; needed by `whisper`."""
    model: str | None = None
    """What people call the model; None: as its folder."""
    devices: tuple[str, ...] = ("auto",)
    """One process each: `cpu`, `cuda:0`, …; `cuda` is every GPU, `auto` every GPU or the CPU."""
    compute_type: str = "auto"
    """CTranslate2's name; `auto`: int8 on the CPU, float16 on a GPU."""
    lanes: int = 0
    """Batches at once per device; 0: one per usable core on the CPU, one per GPU."""
    beam: int = 1
    """Beam width of finals."""
    batch_limit: int = 8
    """Most windows in a batch, 1 to 64."""
    script: Path | None = None
    """Script of the `scripted` engine."""
    punctuation: str = "auto"
    """Punctuation model; see `workers.text.rubert.choosing`."""
    supervision: Supervision = field(default_factory=Supervision)


class LocalWorkers:
    """The running recognisers of this process."""

    def __init__(
        self, queue: LocalQueue, engines: tuple[EngineProcess, ...], finisher: Finisher
    ) -> None:
        self._queue = queue
        self._engines = engines
        self._finisher = finisher

    @property
    def queue(self) -> TranscriptionQueue:
        """Where sessions send windows."""
        return self._queue

    @property
    def texts(self) -> TextFinisher:
        """Finishes texts that nobody speaks at this moment."""
        return self._finisher

    @property
    def descriptions(self) -> tuple[EngineDescription, ...]:
        """What the engines are that were ready at least once."""
        return tuple(e.description for e in self._engines if e.description is not None)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Ids of the engine processes that run now, for memory figures and tests."""
        return tuple(e.pid for e in self._engines if e.pid is not None)

    def ready(self) -> bool:
        """Whether a warmed-up recogniser stands behind the queue."""
        return any(engine.ready for engine in self._engines)

    async def wait_ready(self, timeout: float) -> None:
        """Wait until every engine is ready or known to be unusable, and one is ready.

        Args:
            timeout: seconds.

        Raises:
            EngineUnusable: no engine can start; says what to do.
            EngineFailed: none was ready in time.
        """
        waits = [engine.wait_ready() for engine in self._engines]
        try:
            async with asyncio.timeout(timeout):
                results = await asyncio.gather(*waits, return_exceptions=True)
        except TimeoutError as exc:
            if self.ready():
                return
            raise EngineFailed(f"no recogniser was ready after {timeout:.0f} s") from exc
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures and len(failures) == len(results):
            raise failures[0]
        for failure in failures:
            code = failure.code if isinstance(failure, EngineUnusable) else EngineFailed.code
            log.warning("engine_left_out", code=code)

    async def drain(self, timeout: float) -> bool:
        """Refuse new windows and wait for the answers to those accepted; then close the queue.

        Args:
            timeout: seconds; what waits after them is answered `queue.closed`.

        Returns:
            Whether everything was answered in time.
        """
        return await self._queue.drain_within(timeout)


@asynccontextmanager
async def local_workers(
    options: WorkerOptions,
    *,
    metrics_registry: CollectorRegistry,
    traces: Traces | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[LocalWorkers]:
    """Run the recognisers while the block runs. It is entered before they are ready.

    At the end of the block the processes are ended and whatever is unanswered is answered
    `queue.closed`; call `drain` before, to let it finish.
    """
    engines = await engine_processes(options, clock=clock)
    limits = SchedulerLimits(batch=BatchLimits.for_windows(options.batch_limit))
    queue = LocalQueue(Scheduler(limits), planner_for(beam=options.beam), clock=clock)
    meter = WorkerMetrics(metrics_registry)
    meter.observe(queue.load, lambda: sum(engine.restarts for engine in engines))
    finisher = Finisher(options.punctuation)
    runner = Runner(
        queue,
        engines,
        texts=finisher,
        meter=meter,
        clock=clock,
        traces=batch_traces(traces, engines),
    )
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        loading = group.create_task(finisher.start())
        try:
            yield LocalWorkers(queue, engines, finisher)
        except Exception as exc:  # noqa: BLE001 - raised below, as it is and not in a group
            failure = exc
        finally:
            running.cancel()
            loading.cancel()
            finisher.close()
            queue.close(also_running=True)
    if failure is not None:
        raise failure


async def engine_processes(
    options: WorkerOptions, *, clock: Callable[[], float]
) -> tuple[EngineProcess, ...]:
    """Make, not start, a process for each device of the options."""
    return tuple(
        EngineProcess(
            _engine_options(options, device),
            options.supervision,
            clock=clock,
            chance=random.Random(),  # noqa: S311 - spreads restarts, guards nothing
        )
        for device in await resolve_devices(options.devices)
    )


@asynccontextmanager
async def local_texts(punctuation: str = "auto") -> AsyncIterator[Finisher]:
    """Run the text pipeline alone, for lines that a person typed.

    Args:
        punctuation: model; see `workers.text.rubert.choosing`.
    """
    finisher = Finisher(punctuation)
    try:
        await finisher.start()
        yield finisher
    finally:
        finisher.close()


def _engine_options(options: WorkerOptions, device: str) -> EngineOptions:
    return EngineOptions(
        engine=options.engine,
        device=device,
        compute_type=compute_type_of(device, options.compute_type),
        lanes=lanes_of(device, options.lanes),
        beam=options.beam,
        model_dir=options.model_dir,
        model=options.model,
        script=options.script,
    )
