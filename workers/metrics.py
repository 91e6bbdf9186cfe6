"""Metrics of the workers, in a registry that is passed in. Labels are closed sets, never ids."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workers.contract.audio import seconds
from workers.contract.queue import Load
from workers.contract.requests import Answer, Hypothesis
from workers.scheduling.batching import Batch
from workers.scheduling.priorities import KIND_NAMES

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_RATIOS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_TEXT_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_WINDOWS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)


class WorkerMetrics:
    """What a worker does, as Prometheus metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._windows = Histogram(
            "alfavoice_batch_windows",
            "Windows recognised together.",
            ["kind"],
            buckets=_WINDOWS,
            registry=registry,
        )
        self._recognise = Histogram(
            "alfavoice_batch_recognise_seconds",
            "Wall time of a batch.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._real_time_factor = Histogram(
            "alfavoice_batch_real_time_factor_ratio",
            "Wall time of a batch per second of its speech.",
            buckets=_RATIOS,
            registry=registry,
        )
        self._queue = Histogram(
            "alfavoice_queue_seconds",
            "From submission to the start of the first batch.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._answers = Counter(
            "alfavoice_answers",
            "Windows answered after a batch, by result: recognised, or a failure's code.",
            ["kind", "result"],
            registry=registry,
        )
        self._passes = Counter(
            "alfavoice_repeated_windows",
            "Windows that needed more than one pass.",
            registry=registry,
        )
        self._texts = Histogram(
            "alfavoice_text_seconds",
            "Wall time of the text pipeline for the finals of a batch.",
            buckets=_TEXT_SECONDS,
            registry=registry,
        )
        self._raw_texts = Counter(
            "alfavoice_texts_left_raw",
            "Finals given as recognised, because the text pipeline failed or took too long.",
            registry=registry,
        )
        self._broken = Counter(
            "alfavoice_broken_batches", "Batches whose engine broke.", registry=registry
        )
        self._waiting = Gauge(
            "alfavoice_waiting_requests", "Requests waiting.", ["kind"], registry=registry
        )
        self._busy = Gauge(
            "alfavoice_busy_lanes", "Batches recognised at this moment.", registry=registry
        )
        self._ready = Gauge(
            "alfavoice_ready_lanes", "Lanes of warmed-up engines.", registry=registry
        )
        self._restarts = Gauge(
            "alfavoice_engine_restarts",
            "Times an engine process was started again since the service started.",
            registry=registry,
        )

    def observe(self, load: Callable[[], Load], restarts: Callable[[], int]) -> None:
        """Read these whenever the metrics are collected."""

        def waiting_of(kind: str) -> float:
            return load().waiting[kind]

        for kind in KIND_NAMES.values():
            self._waiting.labels(kind).set_function(partial(waiting_of, kind))
        self._busy.set_function(lambda: load().busy_lanes)
        self._ready.set_function(lambda: load().lanes)
        self._restarts.set_function(restarts)

    def batch_ended(self, batch: Batch, answers: Sequence[Answer], *, elapsed_s: float) -> None:
        """Count a recognised batch and the answers it led to."""
        kind = KIND_NAMES[batch.priority]
        self._windows.labels(kind).observe(len(batch.jobs))
        self._recognise.labels(kind).observe(elapsed_s)
        self._real_time_factor.observe(elapsed_s / seconds(batch.audio_samples))
        self._count(batch, answers)

    def batch_broke(self, batch: Batch, answers: Sequence[Answer]) -> None:
        """Count a batch whose engine broke and the answers given up on."""
        self._broken.inc()
        self._count(batch, answers)

    def texts_finished(self, *, elapsed_s: float) -> None:
        """Count the finished texts of a batch."""
        self._texts.observe(elapsed_s)

    def texts_failed(self, texts: int) -> None:
        """Count texts that are given as they were recognised."""
        self._raw_texts.inc(texts)

    def _count(self, batch: Batch, answers: Sequence[Answer]) -> None:
        kinds = {job.request.id: KIND_NAMES[job.request.priority] for job in batch.jobs}
        for answer in answers:
            kind = kinds[answer.request]
            if isinstance(answer, Hypothesis):
                self._answers.labels(kind, "recognised").inc()
                self._queue.labels(kind).observe(answer.cost.queue_ms / 1000)
                if answer.cost.passes > 1:
                    self._passes.inc()
            else:
                self._answers.labels(kind, answer.code).inc()
