"""Which kind of work heads the next batch, and how much of each kind may wait.

The most urgent kind goes first. A kind that waited beyond its patience gets one batch after every
`relief_interval` batches of more urgent work, so a flood of finals slows files down and never
stops them:

    finals wait all the time, files are overdue, relief_interval = 3

    F F F file F F F file F F F file …
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from workers.contract.requests import Priority

KIND_NAMES: Final = {
    Priority.FINAL: "final",
    Priority.SPECULATIVE: "speculative",
    Priority.FILE: "file",
    Priority.PARTIAL: "partial",
}
"""Names in `Load.waiting`, logs and metric labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Most requests of each kind that may wait.

    By memory: a window is at most 0.96 MB, so all four full hold less than 600 MB; usual windows
    are five times shorter.
    """

    final: int = 256
    speculative: int = 64
    file: int = 64
    partial: int = 128

    def of(self, priority: Priority) -> int:
        """Give the limit of one kind."""
        match priority:
            case Priority.FINAL:
                return self.final
            case Priority.SPECULATIVE:
                return self.speculative
            case Priority.FILE:
                return self.file
            case Priority.PARTIAL:
                return self.partial


def _default_patience() -> Mapping[Priority, float]:
    return {
        Priority.FINAL: 0.0,  # never asked: nothing is more urgent
        Priority.SPECULATIVE: 1.0,  # an endpoint later it is a final anyhow
        Priority.FILE: 10.0,  # nobody watches, but a recording must move on
        Priority.PARTIAL: 1.5,  # beyond that a preview lags visibly behind the voice
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a kind may be kept waiting by more urgent kinds. Our choice; no upstream figure."""

    after_s: Mapping[Priority, float] = field(default_factory=_default_patience)
    relief_interval: int = 3
    """Batches of more urgent work between two relief batches; at least 1."""


class Turns:
    """Remembers who was relieved when."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._ordinary = patience.relief_interval  # the first relief need not wait
        self._relieved: dict[Priority, int] = {}
        self._reliefs = 0

    def choose(self, since: Mapping[Priority, float], now: float) -> Priority:
        """Choose the kind that heads the next batch.

        Args:
            since: for each kind that could head it, when its oldest request began to wait; not
                empty.
            now: monotonic seconds.
        """
        most_urgent = min(since)
        overdue = [
            kind
            for kind, start in since.items()
            if kind != most_urgent and now - start > self._patience.after_s[kind]
        ]
        if overdue and self._ordinary >= self._patience.relief_interval:
            chosen = min(overdue, key=lambda kind: (self._relieved.get(kind, -1), kind))
            self._reliefs += 1
            self._relieved[chosen] = self._reliefs
            self._ordinary = 0
            return chosen
        self._ordinary += 1
        return most_urgent
