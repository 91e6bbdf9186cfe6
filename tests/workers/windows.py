"""Windows to recognise, for the tests of the workers."""

import hashlib

from workers.contract.audio import WINDOW_LIMIT_SAMPLES
from workers.contract.engine import Plan
from workers.contract.requests import Priority, Request


def window(
    id: str = "a",
    *,
    samples: int = 16_000,
    priority: Priority = Priority.FINAL,
    session: str | None = None,
    user: str = "user",
    utterance: int = 0,
    revision: int = 0,
    deadline: float | None = None,
    wants_words: bool = False,
) -> Request:
    """A window whose audio depends on its id and length."""
    seed = hashlib.sha256(id.encode()).digest()
    return Request(
        id=id,
        session=id if session is None else session,
        user=user,
        utterance=utterance,
        revision=revision,
        priority=priority,
        deadline=deadline,
        pcm=(seed * (samples * 2 // len(seed) + 1))[: samples * 2],
        wants_words=wants_words,
    )


def plan_by_length(request: Request) -> Plan:
    """Plan in buckets of 5 s."""
    bucket = 5 * 16_000
    return Plan(window_samples=min(WINDOW_LIMIT_SAMPLES, -(-request.samples // bucket) * bucket))
