"""Which windows are recognised next, and together: the rules of `TranscriptionQueue`, no waiting.

    offer ──► waiting ──take──► in a batch ──settle──► answered
                ▲                  │   │
                └──── Again ───────┘   └─broke──► alone in an idle engine ──► answered or poison
                                                  (finals and files; others: engine.failed)

Everybody who is offered is answered exactly once: by the answers that `settle` returns, or by the
failures that any of the methods returns. Delivering them is the caller's part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from workers.contract.engine import Again, Job, Outcome, Plan
from workers.contract.errors import QueueClosed, QueueFull
from workers.contract.requests import Answer, Failure, Priority, Request
from workers.scheduling import verdicts
from workers.scheduling.batching import Batch, BatchLimits, fill
from workers.scheduling.entries import DROPPABLE, Entry
from workers.scheduling.priorities import Patience, Room, Turns
from workers.scheduling.utterances import Utterances
from workers.scheduling.waiting import WaitingRoom

BREAKS_LIMIT: Final = 3
"""Batches a window may break before it is set aside: once in company, then twice alone."""
PASSES_LIMIT: Final = 8
"""Passes after which the best hypothesis is taken; above Whisper's ladder of 6 temperatures."""

RETRY_AFTER_MS: Final = 1000
"""When to try a refused speculative request again: about one batch on two cores later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerLimits:
    """Every bound of a scheduler."""

    room: Room = field(default_factory=Room)
    batch: BatchLimits = field(default_factory=BatchLimits)
    patience: Patience = field(default_factory=Patience)
    reserved_lanes: int = 1
    """Lanes that batches of partials may not take, when there are more than that; a final then
    never finds every lane busy with previews."""


class Scheduler:
    """Holds waiting requests and chooses batches. Not thread-safe; every time is monotonic."""

    def __init__(self, limits: SchedulerLimits) -> None:
        self._limits = limits
        self._entries: dict[str, Entry] = {}
        self._room = WaitingRoom()
        self._utterances = Utterances()
        self._running: dict[int, tuple[Batch, list[Entry]]] = {}
        self._turns = Turns(limits.patience)
        self._quarantine: int | None = None
        self._offers = 0
        self._batches = 0
        self._closed = False

    def has_room(self, priority: Priority) -> bool:
        """Whether a request of this kind may be offered; partials make room by shedding."""
        return self._room.count(priority) < self._limits.room.of(priority)

    def holds(self, request_id: str) -> bool:
        """Whether a request with this id waits or is in a batch, so that an offer joins it."""
        return request_id in self._entries

    def waiting_of(self, priority: Priority, user: str | None = None) -> int:
        """Count the waiting requests of a kind, of everybody or of one user."""
        return self._room.count(priority, user)

    def waiting_since(self, priority: Priority) -> float | None:
        """Say when the oldest waiting request of a kind took its place; None when none waits."""
        return self._room.since(priority)

    def waiting_audio_s(self, priority: Priority) -> float:
        """Give the seconds of audio in waiting requests of a kind."""
        return self._room.audio_s(priority)

    @property
    def running(self) -> int:
        """Batches taken and not ended."""
        return len(self._running)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is in a batch."""
        return not self._entries

    def offer(self, request: Request, plan: Plan, now: float) -> list[Failure]:
        """Take in a request, or join it to the one with its id.

        Returns:
            Failures of requests that lost their place by it, perhaps its own.

        Raises:
            QueueFull: no room for this kind; see `has_room`.
            QueueClosed: after `close`.
        """
        if self._closed:
            raise QueueClosed("the queue takes no more work")
        known = self._entries.get(request.id)
        if known is not None:
            return self._join(known, request)
        entry = Entry(
            job=Job(request=request, plan=plan),
            priority=request.priority,
            submitted=now,
            since=now,
            order=self._offers,
        )
        if entry.expired(now):
            return [verdicts.expired(entry.id)]
        failures: list[Failure] = []
        if entry.priority is Priority.PARTIAL:
            failures = self._make_place(entry)
            if any(failure.request == entry.id for failure in failures):
                return failures
        elif not self.has_room(entry.priority):
            raise QueueFull("no room for more work of this kind", retry_after_ms=RETRY_AFTER_MS)
        self._offers += 1
        self._entries[entry.id] = entry
        self._wait(entry)
        return failures if entry.priority is not Priority.FINAL else self._close_utterance(entry)

    def withdraw(self, request_id: str) -> None:
        """Forget a request nobody waits for; one in a batch is forgotten when the batch ends."""
        entry = self._entries.get(request_id)
        if entry is None:
            return
        if entry in self._room:
            self._leave(entry)
        else:
            entry.abandoned = True

    def expire(self, now: float) -> list[Failure]:
        """Answer the waiting requests whose deadline is at or before `now`."""
        gone = self._room.expired(now)
        for entry in gone:
            self._utterances.stops_waiting(entry)
            del self._entries[entry.id]
        return [verdicts.expired(entry.id) for entry in gone]

    def close(self, *, also_running: bool = False) -> list[Failure]:
        """Refuse new work and answer what waits; with `also_running`, what is in batches too."""
        self._closed = True
        waiting = list(self._room)
        for entry in waiting:
            self._leave(entry)
        failures = [verdicts.closed(entry.id) for entry in waiting]
        if also_running:
            failures += [verdicts.closed(e.id) for e in self._entries.values() if not e.abandoned]
            self._entries.clear()
            self._running.clear()
        return failures

    def take(
        self, now: float, *, lanes_free: int = 1, lanes: int = 1, engine: int = 0
    ) -> Batch | None:
        """Choose the next batch for a free lane of an engine.

        Args:
            now: monotonic seconds; what has expired is never taken.
            lanes_free: lanes waiting for work now, this one included; at least 1.
            lanes: lanes there are, busy ones included.
            engine: number of the engine the lane belongs to. Windows that were in a batch that
                broke an engine run alone in an otherwise idle one, so that no other is blamed.
        """
        if self._closed:
            return None
        if self._isolates(engine):
            if any(batch.engine == engine for batch, _ in self._running.values()):
                return None
            return self._start([self._room.serve_suspect()], now, engine)
        partial_lanes = self._partial_lanes(lanes)
        head = self._head(now, partials=partial_lanes > 0)
        if head is None:
            return None
        preview = head.priority is Priority.PARTIAL
        members = fill(
            head,
            self._takeable(now),
            limit=self._limits.batch.windows_of(head.job.plan, head.priority),
            lanes_free=min(lanes_free, partial_lanes) if preview else lanes_free,
        )
        for entry in members:
            self._room.serve(entry, leads=entry is head)
        return self._start(members, now, engine)

    def settle(self, batch: Batch, outcomes: Sequence[Outcome], now: float) -> list[Answer]:
        """End a batch with the engine's outcomes, one a job in the order of the batch.

        A window to be decoded again goes back to its place, under its new plan.
        """
        answers: list[Answer] = []
        for entry, outcome in zip(self._end(batch), outcomes, strict=False):
            entry.recognise_s += max(0.0, now - batch.taken_at)
            entry.passes += 1
            entry.breaks = 0
            if entry.abandoned:
                answer = None
            elif isinstance(outcome, Again):
                answer = self._again(entry, outcome, now, batch=len(batch.jobs))
                if answer is None:
                    continue
            else:
                answer = replace(outcome, request=entry.id, cost=entry.cost(len(batch.jobs)))
            del self._entries[entry.id]
            if answer is not None:
                answers.append(answer)
        return answers

    def broke(self, batch: Batch) -> list[Failure]:
        """End a batch whose engine broke.

        Finals and files are tried again, each alone; the others are answered `engine.failed`,
        since a newer partial, or the final itself, follows anyhow.
        """
        failures: list[Failure] = []
        self.release(batch.engine)  # it restarts; another engine may try the suspects sooner
        for entry in self._end(batch):
            entry.breaks += 1
            if entry.abandoned:
                del self._entries[entry.id]
                continue
            if entry.breaks >= BREAKS_LIMIT:
                verdict = verdicts.poison(entry.id)
            elif entry.priority in DROPPABLE:
                verdict = verdicts.broken(entry.id)
            elif self._closed:
                verdict = verdicts.closed(entry.id)
            else:
                self._wait(entry)
                continue
            del self._entries[entry.id]
            failures.append(verdict)
        return failures

    def give_back(self, batch: Batch, now: float) -> list[Failure]:
        """End a batch that was never started: its requests keep their places and their record."""
        failures: list[Failure] = []
        for entry in self._end(batch):
            if entry.passes == 0 and entry.breaks == 0:
                entry.taken = None
            obstacle = self._obstacle(entry, now)
            if obstacle is None and not entry.abandoned:
                self._wait(entry)
                continue
            del self._entries[entry.id]
            if obstacle is not None and not entry.abandoned:
                failures.append(obstacle)
        return failures

    def release(self, engine: int) -> None:
        """Forget an engine that takes no more batches."""
        if self._quarantine == engine:
            self._quarantine = None

    def _join(self, entry: Entry, request: Request) -> list[Failure]:
        known = entry.job.request
        entry.abandoned = False
        bounds = known.deadline, request.deadline
        merged = replace(
            known,
            wants_words=known.wants_words or request.wants_words,
            deadline=None if None in bounds else max(b for b in bounds if b is not None),
        )
        waits = entry in self._room
        if waits:
            self._room.remove(entry)
            self._utterances.stops_waiting(entry)
        entry.job = replace(entry.job, request=merged)
        if entry.priority in DROPPABLE or request.priority not in DROPPABLE:
            entry.priority = min(entry.priority, request.priority)  # else a file could be dropped
        if waits:
            self._wait(entry)
        return self._close_utterance(entry) if entry.priority is Priority.FINAL else []

    def _make_place(self, partial: Entry) -> list[Failure]:
        """Let a newer partial take the place of the older one, or of the oldest of all."""
        older = self._utterances.waiting(partial.utterance)
        late = older is not None and older.job.request.revision > partial.job.request.revision
        if late or self._utterances.is_closed(partial.utterance):
            return [verdicts.replaced(partial.id)]
        if older is not None:
            partial.since = older.since
            self._leave(older)
            return [verdicts.replaced(older.id)]
        if self.has_room(Priority.PARTIAL):
            return []
        oldest = self._utterances.oldest()
        if oldest is None:
            raise QueueFull("no room for partials", retry_after_ms=RETRY_AFTER_MS)
        self._leave(oldest)
        return [verdicts.shed(oldest.id)]

    def _close_utterance(self, final: Entry) -> list[Failure]:
        partial = self._utterances.close(final.utterance)
        if partial is None:
            return []
        self._leave(partial)
        return [verdicts.replaced(partial.id)]

    def _wait(self, entry: Entry) -> None:
        self._room.add(entry)
        self._utterances.waits(entry)

    def _leave(self, entry: Entry) -> None:
        self._room.remove(entry)
        self._utterances.stops_waiting(entry)
        del self._entries[entry.id]

    def _partial_lanes(self, lanes: int) -> int:
        """Lanes that batches of partials may take now."""
        reserve = self._limits.reserved_lanes if lanes > self._limits.reserved_lanes else 0
        busy = sum(batch.priority is Priority.PARTIAL for batch, _ in self._running.values())
        return lanes - reserve - busy

    def _may_run(self, entry: Entry, now: float) -> bool:
        return not entry.expired(now) and self._utterances.may_run(entry)

    def _takeable(self, now: float) -> Iterator[Entry]:
        for line in self._room.lines().values():
            yield from (entry for entry in line.in_order() if self._may_run(entry, now))

    def _head(self, now: float, *, partials: bool) -> Entry | None:
        heads: dict[Priority, Entry] = {}
        since: dict[Priority, float] = {}
        for priority, line in self._room.lines().items():
            oldest = line.waiting_since()
            if oldest is None or (priority is Priority.PARTIAL and not partials):
                continue
            head = next((e for e in line.in_order() if self._may_run(e, now)), None)
            if head is not None:
                heads[priority] = head
                since[priority] = oldest
        return heads[self._turns.choose(since, now)] if heads else None

    def _isolates(self, engine: int) -> bool:
        """Whether this engine is kept free for windows that are tried alone, or is trying one."""
        if self._quarantine is None and self._room.has_suspects:
            self._quarantine = engine
        if self._quarantine != engine:
            return False
        trying = any(
            batch.engine == engine and members[0].breaks
            for batch, members in self._running.values()
        )
        if not self._room.has_suspects and not trying:
            self._quarantine = None
        return self._quarantine is not None

    def _start(self, members: list[Entry], now: float, engine: int) -> Batch:
        for entry in members:
            self._utterances.stops_waiting(entry)
            self._utterances.runs(entry)
            if entry.taken is None:
                entry.taken = now
        self._batches += 1
        batch = Batch(
            number=self._batches,
            jobs=tuple(entry.job for entry in members),
            priority=members[0].priority,
            taken_at=now,
            engine=engine,
        )
        self._running[batch.number] = batch, members
        return batch

    def _end(self, batch: Batch) -> list[Entry]:
        _, members = self._running.pop(batch.number, (batch, []))
        for entry in members:
            self._utterances.ran(entry)
        return members

    def _obstacle(self, entry: Entry, now: float) -> Failure | None:
        """Say why a request may not wait again, or None."""
        if self._closed:
            return verdicts.closed(entry.id)
        if entry.expired(now):
            return verdicts.expired(entry.id)
        if self._utterances.superseded(entry):
            return verdicts.replaced(entry.id)
        return None

    def _again(self, entry: Entry, again: Again, now: float, *, batch: int) -> Answer | None:
        """Let a window wait for its next pass, or say with what it is answered instead."""
        if entry.passes >= PASSES_LIMIT:
            return replace(again.best, request=entry.id, cost=entry.cost(batch))
        obstacle = self._obstacle(entry, now)
        if obstacle is None:
            entry.job = replace(entry.job, plan=again.plan, best=again.best, place=again.place)
            self._wait(entry)
        return obstacle
