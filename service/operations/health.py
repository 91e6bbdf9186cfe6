"""`/health/live`, `/health/ready` and `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

PROBE_TIMEOUT_S: Final = 2.0


class Liveness(BaseModel):
    """The process answers."""

    status: str = "alive"


class Readiness(BaseModel):
    """Whether sessions get text now, and if not, why."""

    ready: bool
    reasons: list[str]
    """Of `recogniser`, `store`, `draining`: what is not ready."""
    version: str


Probe = Callable[[], Awaitable[bool]]


def health_routes(
    *, probes: dict[str, Probe], registry: CollectorRegistry, version: str
) -> APIRouter:
    """Make the operator's routes.

    Args:
        probes: what must be true to be ready, by the reason given when it is not.
        registry: the metrics of the process.
        version: of this program.
    """
    router = APIRouter(tags=["operations"])
    not_ready = Gauge(
        "alfavoice_not_ready",
        "1 while `/health/ready` names this reason; asked whenever metrics are collected.",
        ["reason"],
        registry=registry,
    )

    @router.get("/health/live")
    async def live() -> Liveness:
        """Say that the process runs; restart it when this does not answer."""
        return Liveness()

    @router.get("/health/ready", responses={503: {"model": Readiness}})
    async def ready(response: Response) -> Readiness:
        """Say whether to send people here."""
        reasons = [name for name, probe in probes.items() if not await holds(probe)]
        response.status_code = 503 if reasons else 200
        return Readiness(ready=not reasons, reasons=reasons, version=version)

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        for name, probe in probes.items():
            not_ready.labels(name).set(not await holds(probe))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def holds(probe: Probe) -> bool:
    """Ask a probe; one that does not answer in `PROBE_TIMEOUT_S` does not hold."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await probe()
    except TimeoutError:
        return False
