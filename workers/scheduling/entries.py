"""A request on its way through the scheduler."""

from dataclasses import dataclass, field

from workers.contract.audio import seconds
from workers.contract.engine import Job
from workers.contract.requests import Cost, Priority

DROPPABLE = frozenset({Priority.SPECULATIVE, Priority.PARTIAL})
"""Kinds that may be refused, expire or be shed; nothing a person said is lost with them."""


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """One request, from its offer to its answer. Times are monotonic seconds."""

    job: Job
    priority: Priority
    """The most urgent priority anybody asked for; starts as the request's own."""
    submitted: float
    """When this request was offered; `Cost.queue_ms` counts from here."""
    since: float
    """When its place in the queue was taken: by itself, or by the older partial it replaced."""
    order: int
    """Counts offers; breaks ties, so that the order never depends on ids."""
    taken: float | None = None
    """When its first batch started."""
    recognise_s: float = 0.0
    passes: int = 0
    breaks: int = 0
    """Batches with it that ended with a broken engine."""
    abandoned: bool = False
    """Nobody waits for the answer any more, but a batch still holds it."""
    holds_session: bool = field(default=False)
    """A partial in a batch: its session's next partial waits for it."""

    @property
    def id(self) -> str:
        """Id of the request."""
        return self.job.request.id

    @property
    def user(self) -> str:
        """Whose share it uses."""
        return self.job.request.user

    @property
    def utterance(self) -> tuple[str, int]:
        """Session and number of its utterance."""
        return self.job.request.session, self.job.request.utterance

    @property
    def place(self) -> tuple[float, int]:
        """Where it stands among the requests of its user."""
        return self.since, self.order

    @property
    def deadline(self) -> float | None:
        """When the answer stops being of use; None for what is never dropped."""
        return self.job.request.deadline if self.priority in DROPPABLE else None

    @property
    def work_s(self) -> float:
        """What it costs its user's share: seconds of encoder window."""
        return seconds(self.job.plan.window_samples)

    def expired(self, now: float) -> bool:
        """Whether decoding it would be of no use."""
        deadline = self.deadline
        return deadline is not None and deadline <= now

    def cost(self, batch: int) -> Cost:
        """What its answer cost, when `batch` windows shared its last batch."""
        taken = self.submitted if self.taken is None else self.taken
        return Cost(
            queue_ms=max(0.0, taken - self.submitted) * 1000,
            recognise_ms=self.recognise_s * 1000,
            batch=batch,
            passes=self.passes,
        )
