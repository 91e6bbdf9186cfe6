"""Traces of what is recognised here: one `batch` for all its windows, and each window's part in it.

The SDK of OpenTelemetry is an extra (`traces`), and only looked for when there is somebody to tell.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from workers.contract.audio import seconds
from workers.contract.engine import EngineDescription
from workers.contract.traces import Stage, Traces
from workers.scheduling.batching import Batch
from workers.scheduling.priorities import KIND_NAMES

log = structlog.get_logger()

FLUSH_S: Final = 5.0
"""How long the end of the program waits for the last stages to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTimes:
    """When what happened to a batch; monotonic seconds."""

    began: float
    recognised: float
    finishing: float
    """When the text pipeline took its texts up, if it had any of them."""
    ended: float
    finished: frozenset[str] = frozenset()
    """Ids of the requests whose texts it had."""


class BatchTraces:
    """Tells of batches."""

    def __init__(self, traces: Traces, model_of: Callable[[int], str]) -> None:
        """Take where to tell, and what names the model of an engine by its number."""
        self._traces = traces
        self._model_of = model_of

    def ended(self, batch: Batch, times: BatchTimes, *, failed: str = "") -> None:
        """Tell of a batch and of the part of each window whose utterance is traced."""
        traced = [job.request for job in batch.jobs if job.request.trace]
        if not traced:
            return
        whole = self._traces.context()
        shared: dict[str, str | int | float] = {
            "kind": KIND_NAMES[batch.priority],
            "model": self._model_of(batch.engine),
            "batch.windows": len(batch.jobs),
            "batch.attempt": batch.plan.attempt,
            "window.seconds": seconds(batch.plan.window_samples),
        }
        self._traces.tell(
            Stage(
                name="batch",
                began=times.began,
                ended=times.ended,
                context=whole,
                links=tuple(request.trace for request in traced),
                figures={**shared, "audio.seconds": seconds(batch.audio_samples)},
                failed=failed,
            )
        )
        for request in traced:
            self._traces.tell(
                Stage(
                    name="recognise",
                    began=times.began,
                    ended=times.recognised,
                    parent=request.trace,
                    links=(whole,),
                    figures={**shared, "audio.seconds": seconds(request.samples)},
                    failed=failed,
                )
            )
            if request.id in times.finished:
                self._traces.tell(
                    Stage(
                        name="finishing",
                        began=times.finishing,
                        ended=times.ended,
                        parent=request.trace,
                    )
                )


class _Described(Protocol):
    @property
    def description(self) -> EngineDescription | None: ...


def batch_traces(traces: Traces | None, engines: Sequence[_Described]) -> BatchTraces | None:
    """Give what tells of the batches of engines; None: nobody is told."""
    if traces is None:
        return None

    def model_of(number: int) -> str:
        description = engines[number].description
        return "" if description is None else description.model

    return BatchTraces(traces, model_of)


@asynccontextmanager
async def open_traces(
    url: str | None, *, role: str, clock: Callable[[], float]
) -> AsyncIterator[Traces | None]:
    """Tell an OTLP collector while the block runs; None: nobody is to be told, or it cannot be.

    Args:
        url: base URL of the collector, `http://collector:4318`; None: off.
        role: `service` or `worker`.
        clock: monotonic seconds, that of the stages.
    """
    if not url:
        yield None
        return
    try:
        from workers.otlp import OtlpTraces  # noqa: PLC0415 - an extra, only where it is wanted
    except ImportError:
        log.warning("traces_not_installed", extra="alfavoice[traces]")
        yield None
        return
    traces = OtlpTraces(url, role=role, clock=clock)
    try:
        yield traces
    finally:
        # A thread that nobody waits for at the end: a collector may hang.
        ending = threading.Thread(target=traces.close, name="alfavoice-traces-end", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, FLUSH_S)
