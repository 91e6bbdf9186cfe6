"""The failures a scheduler answers with."""

from workers.contract.errors import BROKEN, CLOSED, EXPIRED, POISON, REPLACED, SHED
from workers.contract.requests import Failure


def replaced(request: str) -> Failure:
    """A newer partial, or the final, of the same utterance took its place."""
    return Failure(
        request=request,
        code=REPLACED,
        message="a newer window of the same utterance took its place",
        retryable=False,
    )


def expired(request: str) -> Failure:
    """Its deadline passed while it waited."""
    return Failure(
        request=request,
        code=EXPIRED,
        message="its deadline passed before a batch had room",
        retryable=False,
    )


def shed(request: str) -> Failure:
    """There were too many partials, and it was the oldest."""
    return Failure(
        request=request,
        code=SHED,
        message="dropped, because more urgent work needs the machine",
        retryable=True,
    )


def poison(request: str) -> Failure:
    """It broke the recogniser every time, at last alone."""
    return Failure(
        request=request,
        code=POISON,
        message="this window broke the recogniser every time; set aside, do not send it again",
        retryable=False,
    )


def broken(request: str) -> Failure:
    """The recogniser broke with it."""
    return Failure(
        request=request,
        code=BROKEN,
        message="the recogniser broke; try again",
        retryable=True,
    )


def closed(request: str) -> Failure:
    """The queue ended before its turn."""
    return Failure(
        request=request,
        code=CLOSED,
        message="the queue ended before its turn came; try again elsewhere or later",
        retryable=True,
    )
