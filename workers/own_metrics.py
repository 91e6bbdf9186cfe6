"""What a worker that serves others knows of itself, as Prometheus metrics.

Services count the batches they hand out (`workers.metrics`). The same counted once more here would
be counted twice wherever both are summed, so all names begin with `alfavoice_worker_`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
)

from workers.contract.audio import seconds
from workers.contract.requests import Answer
from workers.gpu_memory import GpuMemoryCollector, find_gpus
from workers.scheduling.batching import Batch
from workers.scheduling.priorities import KIND_NAMES

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_RATIOS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_WINDOWS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)


class OwnMetrics:
    """Counts what a worker does; a `workers.runner.Meter`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._windows = Histogram(
            "alfavoice_worker_batch_windows",
            "Windows recognised together.",
            ["kind"],
            buckets=_WINDOWS,
            registry=registry,
        )
        self._recognise = Histogram(
            "alfavoice_worker_batch_seconds",
            "Wall time of a batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._real_time_factor = Histogram(
            "alfavoice_worker_real_time_factor_ratio",
            "Wall time of a batch per second of its speech.",
            buckets=_RATIOS,
            registry=registry,
        )
        self._audio = Counter(
            "alfavoice_worker_audio_seconds",
            "Audio recognised; a window counts each time it is.",
            registry=registry,
        )
        self._broken = Counter(
            "alfavoice_worker_broken_batches", "Batches whose engine broke.", registry=registry
        )
        self._texts = Histogram(
            "alfavoice_worker_text_seconds",
            "Wall time of the text pipeline for the finals of a batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._raw_texts = Counter(
            "alfavoice_worker_texts_left_raw",
            "Finals given as recognised, because the text pipeline failed or took too long.",
            registry=registry,
        )
        for kind in KIND_NAMES.values():
            self._windows.labels(kind)

    def observe(
        self,
        *,
        lanes: Callable[[], int],
        busy: Callable[[], int],
        restarts: Callable[[], int],
        is_connected: Callable[[], bool],
    ) -> None:
        """Read these whenever the metrics are collected, and what the process and its GPUs hold.

        The tasks counted are those of the event loop that runs now.
        """
        loop = asyncio.get_running_loop()
        for name, says, function in (
            ("alfavoice_worker_ready_lanes", "Lanes of this worker's warmed-up engines.", lanes),
            ("alfavoice_worker_busy_lanes", "Batches it recognises at this moment.", busy),
            ("alfavoice_worker_engine_restarts", "Engine processes started again.", restarts),
            ("alfavoice_worker_nats_connected", "1 while it has a connection.", is_connected),
        ):
            gauge = Gauge(name, says, registry=self._registry)
            gauge.set_function(function)
        Gauge(
            "alfavoice_event_loop_tasks",
            "Tasks of the event loop that are not done.",
            registry=self._registry,
        ).set_function(lambda: len(asyncio.all_tasks(loop)))
        for collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
            self._registry.register(collector)
        gpus = find_gpus()
        if gpus is not None:
            self._registry.register(GpuMemoryCollector(gpus))

    def batch_ended(self, batch: Batch, answers: Sequence[Answer], *, elapsed_s: float) -> None:
        """Count a recognised batch."""
        audio_s = seconds(batch.audio_samples)
        self._windows.labels(KIND_NAMES[batch.priority]).observe(len(batch.jobs))
        self._recognise.observe(elapsed_s)
        self._real_time_factor.observe(elapsed_s / audio_s)
        self._audio.inc(audio_s)

    def batch_broke(self, batch: Batch, answers: Sequence[Answer]) -> None:
        """Count a batch whose engine broke."""
        self._broken.inc()

    def texts_finished(self, *, elapsed_s: float) -> None:
        """Count the finished texts of a batch."""
        self._texts.observe(elapsed_s)

    def texts_failed(self, texts: int) -> None:
        """Count texts that are given as they were recognised."""
        self._raw_texts.inc(texts)
