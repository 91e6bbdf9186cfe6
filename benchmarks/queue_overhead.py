"""What the way to a recogniser and back costs, without the recogniser.

    python -m benchmarks.queue_overhead --rate 500 --seconds 10 [--nats]

Submits windows at random moments (Poisson arrivals) to the real queue, scheduler and engine
process with the scripted engine, which answers at once, and prints how long the answers took. All
of it is overhead: scheduling, batching, encoding, two socket crossings, and this loop's own work.

With `--nats` this process is a service, and a NATS server and `alfavoice worker` are processes of
their own, as on several machines; what a real network adds is not in the figure.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass

import psutil
import structlog
from prometheus_client import CollectorRegistry

from benchmarks import fleet_processes
from service.event_loop import event_loop_runner
from workers.contract.requests import Hypothesis, Priority, Request
from workers.local import LocalWorkers, WorkerOptions, local_workers
from workers.queues.nats.access import NatsAccess
from workers.remote import RemoteWorkers, remote_workers

SAMPLE_RATE_HZ = 16_000
READY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Milliseconds from submission to answer."""

    rate: float
    window_s: float
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float
    windows_per_batch: float
    cpu_ms_per_request: float
    """Processor time of this process, load generator included."""
    cpu_ms_per_request_everywhere: float
    """The same with the engine's, the worker's and NATS' processes."""


async def measure(
    *, rate: float, duration_s: float, lanes: int, window_s: float, nats: bool = False
) -> Overhead:
    """Send windows of `window_s` seconds at `rate` a second for `duration_s` seconds."""
    async with _over_nats(lanes) if nats else _here(lanes) as workers:
        await workers.wait_ready(READY_S)
        await _send(
            workers, rate=rate, duration_s=1.0, window_s=window_s
        )  # first use of every code path
        cpu_before, others_before = time.process_time(), _cpu_of_children_s()
        answered = await _send(workers, rate=rate, duration_s=duration_s, window_s=window_s)
        cpu_s = time.process_time() - cpu_before
        others_s = _cpu_of_children_s() - others_before
        await workers.drain(READY_S)
    took = sorted(ms for ms, _ in answered)
    return Overhead(
        rate=rate,
        window_s=window_s,
        requests=len(took),
        p50_ms=took[len(took) // 2],
        p95_ms=took[len(took) * 95 // 100],
        p99_ms=took[len(took) * 99 // 100],
        worst_ms=took[-1],
        windows_per_batch=len(took) / sum(1 / batch for _, batch in answered),
        cpu_ms_per_request=cpu_s * 1000 / len(took),
        cpu_ms_per_request_everywhere=(cpu_s + others_s) * 1000 / len(took),
    )


def _cpu_of_children_s() -> float:
    times = [each.cpu_times() for each in psutil.Process().children(recursive=True)]
    return sum(each.user + each.system for each in times)


@asynccontextmanager
async def _here(lanes: int) -> AsyncIterator[LocalWorkers]:
    options = WorkerOptions(engine="scripted", devices=("cpu",), lanes=lanes)
    async with local_workers(options, metrics_registry=CollectorRegistry()) as workers:
        yield workers


@asynccontextmanager
async def _over_nats(lanes: int) -> AsyncIterator[RemoteWorkers]:
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(fleet_processes.nats_server())
        await stack.enter_async_context(fleet_processes.worker(nats.address, lanes=lanes))
        yield await stack.enter_async_context(
            remote_workers(NatsAccess(urls=(nats.address,)), metrics_registry=CollectorRegistry())
        )


async def _send(
    workers: LocalWorkers | RemoteWorkers, *, rate: float, duration_s: float, window_s: float
) -> list[tuple[float, int]]:
    """Give milliseconds and batch size of every answer."""
    answered: list[tuple[float, int]] = []
    chance = random.Random(1)
    audio = [chance.randbytes(round(window_s * SAMPLE_RATE_HZ) * 2) for _ in range(16)]

    async def submit(number: int) -> None:
        request = Request(
            id=f"{duration_s}-{number}",
            session=f"s{number % 64}",
            user=f"u{number % 16}",
            utterance=number,
            priority=Priority.FINAL,
            deadline=None,
            pcm=audio[number % len(audio)],
        )
        sent = time.perf_counter()
        answer = await workers.queue.submit(request)
        if not isinstance(answer, Hypothesis):
            raise TypeError(f"answered {answer.code}")
        answered.append(((time.perf_counter() - sent) * 1000, answer.cost.batch))

    start = time.perf_counter()
    due = start
    async with asyncio.TaskGroup() as group:
        number = 0
        while due < start + duration_s:
            group.create_task(submit(number))
            number += 1
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return answered


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--window", type=float, default=3.0, help="seconds of audio of each")
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--nats", action="store_true", help="over NATS, to a worker process")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    with event_loop_runner() as runner:
        found = runner.run(
            measure(
                rate=given.rate,
                duration_s=given.seconds,
                lanes=given.lanes,
                window_s=given.window,
                nats=given.nats,
            )
        )
    if given.json:
        json.dump(asdict(found), sys.stdout)
        return
    print(f"{found.requests} windows at {found.rate:.0f}/s, {found.windows_per_batch:.2f} a batch")
    print(
        f"p50 {found.p50_ms:.2f} ms  p95 {found.p95_ms:.2f} ms  p99 {found.p99_ms:.2f} ms  "
        f"worst {found.worst_ms:.1f} ms  cpu {found.cpu_ms_per_request:.2f} ms a request here, "
        f"{found.cpu_ms_per_request_everywhere:.2f} ms in all processes"
    )


if __name__ == "__main__":
    main()
