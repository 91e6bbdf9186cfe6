"""Structured logs: one event a line, JSON unless a person reads them, never speech.

The words of an exception may be what somebody said, sent or signs in with (a validator repeats its
input, a database its row), and so may the variables where it was raised. Of an exception only its
kind and the places in the code are written:

    service.storage.history:71 in page
    service.library.history_entries:40 in entry_of
    ValueError
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any, Final, Literal

import structlog

from service.problems import ServiceError

_DEEPEST: Final = 20
"""Causes and members of groups that are followed."""
_MOST_PLACES: Final = 40
"""Of one exception, the innermost."""


def configure_logs(
    form: Literal["auto", "json", "console"], level: Literal["debug", "info", "warning", "error"]
) -> None:
    """Send all logs of the process to standard error, each with time and level.

    Args:
        form: `auto` is readable on a terminal and JSON otherwise.
        level: the least severe to write.
    """
    readable = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if readable
        else structlog.processors.JSONRenderer()
    )
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, _tell_place, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, _shorten],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _tell_place,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Access lines carry addresses and are the reverse proxy's job.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("websockets").setLevel(logging.WARNING)
    # They write whole addresses and heads of answers, of servers that are not ours.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _tell_place(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put kinds and places where an exception was; stack dumps go the same way."""
    found = event.pop("exc_info", None)
    if isinstance(found, tuple):
        found = found[1]
    elif found and not isinstance(found, BaseException):
        found = sys.exception()
    if isinstance(found, BaseException):
        event["exception"] = "\n".join(_told(found))
    event.pop("stack_info", None)
    return event


def _shorten(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out what event loops add to their messages: tasks and callbacks with their contents."""
    event["event"] = str(event["event"]).partition("\n")[0].partition(" in callback ")[0]
    return event


def _told(error: BaseException) -> Iterator[str]:
    """Give the lines for an exception and for what led to it, the cause first."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain and len(chain) < _DEEPEST:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    yield from _members(chain.pop(), _DEEPEST)
    for later in reversed(chain):
        yield "then:"
        yield from _members(later, _DEEPEST)


def _members(error: BaseException, depth: int) -> Iterator[str]:
    yield from _places(error.__traceback__)
    yield _kind(error)
    if isinstance(error, BaseExceptionGroup) and depth:
        for member in error.exceptions[:_DEEPEST]:
            for line in _members(member, depth - 1):
                yield f"  {line}"


def _places(trace: TracebackType | None) -> list[str]:
    places = [
        f"{frame.f_globals.get('__name__')}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(trace)
    ]
    return places[-_MOST_PLACES:]


def _kind(error: BaseException) -> str:
    """Name the class, and the number or code of errors that have one: none of those is free text."""
    name = type(error).__name__
    match error:
        case ServiceError():
            return f"{name} {error.code}"
        case OSError() if error.errno is not None:
            return f"{name} {error.errno}"
    sqlstate = getattr(error, "sqlstate", None)
    return f"{name} {sqlstate}" if isinstance(sqlstate, str) else name
