"""The worker's side: work of many services for the lanes of one machine (`workers.runner.Work`).

    idle lane ─ choose a service (`demands`) ─ Take ─► Handed ─ vocabularies ─► to the lane
                        ▲                       └────► Nothing: not asked before it speaks again
                        └── nobody wants anything: wait for a word

What a batch came to is said until its service notes it, or is not heard any more.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import structlog

from workers.contract import codec
from workers.contract.engine import Job, Outcome
from workers.contract.errors import InvalidRequest
from workers.contract.requests import Answer, Hypothesis
from workers.queues.nats.demands import Demands
from workers.queues.nats.link import Link, LinkFailed
from workers.queues.nats.lookup import Lookup
from workers.queues.nats.messages import (
    SERVICES,
    WORKERS,
    Ended,
    EngineState,
    Handed,
    Present,
    Take,
    Wanted,
    WireJob,
    answered,
    peer,
    wrapped,
)
from workers.queues.nats.vocabularies import put_back
from workers.scheduling.batching import Batch

log = structlog.get_logger()

BEAT_S: Final = 1.0
"""How often a worker says that it is there."""
TAKE_S: Final = 2.0
"""For a batch to come. Its service finds out by itself when one got lost on its way."""
END_S: Final = 2.0
"""For the end of a batch to be noted, each time it is said."""
END_KEPT_S: Final = 60.0
"""How long the end of a batch is said to a service that does not note it."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a batch came from."""

    service: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """What a worker says of itself."""

    engines: Callable[[], list[EngineState]]
    punctuator: Callable[[], str | None]


