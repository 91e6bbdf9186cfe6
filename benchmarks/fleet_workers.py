"""Whether a second worker doubles what two services get recognised, or the queue is in the way.

Real processes: NATS, two `alfavoice serve` with a database each, one or two `alfavoice worker`. The
scripted engine takes time like a GPU and next to no processor, so what is left of two cores shows
whether everything around the recogniser keeps up. People are a closed loop: each sends a take as fast
as the server reads it, waits until its text is stored, and begins the next one.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from websockets.asyncio.client import ClientConnection

from benchmarks import fleet_processes
from benchmarks.contestants import BYTES_PER_SECOND, FRAME_BYTES, BrokenOff, TurnedAway
from benchmarks.machine import Watch
from benchmarks.peers.sockets import opened
from benchmarks.speech import Clip
from service.dictation import wire
from workers.contract.audio import pcm16_from_samples

SERVICES: Final = 2
WARM_S: Final = 3.0
"""Before counting: the first texts of everybody are under way by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What so many workers did."""

    workers: int
    seconds: float
    takes: int
    failed: int
    audio_s_per_s: float
    """Audio whose text was stored, per second."""
    cores: float
    """Used by all processes but the engines' sleep: the whole machine, this program included."""


async def throughput(
    clips: Sequence[Clip],
    *,
    work_s_per_audio_s: float,
    people: int,
    seconds: float,
    rounds: Sequence[int] = (1, 2, 1),
) -> list[Throughput]:
    """Count what gets done with each number of workers in turn, in one go.

    Args:
        clips: what is said.
        work_s_per_audio_s: what the engine of a worker takes for a second of audio; it has one lane.
        people: at each service.
        seconds: counted of each round.
        rounds: numbers of workers.
    """
    takes = [pcm16_from_samples(clip.samples) for clip in clips]
    with tempfile.TemporaryDirectory() as folder:
        script = fleet_processes.script(Path(folder), work_s_per_audio_s=work_s_per_audio_s)
        async with AsyncExitStack() as stack:
            nats = await stack.enter_async_context(fleet_processes.nats_server())
            first = fleet_processes.worker(nats.address, lanes=1, script_path=script)
            await stack.enter_async_context(first)
            changes = {"QUEUE": "nats", "NATS_URL": nats.address, "MAX_SESSIONS_PER_USER": "1000"}
            services = [
                await stack.enter_async_context(fleet_processes.service(changes))
                for _ in range(SERVICES)
            ]
            addresses = [each.address for each in services]
            found = []
            for workers in rounds:
                async with AsyncExitStack() as more:
                    for _ in range(workers - 1):
                        another = fleet_processes.worker(nats.address, lanes=1, script_path=script)
                        await more.enter_async_context(another)
                    found.append(
                        await _round(
                            addresses, takes, workers=workers, people=people, seconds=seconds
                        )
                    )
            return found


async def _round(
    addresses: Sequence[str], takes: Sequence[bytes], *, workers: int, people: int, seconds: float
) -> Throughput:
    done: list[tuple[float, float]] = []
    failures: list[float] = []

    async def person(number: int) -> None:
        chance = random.Random(number)
        address = addresses[number % len(addresses)]
        while True:
            take = chance.choice(takes)
            try:
                await _dictate(address, take)
                done.append((time.monotonic(), len(take) / BYTES_PER_SECOND))
            except (BrokenOff, TurnedAway, TimeoutError):
                failures.append(time.monotonic())
                await asyncio.sleep(0.5)

    async with _all_at_work(person, people * len(addresses)):
        await asyncio.sleep(WARM_S)
        begun = time.monotonic()
        with Watch(0) as watch:
            await asyncio.sleep(seconds)
            usage = watch.usage()
        ended = time.monotonic()
    counted = [audio_s for at, audio_s in done if begun < at <= ended]
    return Throughput(
        workers=workers,
        seconds=round(ended - begun, 2),
        takes=len(counted),
        failed=sum(begun < at <= ended for at in failures),
        audio_s_per_s=round(sum(counted) / (ended - begun), 2),
        cores=round(usage.client_cores + usage.other_cores, 2),
    )


@asynccontextmanager
async def _all_at_work(
    person: Callable[[int], Coroutine[None, None, None]], count: int
) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(person(number)) for number in range(count)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _dictate(address: str, take: bytes) -> None:
    async with asyncio.timeout(60), opened(f"ws://{address}/v1/stream", wire.SUBPROTOCOL) as socket:
        start = wire.Start(
            language="ru",
            partials=False,
            words=False,
            client=wire.ClientProgram(name="alfavoice-benchmark"),
        )
        await socket.send(wire.encode(start))
        for at in range(0, len(take), FRAME_BYTES):
            await socket.send(take[at : at + FRAME_BYTES])
        await socket.send(wire.encode(wire.Finish(samples=len(take) // 2)))
        await _until_done(socket)


async def _until_done(socket: ClientConnection) -> None:
    async for message in socket:
        match wire.decode_server(message):
            case wire.Done():
                return
            case wire.ErrorMessage(code=code):
                raise BrokenOff(code)
    raise BrokenOff("closed")
