"""What a thousand open sessions cost one service: memory of each, and how late its event loop runs.

All sessions are opened first and say nothing. Then each speaks now and then, so that a given share of
them speaks at any time: a recorded sentence in real time, a second of silence that ends the utterance,
a pause. At the end each says `finish`, and must have a final for every sentence and its text stored.
"""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection

from benchmarks import fleet_processes
from benchmarks.burst import LAG, LONGEST_LAG
from benchmarks.contestants import BYTES_PER_SECOND, FRAME_BYTES, FRAME_S, BrokenOff
from benchmarks.figures import nearest_rank
from benchmarks.machine import Watch
from benchmarks.peers.listening import page
from benchmarks.peers.sockets import opened
from benchmarks.speech import Clip
from service.dictation import wire
from workers.contract.audio import pcm16_from_samples

OPENED_PER_S: Final = 100.0
SETTLES_S: Final = 3.0
"""After the last session opened, before memory is read."""
SILENCE: Final = bytes(round(1.2 * BYTES_PER_SECOND))
"""Said after each sentence: longer than the silence that ends an utterance."""
LEAVING_S: Final = 10.0
"""Sessions end within so many seconds, not all at once."""
WORK_S_PER_AUDIO_S: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """What they cost. Memory is the service's own process, resident, without PostgreSQL and engine."""

    sessions: int
    share_speaking: float
    spoke_at_once: float
    """Mean number of sessions that were sending."""
    seconds: float
    before_mb: float
    idle_kb_each: float
    speaking_kb_each: float
    """Highest while some spoke, per session open."""
    lag_p99_idle_ms: float
    lag_p99_speaking_ms: float
    lag_longest_ms: float
    service_cores: float
    sentences: int
    final_p95_ms: float | None
    """From the last sample of a sentence to its final; 800 ms of it end the utterance."""
    sent_late_ms: float
    """p99 of how late the load sent what was due: far above 0, the load itself was held up."""
    lost: int
    """Sessions without `done`, or with fewer finals than sentences."""


@dataclass(slots=True)
class _Tally:
    speaking: int = 0
    finals_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    sentences: int = 0
    lost: int = 0


class _Person:
    """One session on its socket."""

    def __init__(self, socket: ClientConnection, tally: _Tally) -> None:
        self._socket = socket
        self._tally = tally
        self._sent = 0
        self._finals = 0
        self._said = 0
        self._spoken_at = 0.0
        self._final_at = 0.0
        self.stop = asyncio.Event()
        self.ready = asyncio.Event()
        self.done = asyncio.Event()

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        async for message in self._socket:
            match wire.decode_server(message):
                case wire.Ready():
                    self.ready.set()
                case wire.Final():
                    self._finals += 1
                    self._final_at = loop.time()
                case wire.Done():
                    self.done.set()
                    return
                case wire.ErrorMessage(code=code):
                    raise BrokenOff(code)

    async def speak(self, sentences: Sequence[bytes], chance: random.Random, share: float) -> None:
        """Speak and pause until told to stop, beginning somewhere within a pause or a sentence."""
        mean_s = sum(map(len, sentences)) / len(sentences) / BYTES_PER_SECOND
        pause_s = mean_s * (1 - share) / share
        await self._wait(chance.uniform(0, mean_s + pause_s))
        while not self.stop.is_set():
            await self.say(chance.choice(sentences))
            await self._wait(chance.uniform(0.5, 1.5) * pause_s)
            if self._final_at > self._spoken_at:
                self._tally.finals_ms.append((self._final_at - self._spoken_at) * 1000)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()

    async def say(self, sentence: bytes) -> None:
        """Send a sentence with its silence in real time."""
        loop = asyncio.get_running_loop()
        self._tally.speaking += 1
        try:
            due = loop.time()
            for at in range(0, len(sentence), FRAME_BYTES):
                due += FRAME_S
                await asyncio.sleep(max(0.0, due - loop.time()))
                self._tally.late_ms.append((loop.time() - due) * 1000)
                await self._socket.send(sentence[at : at + FRAME_BYTES])
                self._sent += len(sentence[at : at + FRAME_BYTES]) // 2
        finally:
            self._tally.speaking -= 1
        self._said += 1
        self._tally.sentences += 1
        self._spoken_at = due - len(SILENCE) / BYTES_PER_SECOND

    async def leave(self) -> None:
        await self._socket.send(wire.encode(wire.Finish(samples=self._sent)))
        async with asyncio.timeout(60):
            await self.done.wait()
        self._tally.lost += self._finals < self._said


