"""The service's side: hands batches of its own scheduler to workers and hears what became of them.

It never waits for a worker. What a worker asks is answered at once out of what is known, and what
does not come back is noticed by the clock (`workforce`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

import structlog

from workers.contract import codec
from workers.contract.engine import EngineDescription, Job, Outcome
from workers.contract.requests import Answer, Priority
from workers.queues.nats.link import Link, LinkFailed
from workers.queues.nats.messages import (
    SERVICES,
    WORKERS,
    Ask,
    Ended,
    Handed,
    Noted,
    Nothing,
    Present,
    Take,
    Wanted,
    WireJob,
    asked_of_service,
    peer,
)
from workers.queues.nats.vocabularies import Vocabularies
from workers.queues.nats.workforce import LOST_S, Worker, Workforce
from workers.scheduling.batching import Batch

log = structlog.get_logger()

BEAT_S: Final = 1.0
"""How often a peer speaks when there is nothing new."""
NO_WORKER_S: Final = 10.0
"""How long what waits may hope for a worker. A restarted one is back sooner."""
CUT_OFF_S: Final = 10.0
"""After so long without NATS, batches under way are not waited for any more."""
INVITED_S: Final = 0.05
"""A lane that was told of waiting work asks for it within a few milliseconds: until then it need not
be told again of every window that comes."""
_MOST_REMEMBERED: Final = 10_000
"""Windows remembered as having been with a worker that was lost."""


class Scheduled(Protocol):
    """The scheduler of a service, with those who wait for its answers; see `LocalQueue`."""

    def take_now(self, *, engine: int, lanes_free: int) -> Batch | None:
        """Give a batch for a free lane, or None."""
        ...

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` when there may be a batch."""
        ...

    def waited_s(self) -> dict[Priority, float]:
        """Say how long the oldest of each waiting kind has waited."""
        ...

    def waiting_windows(self) -> int:
        """Count the requests that a lane could be given."""
        ...

    def fail_waiting(self) -> None:
        """Answer what waits `engine.failed`."""
        ...

    def settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> list[Answer]:
        """End a batch with its outcomes."""
        ...

    def broke(self, batch: Batch) -> list[Answer]:
        """End a batch whose engine broke."""
        ...

    def give_back(self, batch: Batch) -> None:
        """End a batch that was never started."""
        ...

    def announce(self, *, lanes: int) -> None:
        """Say how many lanes are ready."""
        ...

    def release(self, *, engine: int) -> None:
        """Say that an engine is gone."""
        ...


class Meter(Protocol):
    """Who counts what happens."""

    def batch_ended(self, batch: Batch, answers: Sequence[Answer], *, elapsed_s: float) -> None:
        """Count a recognised batch."""
        ...

    def batch_broke(self, batch: Batch, answers: Sequence[Answer]) -> None:
        """Count a batch whose engine broke."""
        ...


