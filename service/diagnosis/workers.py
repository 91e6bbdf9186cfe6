"""Whether the workers on other machines are heard, where recognition is theirs (`ALFAVOICE_QUEUE=nats`)."""

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry

from service.diagnosis.finding import Finding, fail, ok
from service.recogniser import recogniser
from service.settings import Settings
from workers.contract.errors import WorkerError

_PATIENCE_S: Final = 4.0
"""Workers tell of themselves each second."""


def check_workers(settings: Settings) -> Finding:
    """Connect to NATS as a service does and listen who recognises; nothing is given to anybody."""
    return asyncio.run(_heard(settings))


async def _heard(settings: Settings) -> Finding:
    try:
        async with recogniser(settings, CollectorRegistry()) as found:
            try:
                await found.wait_ready(_PATIENCE_S)
            except (TimeoutError, WorkerError):
                return fail("workers", "doctor.workers_none")
            models = sorted({one.model for one in found.descriptions})
            return ok("workers", "doctor.workers", models=", ".join(models))
    except WorkerError as exc:
        return fail("workers", "doctor.workers_unreachable", code=exc.code, message=str(exc))
