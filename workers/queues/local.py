"""`TranscriptionQueue` inside one process and one event loop, over the pure `Scheduler`.

Sessions call `submit` and `load`; lanes call `take` and end a batch with `settle`, `broke` or
`give_back`. Offers of one turn of the event loop are gathered before lanes are served, so that
windows arriving together share a batch instead of the first one running off alone.

Lanes of other machines are not waiting here: whoever speaks for them is told (`watch`) when there
may be something for them, and takes it with `take_now` once one of them is free.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workers.contract.audio import seconds
from workers.contract.engine import Outcome, Planner
from workers.contract.errors import QueueClosed
from workers.contract.queue import Load
from workers.contract.requests import Answer, Priority, Request
from workers.scheduling import verdicts
from workers.scheduling.batching import Batch
from workers.scheduling.entries import DROPPABLE
from workers.scheduling.pace import Pace
from workers.scheduling.priorities import KIND_NAMES
from workers.scheduling.scheduler import Scheduler


@dataclass(slots=True, kw_only=True, eq=False)
class _Caller:
    """The callers of `submit` that wait for one request's answer."""

    answer: asyncio.Future[Answer]
    count: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class _Lane:
    """A lane that waits for a batch."""

    engine: int
    batch: asyncio.Future[Batch]


class LocalQueue:
    """The queue of one process; see the port's promises. Use it from one event loop only."""

    def __init__(
        self, scheduler: Scheduler, planner: Planner, *, clock: Callable[[], float]
    ) -> None:
        self._scheduler = scheduler
        self._planner = planner
        self._clock = clock
        self._callers: dict[str, _Caller] = {}
        self._lanes_waiting: list[_Lane] = []
        self._before_room: dict[asyncio.Future[None], Request] = {}
        self._dispatch_planned = False
        self._pace = Pace()
        self._lanes = 0
        self._ready = False
        self._watcher: Callable[[], None] | None = None
        self._refusing = False
        self._idle = asyncio.Event()
        self._idle.set()

    # The side of the sessions

    async def submit(self, request: Request) -> Answer:
        """Wait for the answer to one request; see the port."""
        if request.priority not in DROPPABLE:
            await self._room_for(request)
        if self._refusing:
            raise QueueClosed("the queue takes no more work")
        now = self._clock()
        caller = self._callers.get(request.id)
        if caller is None:
            caller = _Caller(answer=asyncio.get_running_loop().create_future())
        failures = self._scheduler.offer(request, self._planner(request), now)
        self._callers[request.id] = caller
        self._idle.clear()
        self._deliver(failures)
        self._plan_dispatch()
        return await self._answer(caller, request)

    def load(self) -> Load:
        """Say how busy the queue is; counts what waits for room as waiting."""
        waiting = {
            name: self._scheduler.waiting_of(priority) for priority, name in KIND_NAMES.items()
        }
        audio_s = {
            kind: self._scheduler.waiting_audio_s(kind) for kind in (Priority.FINAL, Priority.FILE)
        }
        for request in self._before_room.values():
            waiting[KIND_NAMES[request.priority]] += 1
            audio_s[request.priority] += seconds(request.samples)
        oldest = self._scheduler.waiting_since(Priority.FINAL)
        waiting_audio_s = sum(audio_s.values())
        return Load(
            waiting=waiting,
            waiting_audio_s=waiting_audio_s,
            backlog_ms=self._needs_ms(waiting_audio_s),
            final_backlog_ms=self._needs_ms(audio_s[Priority.FINAL]),
            queue_ms=0.0 if oldest is None else max(0.0, self._clock() - oldest) * 1000,
            busy_lanes=self._scheduler.running,
            lanes=self._lanes,
            ready=self._ready,
        )

    def _needs_ms(self, audio_s: float) -> float:
        return self._pace.needs_s(audio_s) / max(1, self._lanes) * 1000

    # The side of the lanes

    async def take(self, *, engine: int) -> Batch:
        """Wait for a batch for one free lane of an engine."""
        lane = _Lane(engine=engine, batch=asyncio.get_running_loop().create_future())
        self._lanes_waiting.append(lane)
        self._plan_dispatch()
        try:
            return await lane.batch
        except asyncio.CancelledError:
            if lane.batch.done() and not lane.batch.cancelled():
                self.give_back(lane.batch.result())
            raise
        finally:
            if lane in self._lanes_waiting:
                self._lanes_waiting.remove(lane)

    def take_now(self, *, engine: int, lanes_free: int) -> Batch | None:
        """Give a batch for one free lane of an engine if there is one for it at this moment.

        Args:
            engine: its number, of those behind this queue.
            lanes_free: lanes that could be given a batch now, this one included.
        """
        now = self._clock()
        self._deliver(self._scheduler.expire(now))
        batch = self._scheduler.take(
            now, lanes_free=lanes_free, lanes=max(self._lanes, lanes_free), engine=engine
        )
        self._after_change()
        return batch

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after each turn of the event loop that may have made a batch possible."""
        self._watcher = watcher

    def waited_s(self) -> dict[Priority, float]:
        """Say for each kind that waits how long its oldest request has."""
        now = self._clock()
        since = {kind: self._scheduler.waiting_since(kind) for kind in KIND_NAMES}
        return {kind: max(0.0, now - at) for kind, at in since.items() if at is not None}

    def waiting_windows(self) -> int:
        """Count the requests that a lane could be given."""
        return sum(self._scheduler.waiting_of(kind) for kind in KIND_NAMES)

    def fail_waiting(self) -> None:
        """Answer everything that waits `engine.failed`; only right while no batch is under way."""
        waiting = list(self._callers)
        for request_id in waiting:
            self._scheduler.withdraw(request_id)
        self._deliver([verdicts.broken(request_id) for request_id in waiting])

    def settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> list[Answer]:
        """End a batch with the engine's outcomes; give the answers that went out."""
        now = self._clock()
        self._pace.learn(batch, now - batch.taken_at)
        answers = self._scheduler.settle(batch, outcomes, now)
        self._deliver(answers)
        self._plan_dispatch()
        return answers

    def broke(self, batch: Batch) -> list[Answer]:
        """End a batch whose engine broke; give the answers that went out."""
        failures: list[Answer] = [*self._scheduler.broke(batch)]
        self._deliver(failures)
        self._plan_dispatch()
        return failures

    def give_back(self, batch: Batch) -> None:
        """End a batch that was never started."""
        self._deliver(self._scheduler.give_back(batch, self._clock()))
        self._plan_dispatch()

    def announce(self, *, lanes: int) -> None:
        """Say how many lanes stand ready behind the queue; 0 while every engine restarts."""
        self._lanes = lanes
        self._ready = lanes > 0

    def release(self, *, engine: int) -> None:
        """Say that an engine takes no more batches, for good."""
        self._scheduler.release(engine)
        self._plan_dispatch()

    # The end

    async def drain(self) -> None:
        """Refuse new work and wait until everything accepted is answered; then close."""
        self._refuse()
        await self._idle.wait()
        self.close()

    async def drain_within(self, timeout: float) -> bool:
        """Drain for so many seconds at most, then close; say whether everything was answered."""
        try:
            async with asyncio.timeout(timeout):
                await self.drain()
        except TimeoutError:
            self.close()
            return False
        return True

    def close(self, *, also_running: bool = False) -> None:
        """Refuse new work and answer what waits; with `also_running`, what is in batches too."""
        self._refuse()
        self._deliver(self._scheduler.close(also_running=also_running))

    # Inside

    def _refuse(self) -> None:
        self._refusing = True
        for waiter in self._before_room:
            if not waiter.done():
                waiter.set_result(None)

    async def _room_for(self, request: Request) -> None:
        """Wait until a request that may not be dropped finds room, or joins a known one."""
        # Who comes now stands behind those who came before, even when there is room again.
        behind = any(r.priority is request.priority for r in self._before_room.values())
        while not (self._refusing or self._scheduler.holds(request.id)) and (
            behind or not self._scheduler.has_room(request.priority)
        ):
            behind = False
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._before_room[waiter] = request
            try:
                await waiter
            finally:
                del self._before_room[waiter]
                if not self._refusing:
                    self._offer_room()  # in case this one was woken and cannot use it

    def _offer_room(self) -> None:
        """Wake, for each kind with room, the caller whose user has the least waiting."""
        if not self._before_room:
            return
        for priority in (Priority.FINAL, Priority.FILE):
            sleeping = [
                (waiter, request)
                for waiter, request in self._before_room.items()
                if request.priority is priority
            ]
            woken = any(waiter.done() for waiter, _ in sleeping)
            if not sleeping or woken or not self._scheduler.has_room(priority):
                continue
            waiter, _ = min(
                sleeping, key=lambda pair: self._scheduler.waiting_of(priority, pair[1].user)
            )
            waiter.set_result(None)

    async def _answer(self, caller: _Caller, request: Request) -> Answer:
        caller.count += 1
        timer = self._expiry(request)
        try:
            # Shielded: one caller's cancellation must not take the answer from another.
            return await asyncio.shield(caller.answer)
        finally:
            caller.count -= 1
            if timer is not None:
                timer.cancel()
            if caller.count == 0 and self._callers.get(request.id) is caller:
                del self._callers[request.id]
                self._scheduler.withdraw(request.id)
                self._after_change()

    def _expiry(self, request: Request) -> asyncio.TimerHandle | None:
        """Wake the scheduler at the deadline, also when every lane is busy until later."""
        if request.deadline is None or request.priority not in DROPPABLE:
            return None
        # A millisecond late rather than early: loop timers may fire a clock tick too soon.
        delay = max(0.0, request.deadline - self._clock()) + 0.001
        return asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._deliver(self._scheduler.expire(self._clock()))

    def _deliver(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            caller = self._callers.pop(answer.request, None)
            if caller is not None and not caller.answer.done():
                caller.answer.set_result(answer)
        self._after_change()

    def _after_change(self) -> None:
        self._offer_room()
        if self._scheduler.idle and not self._before_room:
            self._idle.set()

    def _plan_dispatch(self) -> None:
        if (self._lanes_waiting or self._watcher) and not self._dispatch_planned:
            self._dispatch_planned = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._dispatch_planned = False
        now = self._clock()
        self._deliver(self._scheduler.expire(now))
        for lane in list(self._lanes_waiting):
            if lane.batch.done():
                self._lanes_waiting.remove(lane)
                continue
            batch = self._scheduler.take(
                now,
                lanes_free=len(self._lanes_waiting),
                lanes=max(self._lanes, len(self._lanes_waiting)),
                engine=lane.engine,
            )
            if batch is not None:
                self._lanes_waiting.remove(lane)
                lane.batch.set_result(batch)
        self._after_change()
        if self._watcher is not None:
            self._watcher()