async def sessions(
    clips: Sequence[Clip], *, count: int, share: float, seconds: float, seed: int = 1
) -> Sessions:
    """Open `count` sessions at one service and let a share of them speak."""
    sentences = [
        pcm16_from_samples(clip.samples)[: -(-len(clip.samples) // 1600) * FRAME_BYTES] + SILENCE
        for clip in clips
    ]
    tally = _Tally()
    with tempfile.TemporaryDirectory() as folder:
        script = fleet_processes.script(Path(folder), work_s_per_audio_s=WORK_S_PER_AUDIO_S)
        changes = {
            **{"ENGINE": "scripted", "SCRIPT": str(script), "DEVICE": "cpu", "LANES": "2"},
            **{"PUNCTUATION": "off", "IDLE_S": "3600"},
            **{"MAX_SESSIONS": str(2 * count), "MAX_SESSIONS_PER_USER": str(2 * count)},
        }
        async with fleet_processes.service(changes) as service, AsyncExitStack() as stack:
            process = psutil.Process(service.pid)
            await _warm_up(service.address, sentences, tally)
            before, (_, lags_before) = process.memory_info().rss, await _lags(service.address)
            tally.finals_ms.clear()
            tally.late_ms.clear()
            tally.sentences = 0

            group = await stack.enter_async_context(asyncio.TaskGroup())
            people = [
                await _joined(service.address, tally, stack, group, after_s=1 / OPENED_PER_S)
                for _ in range(count)
            ]
            await asyncio.sleep(SETTLES_S)
            idle, (_, lags_idle) = process.memory_info().rss, await _lags(service.address)

            chance = random.Random(seed)
            speaking = [
                group.create_task(one.speak(sentences, random.Random(chance.random()), share))
                for one in people
            ]
            at_once: list[int] = []
            highest = idle
            with Watch(service.pid) as watch:
                cpu = process.cpu_times()
                for _ in range(round(seconds)):
                    await asyncio.sleep(1.0)
                    at_once.append(tally.speaking)
                    highest = max(highest, process.memory_info().rss)
                used, usage = process.cpu_times(), watch.usage()
            longest, lags_speaking = await _lags(service.address)
            sentences_said = tally.sentences
            for one in people:
                one.stop.set()
            await asyncio.wait(speaking)
            await asyncio.sleep(SETTLES_S)
            await _all_leave(people, group)
    return Sessions(
        sessions=count,
        share_speaking=share,
        spoke_at_once=round(sum(at_once) / len(at_once), 1),
        seconds=usage.seconds,
        before_mb=round(before / 1e6, 1),
        idle_kb_each=round((idle - before) / 1000 / count, 1),
        speaking_kb_each=round((highest - before) / 1000 / count, 1),
        lag_p99_idle_ms=round(quantile_s(lags_before, lags_idle, 0.99) * 1000, 1),
        lag_p99_speaking_ms=round(quantile_s(lags_idle, lags_speaking, 0.99) * 1000, 1),
        lag_longest_ms=round(longest * 1000, 1),
        service_cores=round((used.user + used.system - cpu.user - cpu.system) / usage.seconds, 3),
        sentences=sentences_said,
        final_p95_ms=nearest_rank(tally.finals_ms, 95),
        sent_late_ms=round(nearest_rank(tally.late_ms, 99) or 0.0, 1),
        lost=tally.lost,
    )


async def _warm_up(address: str, sentences: Sequence[bytes], tally: _Tally) -> None:
    """Use every code path once, so that what it loads is not counted as a session's."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        people = [await _joined(address, tally, stack, group) for _ in range(5)]
        for person in people:
            await person.say(min(sentences, key=len))
        await asyncio.sleep(1.0)
        for person in people:
            await person.leave()


async def _joined(
    address: str,
    tally: _Tally,
    stack: AsyncExitStack,
    group: asyncio.TaskGroup,
    *,
    after_s: float = 0.0,
) -> _Person:
    await asyncio.sleep(after_s)
    socket = await stack.enter_async_context(opened(f"ws://{address}/v1/stream", wire.SUBPROTOCOL))
    person = _Person(socket, tally)
    group.create_task(person.listen())
    start = wire.Start(
        language="ru",
        partials=False,
        words=False,
        client=wire.ClientProgram(name="alfavoice-benchmark"),
    )
    await socket.send(wire.encode(start))
    async with asyncio.timeout(30):
        await person.ready.wait()
    return person


async def _all_leave(people: Sequence[_Person], group: asyncio.TaskGroup) -> None:
    leaving = []
    for person in people:
        leaving.append(group.create_task(person.leave()))
        await asyncio.sleep(LEAVING_S / len(people))
    await asyncio.wait(leaving)


async def _metrics(address: str) -> str:
    return ((await page(f"http://{address}/metrics")) or b"").decode()


async def _lags(address: str) -> tuple[float, dict[float, float]]:
    """Read the longest delay since the start, and how many were at most each bound; seconds."""
    longest, at_most = 0.0, {}
    for family in text_string_to_metric_families(await _metrics(address)):
        for sample in family.samples:
            if sample.name == LONGEST_LAG:
                longest = sample.value
            elif sample.name == f"{LAG}_bucket":
                at_most[float(sample.labels["le"])] = sample.value
    return longest, at_most


def quantile_s(before: Mapping[float, float], after: Mapping[float, float], q: float) -> float:
    """Give a quantile of what a cumulative histogram counted between two readings.

    Within a bucket values are taken for evenly spread, as Prometheus does.
    """
    counted = [(bound, after[bound] - before.get(bound, 0.0)) for bound in sorted(after)]
    wanted = q * counted[-1][1]
    low, below = 0.0, 0.0
    for bound, count in counted:
        if count >= wanted and count > below:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low
