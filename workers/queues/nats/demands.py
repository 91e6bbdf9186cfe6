"""What a worker knows of the services' waiting work, and whose turn it is. Pure."""

from typing import Final

from workers.contract.requests import Priority
from workers.scheduling.priorities import Patience, Turns

SILENT_S: Final = 5.0
"""A service that said nothing for so long is gone, or cannot be reached; it speaks each second."""


class Demands:
    """The demands of services, by their names. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[Priority, float]] = {}
        self._heard: dict[str, float] = {}
        self._turns = Turns(Patience())

    def hear(self, service: str, waited_s: dict[int, float], now: float) -> None:
        """Take what a service said it has waiting: seconds waited, by kind; unknown kinds pass."""
        known = {int(kind) for kind in Priority}
        self._heard[service] = now
        self._waiting[service] = {
            Priority(kind): now - waited for kind, waited in waited_s.items() if kind in known
        }

    def declined(self, service: str) -> None:
        """A service had nothing for a lane: it is not asked before it speaks again."""
        self._waiting.pop(service, None)

    def is_there(self, service: str, now: float) -> bool:
        """Whether a service was heard lately."""
        heard = self._heard.get(service)
        return heard is not None and now - heard <= SILENT_S

    def choose(self, now: float) -> str | None:
        """Give the service to ask for work: the most urgent kind, waiting longest; None: no one.

        Kinds that waited beyond their patience are relieved as within one scheduler.
        """
        for service in [each for each in self._heard if not self.is_there(each, now)]:
            del self._heard[service]
            self._waiting.pop(service, None)
        since: dict[Priority, float] = {}
        for kinds in self._waiting.values():
            for kind, at in kinds.items():
                since[kind] = min(at, since.get(kind, at))
        if not since:
            return None
        chosen = self._turns.choose(since, now)
        return min(
            (service for service, kinds in self._waiting.items() if chosen in kinds),
            key=lambda service: self._waiting[service][chosen],
        )
