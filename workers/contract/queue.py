"""The port between sessions and recognisers: `TranscriptionQueue`.

Promises, pinned by one contract test suite for every adapter:

- `submit` returns exactly one answer for a request, also when the recogniser dies meanwhile.
- Finals and files are never dropped. When there is no room for one, `submit` waits: the session
  stops reading its socket, which is the back-pressure people feel as slower sending, not as loss.
- A newer partial of the same session and utterance replaces a waiting older one; the older
  `submit` returns a failure `request.replaced`.
- The same id submitted twice is one piece of work with the more urgent priority; both callers get
  the answer. What may not be dropped stays so: a file that a speculative final joins is a file.
- A cancelled `submit` withdraws the request if nobody else waits for it and no batch holds it.
- After `close`, waiting requests are answered `queue.closed` and `submit` raises `QueueClosed`.
"""

from dataclasses import dataclass
from typing import Protocol

from workers.contract.requests import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How busy the queue is, for admission and for the cadence of partials."""

    waiting: dict[str, int]
    """Requests waiting by kind: `final`, `speculative`, `file`, `partial`."""
    waiting_audio_s: float
    """Seconds of audio waiting that may not be dropped (finals and files)."""
    queue_ms: float
    """How long the oldest waiting final has waited; 0 when none waits."""
    backlog_ms: float
    """How long the lanes need for the waiting finals and files, at the pace of the last ones."""
    final_backlog_ms: float
    """The same for the finals alone, which go first: files do not make people wait."""
    busy_lanes: int
    lanes: int
    """Batches recognised at this moment, and how many can be at once."""
    ready: bool
    """Whether a warmed-up recogniser stands behind the queue."""


class TranscriptionQueue(Protocol):
    """Where sessions send windows; see the module's promises."""

    async def submit(self, request: Request) -> Answer:
        """Wait for the answer to one request.

        Raises:
            QueueFull: a partial or speculative request found no room.
            QueueClosed: the queue takes no more work.
        """
        ...

    def load(self) -> Load:
        """Say how busy the queue is right now; costs nothing."""
        ...
