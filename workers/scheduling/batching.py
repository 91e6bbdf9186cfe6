"""Which windows share a batch.

Only windows with equal plans: CTranslate2 has no mask for padded encoder positions, and beam and
temperature are settings of a call (OpenNMT/CTranslate2, src/models/whisper.cc).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from workers.contract.audio import SAMPLE_RATE_HZ
from workers.contract.engine import Job, Plan
from workers.contract.requests import Priority
from workers.scheduling.entries import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How large a batch may be. A batch ends with its slowest window and takes no new ones.

    On two CPU cores batches beyond 8 gain little and double the time a final waits (our
    measurement, 2026-11: 1.7 s for 8 windows, 4.3 s for 16).
    """

    windows: int = 8
    samples: int = 120 * SAMPLE_RATE_HZ
    """Most encoder input of a batch in samples, all windows together; one window always fits."""
    background_samples: int = 60 * SAMPLE_RATE_HZ
    """The same for a batch headed by a file or a partial, which a final may have to wait for."""

    @classmethod
    def for_windows(cls, windows: int) -> "BatchLimits":
        """Give the limits for batches of up to `windows` windows of 15 s, or fewer longer ones."""
        samples = max(30, 15 * windows) * SAMPLE_RATE_HZ
        return cls(windows=windows, samples=samples, background_samples=samples // 2)

    def windows_of(self, plan: Plan, head: Priority) -> int:
        """Most windows of one plan in a batch headed by one of kind `head`; at least 1."""
        urgent = head in {Priority.FINAL, Priority.SPECULATIVE}
        samples = self.samples if urgent else self.background_samples
        return max(1, min(self.windows, samples // plan.window_samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Windows to recognise together."""

    number: int
    """Counts batches of one scheduler, from 1."""
    jobs: tuple[Job, ...]
    """1 or more jobs with equal plans, the head first."""
    priority: Priority
    """Kind of the head."""
    taken_at: float
    """Monotonic seconds."""
    engine: int
    """Number of the engine that took it."""

    @property
    def plan(self) -> Plan:
        """The plan all its jobs share."""
        return self.jobs[0].plan

    @property
    def audio_samples(self) -> int:
        """Samples of speech in it, without padding."""
        return sum(job.request.samples for job in self.jobs)


def fill(head: Entry, waiting: Iterable[Entry], *, limit: int, lanes_free: int) -> list[Entry]:
    """Choose who shares the head's batch.

    When several lanes are free, equal windows are spread over those that have nothing else to do:
    two batches of 4 on two cores end in half the time of one batch of 8.

    Args:
        head: the first of the batch.
        waiting: everybody who could be taken now, in order; may contain the head.
        limit: most windows in the batch, at least 1.
        lanes_free: lanes that wait for work, this one included.

    Returns:
        The batch, `head` first, then in the order of `waiting`; at most one partial per session.
    """
    plan = head.job.plan
    companions: list[Entry] = []
    sessions = {head.utterance[0]} if head.priority is Priority.PARTIAL else set[str]()
    other_plans: set[Plan] = set()
    enough = limit * lanes_free
    for entry in waiting:
        if len(companions) + 1 >= enough:
            break
        if entry is head:
            continue
        if entry.job.plan != plan:
            other_plans.add(entry.job.plan)
            continue
        if entry.priority is Priority.PARTIAL:
            # A preview would make the finals of its batch wait for one more encoder pass.
            if head.priority is not Priority.PARTIAL or entry.utterance[0] in sessions:
                continue
            sessions.add(entry.utterance[0])
        companions.append(entry)
    spread = max(1, lanes_free - len(other_plans))
    size = min(limit, -(-(len(companions) + 1) // spread))
    return [head, *companions[: size - 1]]
