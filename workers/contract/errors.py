"""Errors of the workers, each with a stable code.

WorkerError
├── InvalidRequest      request.invalid          the caller's fault: the request itself is wrong
├── QueueFull           queue.full               try later: no room for this kind of work
├── QueueClosed         queue.closed             try later: the queue is draining or has ended
└── EngineFailed        engine.failed            ours: the recogniser broke or never became ready
    └── EngineUnusable  engine.*                 the operator's turn: it cannot start on this machine

Failures (answers, not exceptions) use the codes of `FAILURE_CODES`.
"""

from typing import ClassVar, Final

REPLACED: Final = "request.replaced"
"""A newer partial of the same utterance took its place."""
EXPIRED: Final = "request.expired"
"""Its deadline passed before a batch had room."""
SHED: Final = "request.shed"
"""Dropped because more urgent work needs the machine."""
POISON: Final = "request.poison"
"""It broke the recogniser every time it was tried; set aside."""
CLOSED: Final = "queue.closed"
"""The queue ended before its turn came."""
BROKEN: Final = "engine.failed"
"""The recogniser failed on it and may do better next time."""

FAILURE_CODES: Final = frozenset({REPLACED, EXPIRED, SHED, POISON, CLOSED, BROKEN})


class WorkerError(Exception):
    """Root of everything a worker raises on purpose."""

    code: ClassVar[str] = "worker.failed"
    retryable: ClassVar[bool] = False


class InvalidRequest(WorkerError):
    """The request breaks the contract; sending it again cannot help."""

    code = "request.invalid"


class QueueFull(WorkerError):
    """There is no room for this kind of work now."""

    code = "queue.full"
    retryable = True

    def __init__(self, message: str, *, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class QueueClosed(WorkerError):
    """The queue takes no more work: the process is draining."""

    code = "queue.closed"
    retryable = True


class EngineFailed(WorkerError):
    """The recogniser process ended, hung, or could not be started."""

    code = "engine.failed"
    retryable = True


class EngineUnusable(EngineFailed):
    """The recogniser cannot start on this machine; trying again will not help.

    Codes: `engine.model_missing`, `engine.device_missing`, `engine.compute_type_unsupported`,
    `engine.script_invalid`, `engine.load_failed`.
    """

    retryable = False

    def __init__(self, code: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # each instance carries its own
        self.details = details
        """What a translated message needs."""
