"""Errors of the service, each with a stable code.

ServiceError
├── ProtocolError        protocol.* audio.*   the caller's fault; closes 4400 (or 1009)
├── Refused              server.* session.*   try later or elsewhere; closes with its own code
├── RequestRefused       (of its area)        an HTTP request cannot be done; has its own status
├── StoreUnavailable     store.unavailable    try later: the database does not answer
└── SetUpError           setup.*              the operator's turn: says what to do

Messages say what happened and what to do, and never carry speech, tokens or paths of the host.
The list of codes a client can meet is tests/vectors/error_codes.json.
"""

from typing import ClassVar


class ServiceError(Exception):
    """Root of everything the service raises on purpose."""

    default_code: ClassVar[str] = "server.failed"
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ProtocolError(ServiceError):
    """The peer broke the protocol; doing the same again cannot help."""


class Refused(ServiceError):
    """The server will not take this now."""

    retryable = True

    def __init__(
        self, code: str, message: str, *, close_code: int, retry_after_ms: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.close_code = close_code
        self.retry_after_ms = retry_after_ms


class RequestRefused(ServiceError):
    """An HTTP request cannot be done; the caller can do something about it."""

    def __init__(
        self, code: str, message: str, *, status: int, retry_after_s: int | None = None
    ) -> None:
        """Refuse.

        Args:
            code: stable and dotted; listed in tests/vectors/problem_codes.json.
            message: what happened and what to do; no speech, token, address or path.
            status: HTTP status, 400 to 499 or 503.
            retry_after_s: when trying again makes sense.
        """
        super().__init__(code, message)
        self.status = status
        self.retry_after_s = retry_after_s


def not_found(what: str) -> RequestRefused:
    """Refuse because there is no such thing, or it is somebody else's: the answer is the same."""
    return RequestRefused("request.not_found", f"there is no such {what}", status=404)


class StoreUnavailable(ServiceError):
    """The database does not answer; what was said is kept in memory and tried again."""

    retryable = True

    def __init__(self, message: str) -> None:
        super().__init__("store.unavailable", message)


class SetUpError(ServiceError):
    """Something on this machine must be put right by a person; the message says what."""

    def __init__(self, code: str, message: str, **details: object) -> None:
        """Say what.

        Args:
            code: `setup.*`.
            message: in English.
            details: what a sentence of the catalogue, `error.<code>`, has placeholders for; a code
                that says several things has a `why`, and sentences `error.<code>_<why>`.
        """
        super().__init__(code, message)
        self.details = details
