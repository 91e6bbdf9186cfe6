"""The scheduler against a simple model of its promises, under any order of events."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.workers.windows import plan_by_length, window
from workers.contract.audio import seconds
from workers.contract.engine import Again, Outcome, Plan
from workers.contract.errors import QueueFull
from workers.contract.requests import Answer, Hypothesis, Priority, Request
from workers.scheduling.batching import Batch, BatchLimits
from workers.scheduling.priorities import Room
from workers.scheduling.scheduler import BREAKS_LIMIT, Scheduler, SchedulerLimits

LIMITS = SchedulerLimits(
    room=Room(final=6, speculative=3, file=3, partial=3),
    batch=BatchLimits(windows=3, samples=40 * 16_000, background_samples=20 * 16_000),
)
LANES = {0: 2, 1: 1}
LASTING = {Priority.FINAL, Priority.FILE}


@dataclass
class Known:
    """What the model knows of an unanswered request."""

    request: Request
    priority: Priority
    breaks: int = 0
    running: bool = False
    withdrawn: bool = False
    deadlines: list[float | None] = field(default_factory=list)

    def expired(self, now: float) -> bool:
        return self.priority not in LASTING and all(
            deadline is not None and deadline <= now for deadline in self.deadlines
        )


class Queue(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler(LIMITS)
        self.now = 0.0
        self.known: dict[str, Known] = {}
        self.running: dict[int, Batch] = {}
        self.count = 0

    # What the rules share

    def answered(self, answers: list[Answer]) -> None:
        for answer in answers:
            known = self.known.pop(answer.request, None)
            assert known is not None, "answered twice, or never asked"
            assert not known.withdrawn
            if isinstance(answer, Hypothesis):
                continue
            assert answer.code != "request.expired" or known.expired(self.now)
            if answer.code == "request.poison":
                assert known.breaks == BREAKS_LIMIT
            elif known.priority in LASTING:
                assert answer.code == "queue.closed", "a final or a file was dropped"

    def end(self, number: int) -> Batch:
        batch = self.running.pop(number)
        for job in batch.jobs:
            self.known[job.request.id].running = False
        return batch

    def forget_withdrawn(self, batch: Batch) -> None:
        for job in batch.jobs:
            known = self.known.get(job.request.id)
            if known is not None and known.withdrawn:
                del self.known[job.request.id]

    def offer_window(self, request: Request) -> None:
        known = self.known.get(request.id)
        lasting = known is None and request.priority in LASTING
        if lasting and not self.scheduler.has_room(request.priority):
            return
        older = [
            k.request.id
            for k in self.known.values()
            if k.priority is Priority.PARTIAL
            and not k.running
            and request.priority is Priority.PARTIAL
            and (k.request.session, k.request.utterance) == (request.session, request.utterance)
            and k.request.revision <= request.revision
        ]
        try:
            failures = self.scheduler.offer(request, plan_by_length(request), self.now)
        except QueueFull:
            assert request.priority is Priority.SPECULATIVE
            return
        new = known is None
        if known is None:
            known = self.known[request.id] = Known(request, request.priority)
        known.deadlines.append(request.deadline)
        if known.priority not in LASTING or request.priority in LASTING:
            known.priority = min(known.priority, request.priority)
        known.withdrawn = False
        self.answered([*failures])
        if new and request.id in self.known:
            assert not [id for id in older if id in self.known and id != request.id], (
                "the newest partial wins"
            )

    # What may happen

    @rule(
        priority=st.sampled_from(Priority),
        session=st.integers(0, 3),
        utterance=st.integers(0, 2),
        samples=st.sampled_from([16_000, 70_000, 100_000, 240_000, 480_000]),
        patience_s=st.none() | st.floats(-1, 20),
    )
    def offer(
        self,
        priority: Priority,
        session: int,
        utterance: int,
        samples: int,
        patience_s: float | None,
    ) -> None:
        self.count += 1
        self.offer_window(
            window(
                f"r{self.count}",
                samples=samples,
                priority=priority,
                session=f"s{session}",
                user=f"u{session // 2}",
                utterance=utterance,
                revision=self.count,
                deadline=None if patience_s is None else self.now + patience_s,
            )
        )

    @precondition(lambda self: self.known)
    @rule(data=st.data(), priority=st.sampled_from(Priority))
    def join(self, data: st.DataObject, priority: Priority) -> None:
        known = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        request = known.request
        self.offer_window(
            window(
                request.id,
                samples=request.samples,
                priority=priority,
                session=request.session,
                user=request.user,
                utterance=request.utterance,
                revision=request.revision,
                deadline=self.now + 5,
            )
        )

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        self.scheduler.withdraw(name)
        if self.known[name].running:
            self.known[name].withdrawn = True
        else:
            del self.known[name]

    @rule(passing_s=st.floats(0, 12))
    def wait(self, passing_s: float) -> None:
        self.now += passing_s

    @rule()
    def expire(self) -> None:
        self.answered([*self.scheduler.expire(self.now)])
        assert not [k for k in self.known.values() if not k.running and k.expired(self.now)]

    @rule(engine=st.sampled_from(sorted(LANES)), lanes_free=st.integers(1, 3))
    def take(self, engine: int, lanes_free: int) -> None:
        here = [b for b in self.running.values() if b.engine == engine]
        if len(here) >= LANES[engine]:
            return
        batch = self.scheduler.take(
            self.now, lanes_free=lanes_free, lanes=sum(LANES.values()), engine=engine
        )
        if batch is None:
            return
        members = [self.known[job.request.id] for job in batch.jobs]
        assert not any(m.running or m.withdrawn or m.expired(self.now) for m in members)
        assert len({job.plan for job in batch.jobs}) == 1
        windows = [job.plan.window_samples for job in batch.jobs]
        assert len(windows) <= LIMITS.batch.windows
        assert len(windows) == 1 or sum(windows) <= LIMITS.batch.samples
        if any(m.breaks for m in members):
            assert len(members) == 1
            assert not here, "a suspect runs alone in its engine"
        for other in here:
            assert not any(self.known[job.request.id].breaks for job in other.jobs)
        for member in members:
            member.running = True
        self.running[batch.number] = batch
        previews = Counter(
            k.request.session
            for k in self.known.values()
            if k.running and k.request.priority is k.priority is Priority.PARTIAL
        )
        assert all(count == 1 for count in previews.values())
        led_by_partials = [b for b in self.running.values() if b.priority is Priority.PARTIAL]
        assert len(led_by_partials) < sum(LANES.values())

    @precondition(lambda self: self.running)
    @rule(data=st.data(), doubtful=st.integers(0, 7))
    def settle(self, data: st.DataObject, doubtful: int) -> None:
        batch = self.end(data.draw(st.sampled_from(sorted(self.running))))
        outcomes: list[Outcome] = []
        for place, job in enumerate(batch.jobs):
            self.known[job.request.id].breaks = 0
            said = Hypothesis(request=job.request.id, text="x", language="ru")
            again = Again(
                request=job.request.id,
                plan=Plan(window_samples=480_000, attempt=job.plan.attempt + 1),
                reason="token_cap",
                best=said,
            )
            outcomes.append(again if doubtful >> place & 1 else said)
        self.answered(self.scheduler.settle(batch, outcomes, self.now))
        self.forget_withdrawn(batch)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def break_the_engine(self, data: st.DataObject) -> None:
        batch = self.end(data.draw(st.sampled_from(sorted(self.running))))
        for job in batch.jobs:
            self.known[job.request.id].breaks += 1
        failures = self.scheduler.broke(batch)
        for failure in failures:  # these are the only ones that may be given up here
            known = self.known[failure.request]
            if failure.code == "engine.failed":
                assert known.priority not in LASTING
        self.answered([*failures])
        self.forget_withdrawn(batch)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        batch = self.end(data.draw(st.sampled_from(sorted(self.running))))
        self.answered([*self.scheduler.give_back(batch, self.now)])
        self.forget_withdrawn(batch)

    # What holds all the time

    @invariant()
    def the_counts_are_those_of_the_model(self) -> None:
        waiting = [k for k in self.known.values() if not k.running]
        for priority in Priority:
            expected = sum(k.priority is priority for k in waiting)
            assert self.scheduler.waiting_of(priority) == expected
        lasting = sum(k.request.samples for k in waiting if k.priority in LASTING)
        told = sum(self.scheduler.waiting_audio_s(kind) for kind in LASTING)
        assert abs(told - seconds(lasting)) < 1e-6
        assert self.scheduler.running == len(self.running)

    @invariant()
    def at_most_one_partial_of_an_utterance_waits(self) -> None:
        waiting = Counter(
            (k.request.session, k.request.utterance)
            for k in self.known.values()
            if not k.running and k.priority is Priority.PARTIAL
        )
        assert all(count == 1 for count in waiting.values())

    def teardown(self) -> None:
        """Let the engines work on: everybody who still waits is served."""
        self.wait(1000.0)
        for _ in range(500):
            for engine in LANES:
                self.take(engine, 1)
            self.expire()
            if not self.running:
                break
            for number in list(self.running):
                batch = self.end(number)
                outcomes = [
                    Hypothesis(request=j.request.id, text="x", language="ru") for j in batch.jobs
                ]
                self.answered([*self.scheduler.settle(batch, outcomes, self.now)])
                self.forget_withdrawn(batch)
        assert not self.known, "somebody would have waited for ever"
        assert self.scheduler.idle


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
