"""After a lost or refused connection: whether to try again, and when.

    lost ─150 ms─ try ─225 ms─ try ─337 ms─ try … ─3 s─ try … until `patience_s` without progress

150 ms × 1.5 up to 3 s: a restart of the server or a change of network is over in about a second,
and a server that stays away sees one knock every 3 s. Each wait is spread by ±50 % so that the
clients of one server do not come back together.
"""

import random
from collections.abc import Iterator
from typing import Final

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
)

from service.dictation.wire import CloseCode, ErrorMessage
from service.problems import Refused, ServiceError

FIRST_WAIT_S: Final = 0.15
GROWTH: Final = 1.5
LONGEST_WAIT_S: Final = 3.0
SPREAD: Final = 0.5

_FATAL_CLOSES: Final = {
    CloseCode.MESSAGE_TOO_BIG: "protocol.message_too_long",
    CloseCode.PROTOCOL_ERROR: "protocol.invalid_message",
    CloseCode.UNAUTHORISED: "session.unauthorised",
    CloseCode.FORBIDDEN: "session.forbidden",
    CloseCode.TAKEN_OVER: "session.taken_over",
}
_PASSING_CLOSES: Final = {
    CloseCode.DRAINING: "server.draining",
    CloseCode.OVERLOADED: "server.overloaded",
    CloseCode.IDLE: "session.idle",
    CloseCode.TOO_MANY_SESSIONS: "server.full",
}
_CANNOT_GO_ON_THERE: Final = frozenset({"recogniser.failed", "stream.unreachable"})
"""It has no recogniser, or said nothing for so long that it is gone."""
_PASSING_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class StreamBroken(ServiceError):
    """The stream cannot go on; trying the same again cannot help."""


class StreamInterrupted(Refused):
    """The connection ended or was refused; it may work in a moment."""


def waits(source: random.Random) -> Iterator[float]:
    """Give the waits between tries, in seconds, without end."""
    wait = FIRST_WAIT_S
    while True:
        yield wait * source.uniform(1 - SPREAD, 1 + SPREAD)
        wait = min(wait * GROWTH, LONGEST_WAIT_S)


def failure_told(message: ErrorMessage) -> ServiceError:
    """Read an `error` message of the server."""
    if not message.retryable:
        return StreamBroken(message.code, message.message)
    return StreamInterrupted(
        message.code,
        message.message,
        close_code=CloseCode.OVERLOADED,
        retry_after_ms=message.retry_after_ms,
    )


def failure_met(error: Exception) -> ServiceError:
    """Read what went wrong with a connection that gave no `error` message."""
    match error:
        case ServiceError():
            return error
        case ConnectionClosed():
            return _closed(error)
        case InvalidURI():
            return StreamBroken("stream.bad_address", "this is not the address of a server")
        case InvalidHandshake():
            return _handshake_failed(error)
        case _:
            return _interrupted("stream.unreachable", "the server does not answer")


def is_worth_another_server(failure: ServiceError, *, let_in: bool) -> bool:
    """Say whether to ask for another one of several servers behind one address.

    Args:
        failure: what ended the connection.
        let_in: whether the session was taken up on it. Then that server holds it, and after a mere
            drop is the best to come back to.
    """
    if let_in:
        return failure.code in _CANNOT_GO_ON_THERE
    return failure.code != "session.busy"  # it stores what was said before, for us


def _closed(error: ConnectionClosed) -> ServiceError:
    code = error.rcvd.code if error.rcvd is not None else None
    if code in _FATAL_CLOSES:
        return StreamBroken(_FATAL_CLOSES[CloseCode(code)], f"the server closed with {code}")
    if code in _PASSING_CLOSES:
        return _interrupted(_PASSING_CLOSES[CloseCode(code)], f"the server closed with {code}")
    return _interrupted("stream.lost", "the connection was lost")


def _handshake_failed(error: InvalidHandshake) -> ServiceError:
    if isinstance(error, InvalidStatus):
        return _status_refused(error)
    if isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError):
        # It ended, or was killed, before it had answered.
        return _interrupted("stream.unreachable", "the server closed without an answer")
    return StreamBroken("stream.not_alfavoice", "the server does not speak alfavoice.v1")


def _status_refused(error: InvalidStatus) -> ServiceError:
    status = error.response.status_code
    if status in _PASSING_STATUSES:
        seconds = error.response.headers.get("Retry-After", "")
        return StreamInterrupted(
            "server.overloaded",
            f"the server answered {status}",
            close_code=CloseCode.OVERLOADED,
            retry_after_ms=int(seconds) * 1000 if seconds.isdecimal() else None,
        )
    if status == 401:
        return StreamBroken("session.unauthorised", "the server wants a valid token")
    if status == 403:
        return StreamBroken("session.forbidden", "the server forbids this")
    return StreamBroken("stream.not_alfavoice", f"the server answered {status}")


def _interrupted(code: str, message: str) -> StreamInterrupted:
    return StreamInterrupted(code, message, close_code=CloseCode.OVERLOADED)
