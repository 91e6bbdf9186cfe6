"""Who may open a session now: a clean refusal early beats text that comes late for everybody."""

from dataclasses import dataclass
from typing import Final

from service.dictation.wire import CloseCode
from service.problems import Refused
from workers.contract.queue import Load

RETRY_WHEN_FULL_MS: Final = 5_000
RETRY_WHEN_DRAINING_MS: Final = 2_000
BUSY_QUEUE_MS: Final = 150.0
"""From here on partials come half as often."""
OVERLOADED_QUEUE_MS: Final = 1_000.0
"""From here on there are none: a final has waited as long as people should wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The limits of one service."""

    max_sessions: int
    max_queue_s: float

    def admit(self, *, sessions: int, load: Load, draining: bool) -> None:
        """Let one more session in.

        Args:
            sessions: alive now.
            load: of the queue.
            draining: whether the service is stopping.

        Raises:
            Refused: `server.draining`, `server.full` or `server.overloaded`, with a retry time.
        """
        if draining:
            raise Refused(
                "server.draining",
                "the server is restarting; connect again",
                close_code=CloseCode.DRAINING,
                retry_after_ms=RETRY_WHEN_DRAINING_MS,
            )
        if sessions >= self.max_sessions:
            raise Refused(
                "server.full",
                f"all {self.max_sessions} sessions of this server are in use",
                close_code=CloseCode.OVERLOADED,
                retry_after_ms=RETRY_WHEN_FULL_MS,
            )
        wait_ms = max(load.queue_ms, load.backlog_ms)
        if wait_ms > self.max_queue_s * 1000:
            raise Refused(
                "server.overloaded",
                "finals wait too long on this server",
                close_code=CloseCode.OVERLOADED,
                retry_after_ms=max(RETRY_WHEN_FULL_MS, round(wait_ms)),
            )


def partial_slowdown(load: Load) -> int:
    """How many times less often partials should come under this load; 0: none."""
    if not load.ready or load.queue_ms >= OVERLOADED_QUEUE_MS:
        return 0
    if load.queue_ms >= BUSY_QUEUE_MS:
        return 4
    if load.busy_lanes >= load.lanes and sum(load.waiting.values()) > 2 * load.lanes:
        return 2
    return 1