class RemoteWork:
    """Work for this machine's lanes; make it before the link runs, and run it beside the link."""

    def __init__(
        self,
        link: Link,
        lookup: Lookup,
        state: WorkerState,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._lookup = lookup
        self._state = state
        self._clock = clock
        self._demands = Demands()
        self._origins: dict[int, _Origin] = {}  # until the end of each is noted
        self._batches = 0
        self._ends: asyncio.Queue[tuple[int, Ended]] = asyncio.Queue()
        self._wanted = asyncio.Condition()
        self._changed = asyncio.Event()
        self._idle_lanes = 0
        self._asking = 0
        self._leaving = False
        self._gone = asyncio.Event()
        link.answer(SERVICES, self._hear)

    # The lanes' side

    async def take(self, *, engine: int) -> Batch:
        """Wait for a batch for a free lane, from whichever service needs it most."""
        self._idle_lanes += 1
        try:
            while True:
                batch = await self._take_from(await self._chosen(), engine)
                if batch is not None:
                    return batch
        finally:
            self._idle_lanes -= 1

    def settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> list[Answer]:
        """End a batch with its outcomes. Answers go out at its service; here they are counted."""
        self._end(batch, outcomes=list(outcomes))
        return [each for each in outcomes if isinstance(each, Hypothesis)]

    def broke(self, batch: Batch) -> list[Answer]:
        """End a batch whose engine broke; its service decides what becomes of it."""
        self._end(batch, broke=True)
        return []

    def give_back(self, batch: Batch) -> None:
        """End a batch that was never started."""
        self._end(batch)

    def announce(self, *, lanes: int) -> None:
        """Tell all services that engines became ready, or not."""
        self._changed.set()

    def release(self, *, engine: int) -> None:
        """Tell all services that an engine is gone."""
        self._changed.set()

    def close(self) -> None:
        """Take nothing more."""
        self._leaving = True
        self._changed.set()

    # The owner's side

    @property
    def is_leaving(self) -> bool:
        """Whether nothing more is taken."""
        return self._leaving

    async def run(self) -> None:
        """Speak and listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._say_present())
            while True:
                number, ended = await self._ends.get()
                group.create_task(self._say_ended(number, ended))

    async def drain(self) -> None:
        """Take nothing more, and wait until the end of everything taken is noted."""
        self.close()
        while self._asking or self._origins:  # noqa: ASYNC110 - both change in many places
            await asyncio.sleep(0.01)
        await self._tell_present()

    # Inside

    async def _hear(self, message: bytes) -> None:
        wanted = codec.decode(message, Wanted)
        self._demands.hear(wanted.service, wanted.waited_s, self._clock())
        if wanted.waited_s:
            await self._wake(max(1, wanted.windows))

    async def _wake(self, lanes: int) -> None:
        async with self._wanted:
            self._wanted.notify(lanes)

    async def _chosen(self) -> str:
        async with self._wanted:
            while True:
                if not self._leaving:
                    service = self._demands.choose(self._clock())
                    if service is not None:
                        return service
                await self._wanted.wait()

    async def _take_from(self, service: str, engine: int) -> Batch | None:
        # Lanes that ask at this moment will have something: windows are spread over the others.
        free = max(1, self._idle_lanes - self._asking)
        take = Take(worker=self._link.name, engine=engine, free=free)
        self._asking += 1
        try:
            said = await self._link.ask(peer(service), codec.encode(take), timeout_s=TAKE_S)
            handed = answered(said)
            if not isinstance(handed, Handed):
                self._demands.declined(service)
                return None
            self._demands.hear(service, handed.waited_s, self._clock())
            if handed.waited_s:
                await self._wake(1)
            return await self._batch(service, engine, handed)
        except (LinkFailed, InvalidRequest) as exc:
            if isinstance(exc, InvalidRequest):  # of another version, perhaps; others may do better
                log.warning("service_unreadable", service=service)
            self._demands.declined(service)
            return None
        finally:
            self._asking -= 1

    async def _batch(self, service: str, engine: int, handed: Handed) -> Batch:
        self._batches += 1
        number = self._batches
        self._origins[number] = _Origin(service, handed.batch)
        try:
            jobs = tuple([await self._job(service, each) for each in handed.jobs])
        except (LinkFailed, InvalidRequest):
            self._finish(number, outcomes=None, broke=False)
            raise
        return Batch(
            number=number,
            jobs=jobs,
            priority=handed.priority,
            taken_at=self._clock(),
            engine=engine,
        )

    async def _job(self, service: str, wire: WireJob) -> Job:
        job, finishing = wire.job, wire.job.request.profile.finishing
        if not wire.vocabulary or finishing is None:
            return job
        finishing = put_back(finishing, await self._lookup.find(service, wire.vocabulary))
        profile = replace(job.request.profile, finishing=finishing)
        return replace(job, request=replace(job.request, profile=profile))

    def _end(
        self, batch: Batch, *, outcomes: list[Outcome] | None = None, broke: bool = False
    ) -> None:
        self._finish(batch.number, outcomes=outcomes, broke=broke)

    def _finish(self, number: int, *, outcomes: list[Outcome] | None, broke: bool) -> None:
        origin = self._origins[number]
        ended = Ended(
            worker=self._link.name,
            batch=origin.number,
            free=self._idle_lanes + 1,  # its own lane is free in a moment
            outcomes=None if outcomes is None else wrapped(outcomes),
            broke=broke,
        )
        self._ends.put_nowait((number, ended))  # as many as lanes, and those not noted yet

    async def _say_ended(self, number: int, ended: Ended) -> None:
        origin = self._origins[number]
        message = codec.encode(ended)
        until = self._clock() + END_KEPT_S
        while self._clock() < until:
            try:
                await self._link.ask(peer(origin.service), message, timeout_s=END_S)
            except LinkFailed:
                await asyncio.sleep(0.2)  # it may be NATS that restarts, or the service
                continue
            break
        else:
            log.warning("batch_end_not_noted", worker=self._link.name)
        del self._origins[number]

    async def _say_present(self) -> None:
        while True:
            self._changed.clear()
            await self._tell_present()
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._changed.wait()

    async def _tell_present(self) -> None:
        holds: dict[str, list[int]] = {}
        for origin in self._origins.values():
            holds.setdefault(origin.service, []).append(origin.number)
        present = Present(
            worker=self._link.name,
            engines=self._state.engines(),
            free=0 if self._leaving else self._idle_lanes,
            holds=holds,
            punctuator=self._state.punctuator(),
            leaving=self._leaving,
        )
        with suppress(LinkFailed):  # it is said again in a moment
            await self._link.tell(WORKERS, codec.encode(present))
