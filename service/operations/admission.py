"""Who may open a session now: a clean refusal early beats text that comes late for everybody.

What gives way when there is too much work, and when; finals never do:

    finals wait   0.15 s      1 s               max_queue_s / 4        max_queue_s
    partials      fewer       none
    files                                       none begins
    new sessions                                                       refused

A file gives way in two ways: one that somebody uploads to have its text at once is refused, and
recordings, which nobody waits for, stay where they are until there is time for them.
"""

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
FILES_SHARE: Final = 0.25
"""Of `max_queue_s`: files give way long before people are turned away, and after partials did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The limits of one service."""

    max_sessions: int
    max_queue_s: float

    def admits_files(self, load: Load) -> bool:
        """Whether there is time for files: finals do not wait, or not long."""
        return waiting_ms(load) <= max(OVERLOADED_QUEUE_MS, self.max_queue_s * 1000 * FILES_SHARE)

    def admit(self, *, sessions: int, load: Load, draining: bool, is_file: bool = False) -> None:
        """Let one more session in.

        Args:
            sessions: alive now.
            load: of the queue.
            draining: whether the service is stopping.
            is_file: whether it is a recording that somebody wants the text of.

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
        # A file comes after those that wait already.
        wait_ms = max(waiting_ms(load), load.backlog_ms if is_file else 0.0)
        if wait_ms > self.max_queue_s * 1000 or (is_file and not self.admits_files(load)):
            raise Refused(
                "server.overloaded",
                "finals wait too long on this server",
                close_code=CloseCode.OVERLOADED,
                retry_after_ms=max(RETRY_WHEN_FULL_MS, round(wait_ms)),
            )


def waiting_ms(load: Load) -> float:
    """Give how long finals wait, or would if they were asked for now."""
    return max(load.queue_ms, load.final_backlog_ms)


def partial_slowdown(load: Load) -> int:
    """How many times less often partials should come under this load; 0: none."""
    if not load.ready or load.queue_ms >= OVERLOADED_QUEUE_MS:
        return 0
    if load.queue_ms >= BUSY_QUEUE_MS:
        return 4
    if load.busy_lanes >= load.lanes and sum(load.waiting.values()) > 2 * load.lanes:
        return 2
    return 1