class Desk:
    """Hands work out; make it before the link runs, and run it beside the link."""

    def __init__(
        self,
        link: Link,
        queue: Scheduled,
        vocabularies: Vocabularies,
        *,
        meter: Meter,
        clock: Callable[[], float],
    ) -> None:
        self._link = link
        self._queue = queue
        self._vocabularies = vocabularies
        self._meter = meter
        self._clock = clock
        self._workforce = Workforce()
        self._once_lost: OrderedDict[str, None] = OrderedDict()
        self._changed = asyncio.Event()
        self._without_since = clock()
        self._said: frozenset[Priority] = frozenset()
        self._invited = 0
        self._invited_at = clock()
        link.answer(WORKERS, self._hear)
        link.answer(peer(link.name), self._answer)
        queue.watch(self._changed.set)

    @property
    def descriptions(self) -> tuple[EngineDescription, ...]:
        """What the engines of the workers are."""
        return self._workforce.descriptions

    @property
    def punctuator(self) -> str | None:
        """Name of a punctuation model of the workers; None: none has any."""
        return self._workforce.punctuator

    def workers(self) -> list[str]:
        """Name the workers that take work, the idlest first."""
        return self._workforce.names()

    async def run(self) -> None:
        """Say what waits whenever that may matter, and watch over the workers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_over())
            while True:
                await self._changed.wait()
                self._changed.clear()
                kinds = frozenset(self._queue.waited_s())
                if kinds and (self._workforce.free > self._invited_now() or kinds != self._said):
                    await self._say_wanted()
                self._said = kinds

    async def _watch_over(self) -> None:
        while True:
            await self._say_wanted()
            await asyncio.sleep(BEAT_S)
            now = self._clock()
            cut_off = not self._link.connected and self._link.unchanged_s > CUT_OFF_S
            if not self._link.connected or self._link.unchanged_s < LOST_S:
                self._workforce.excuse(now)
            for worker in self._workforce.lose(now, all_of_them=cut_off):
                self._lose(worker)
            self._count_lanes()
            if self._workforce.has_hope:
                self._without_since = now
            elif now - self._without_since > NO_WORKER_S:
                self._queue.fail_waiting()

    def _invited_now(self) -> int:
        """Count the lanes that were told and have not asked yet."""
        return self._invited if self._clock() - self._invited_at < INVITED_S else 0

    async def _say_wanted(self) -> None:
        windows = self._queue.waiting_windows()
        self._invited = min(windows, self._workforce.free)
        self._invited_at = self._clock()
        wanted = Wanted(service=self._link.name, waited_s=self._waited_s(), windows=windows)
        with suppress(LinkFailed):  # it is said again each second
            await self._link.tell(SERVICES, codec.encode(wanted))

    def _waited_s(self) -> dict[int, float]:
        return {int(kind): waited for kind, waited in self._queue.waited_s().items()}

    async def _hear(self, message: bytes) -> None:
        present = codec.decode(message, Present)
        for batch in self._workforce.hear(self._link.name, present, self._clock()):
            log.warning("batch_lost_on_its_way", windows=len(batch.jobs))
            self._queue.give_back(batch)
        self._count_lanes()
        if present.free:
            self._changed.set()

    def _count_lanes(self) -> None:
        self._queue.announce(lanes=self._workforce.lanes)

    async def _answer(self, message: bytes) -> bytes:
        match asked_of_service(message):
            case Take() as take:
                return codec.encode(self._hand(take))
            case Ended() as ended:
                self._end(ended)
                return codec.encode(Noted())
            case Ask(digest=digest):
                return codec.encode(self._vocabularies.get(digest) or Nothing())

    def _hand(self, take: Take) -> Handed | Nothing:
        worker = self._workforce.get(take.worker)
        if worker is None or not 0 <= take.engine < len(worker.engines):
            return Nothing()
        self._invited = max(0, self._invited - 1)
        worker.free = max(1, take.free)
        batch = self._queue.take_now(
            engine=worker.engines[take.engine], lanes_free=max(1, self._workforce.free)
        )
        if batch is None:
            return Nothing()
        worker.free -= 1
        worker.handed[batch.number] = batch, self._clock()
        jobs = [self._on_the_wire(job) for job in batch.jobs]
        return Handed(
            batch=batch.number,
            priority=batch.priority,
            jobs=jobs,
            waited_s=self._waited_s(),
        )

    def _on_the_wire(self, job: Job) -> WireJob:
        request, profile, digest = job.request, job.request.profile, ""
        if profile.finishing is not None:
            finishing, digest = self._vocabularies.take_off(profile.finishing)
            profile = replace(profile, finishing=finishing)
        if request.deadline is not None or digest:
            # The deadline is of this machine's clock, and minded here.
            request = replace(request, deadline=None, profile=profile)
            job = replace(job, request=request)
        return WireJob(job=job, vocabulary=digest)

    def _end(self, ended: Ended) -> None:
        worker = self._workforce.get(ended.worker)
        if worker is None:
            return
        worker.free = ended.free
        batch, handed_at = worker.handed.pop(ended.batch, (None, 0.0))
        if batch is None:  # it was said twice, or came after the batch went to another
            return
        outcomes = ended.outcomes
        if outcomes is None:
            if ended.broke:
                self._broke(batch)
            else:
                self._queue.give_back(batch)
            return
        found = [each.outcome for each in outcomes]
        if [each.request for each in found] != [job.request.id for job in batch.jobs]:
            self._broke(batch)
            return
        answers = self._queue.settle(batch, found)
        self._meter.batch_ended(batch, answers, elapsed_s=self._clock() - handed_at)

    def _broke(self, batch: Batch) -> None:
        answers = self._queue.broke(batch)
        self._meter.batch_broke(batch, answers)
        log.warning("batch_broke", windows=len(batch.jobs), given_up=len(answers))

    def _lose(self, worker: Worker) -> None:
        log.warning("worker_lost", worker=worker.name, batches=len(worker.handed))
        for engine in worker.engines:
            self._queue.release(engine=engine)
        for batch, _ in worker.handed.values():
            ids = [job.request.id for job in batch.jobs]
            if any(each in self._once_lost for each in ids):
                self._broke(batch)
                continue
            # A machine that is gone is rarely a window's doing: it keeps its company once.
            self._queue.give_back(batch)
            self._once_lost |= dict.fromkeys(ids)
        while len(self._once_lost) > _MOST_REMEMBERED:
            self._once_lost.popitem(last=False)
