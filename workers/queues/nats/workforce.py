"""What a service knows of the workers: who is there, how many lanes, which batches they hold. Pure.

heard ──► there ──(LOST_S unheard)──► lost: its batches go to others
           │
           └─ says it does not hold a batch handed to it GRACE_S ago ─► that batch got lost
"""

from dataclasses import dataclass, field
from typing import Final

from workers.contract.engine import EngineDescription
from workers.queues.nats.messages import Present
from workers.scheduling.batching import Batch

LOST_S: Final = 4.0
"""A worker speaks each second; with three words missing it is gone or cannot be reached."""
GRACE_S: Final = 3.0
"""A batch may be on its way for so long before its worker says that it holds it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Worker:
    """A worker that was heard. Times are monotonic seconds."""

    name: str
    first_engine: int
    """Number of its first engine among all engines behind the queue; the others follow."""
    heard: float
    present: Present
    free: int
    """Lanes with nothing to do, by its last word."""
    handed: dict[int, tuple[Batch, float]] = field(default_factory=dict)
    """Batches that have not ended, and when they were handed out."""

    @property
    def lanes(self) -> int:
        """Ready lanes."""
        return 0 if self.present.leaving else sum(each.lanes for each in self.present.engines)

    @property
    def engines(self) -> range:
        """Numbers of its engines."""
        return range(self.first_engine, self.first_engine + len(self.present.engines))


class Workforce:
    """All workers that are heard."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}
        self._engines = 0

    @property
    def lanes(self) -> int:
        """Ready lanes of all."""
        return sum(worker.lanes for worker in self._workers.values())

    @property
    def free(self) -> int:
        """Lanes with nothing to do, by what was last heard."""
        return sum(worker.free for worker in self._workers.values() if not worker.present.leaving)

    @property
    def descriptions(self) -> tuple[EngineDescription, ...]:
        """What the engines are that were ready at least once."""
        found = (e.description for w in self._workers.values() for e in w.present.engines)
        return tuple(each for each in found if each is not None)

    @property
    def punctuator(self) -> str | None:
        """Name of the punctuation model of one that has any."""
        names = (worker.present.punctuator for worker in self._workers.values())
        return next((name for name in names if name is not None), None)

    @property
    def has_hope(self) -> bool:
        """Whether anybody is there who takes work, now or once its engines are up, or holds some."""
        return any(not w.present.leaving or w.handed for w in self._workers.values())

    def names(self) -> list[str]:
        """Name those that take work, the one with most free lanes first."""
        staying = [each for each in self._workers.values() if each.lanes]
        return [each.name for each in sorted(staying, key=lambda each: -each.free)]

    def get(self, name: str) -> Worker | None:
        """Find a worker."""
        return self._workers.get(name)

    def hear(self, service: str, present: Present, now: float) -> list[Batch]:
        """Take a worker's word; give the batches of `service` that it should hold and does not."""
        worker = self._workers.get(present.worker)
        if worker is None or len(worker.present.engines) != len(present.engines):
            worker = Worker(
                name=present.worker,
                first_engine=self._engines,
                heard=now,
                present=present,
                free=present.free,
            )
            self._engines += len(present.engines)
            self._workers[present.worker] = worker
        worker.heard, worker.present, worker.free = now, present, present.free
        holds = set(present.holds.get(service, ()))
        missing = [
            batch
            for number, (batch, handed_at) in worker.handed.items()
            if number not in holds and now - handed_at > GRACE_S
        ]
        for batch in missing:
            del worker.handed[batch.number]
        return missing

    def lose(self, now: float, *, all_of_them: bool) -> list[Worker]:
        """Forget those unheard for too long, or all; give them with what they held."""
        lost = [
            worker
            for worker in self._workers.values()
            if all_of_them or now - worker.heard > LOST_S
        ]
        for worker in lost:
            del self._workers[worker.name]
        return lost

    def excuse(self, now: float) -> None:
        """Nobody could be heard until now: nobody is late."""
        for worker in self._workers.values():
            worker.heard = now
