"""The service's metrics: `alfavoice_<what>_<unit>`, labels from closed sets, never an id."""

import asyncio
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workers.contract.audio import WINDOW_LIMIT_SAMPLES, seconds
from workers.contract.requests import Hypothesis

LATENCY_BUCKETS_S: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Dense around the promises: 0.2 s with speculation, 0.4 s at idle, 1 s and 2 s under load."""
LAG_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LAG_PERIOD_S: Final = 0.05
HOW_SESSIONS_END: Final = (
    "finished", "cancelled", "expired", "let_go", "elsewhere", "drained", "failed"
)  # fmt: skip


class DictationMetrics:
    """What people experience."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge(
            "alfavoice_sessions_open",
            "Sessions alive, with or without a socket.",
            registry=registry,
        )
        self.sockets = Gauge("alfavoice_sockets_open", "Open sockets.", registry=registry)
        self.started = Counter(
            "alfavoice_sessions_started_total",
            "Sessions by how they began.",
            ["how"],  # new, resumed, restored
            registry=registry,
        )
        self.ended = Counter(
            "alfavoice_sessions_ended_total",
            "Sessions by how they ended.",
            ["how"],
            registry=registry,
        )
        self.refused = Counter(
            "alfavoice_sessions_refused_total", "Sessions refused.", ["code"], registry=registry
        )
        self.audio = Counter(
            "alfavoice_audio_recognised_seconds_total",
            "Audio of utterances that got their final.",
            registry=registry,
        )
        self.utterances = Counter(
            "alfavoice_utterances_total",
            "Utterances that got their final.",
            ["outcome"],
            registry=registry,
        )
        self.partials = Counter("alfavoice_partials_total", "Partials shown.", registry=registry)
        self.given_up = Counter(
            "alfavoice_utterances_given_up_total",
            "Utterances that could not be recognised; their audio stays with the client.",
            registry=registry,
        )
        self.queueing = Histogram(
            "alfavoice_final_queue_seconds",
            "From asking for a final to the start of its batch.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.finalisation = Histogram(
            "alfavoice_finalisation_seconds",
            "From the arrival of `finish` to `done`, stored.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.length = Histogram(
            "alfavoice_utterance_seconds",
            "Length of utterances.",
            buckets=(1, 2, 3, 5, 8, 12, 16, 20, 26, seconds(WINDOW_LIMIT_SAMPLES)),
            registry=registry,
        )
        # A counter that appears at 1 has not grown in Prometheus' eyes: alerts would miss the first.
        for how in HOW_SESSIONS_END:
            self.ended.labels(how)
        for outcome in ("text", "empty", "filtered"):
            self.utterances.labels(outcome)
        for code in ("server.full", "server.overloaded"):
            self.refused.labels(code)

    def utterance(self, audio_s: float, hypothesis: Hypothesis) -> None:
        """Count one final of `audio_s` seconds."""
        outcome = "text" if hypothesis.text else "filtered" if hypothesis.filtered else "empty"
        self.utterances.labels(outcome).inc()
        self.audio.inc(audio_s)
        self.length.observe(audio_s)
        self.queueing.observe(hypothesis.cost.queue_ms / 1000)


def observe_held(registry: CollectorRegistry, connections: Callable[[], tuple[int, int]]) -> None:
    """Say what this process holds, so that a leak is seen as a number that does not come back.

    Args:
        registry: where it is said.
        connections: gives connections to the database: open, and of these in use.

    The tasks are those of the event loop that runs now.
    """
    loop = asyncio.get_running_loop()
    Gauge(
        "alfavoice_event_loop_tasks",
        "Tasks of the event loop that are not done.",
        registry=registry,
    ).set_function(lambda: len(asyncio.all_tasks(loop)))
    pool = Gauge(
        "alfavoice_database_connections",
        "Connections of the pool by state.",
        ["state"],
        registry=registry,
    )
    pool.labels("open").set_function(lambda: connections()[0])
    pool.labels("in_use").set_function(lambda: connections()[1])


class LoopLag:
    """How late the event loop runs what is due: the longest anybody waits for a reply."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lag = Histogram(
            "alfavoice_event_loop_lag_seconds",
            "Delay of a timer that is due every 50 ms.",
            buckets=LAG_BUCKETS_S,
            registry=registry,
        )
        self._longest = Gauge(
            "alfavoice_event_loop_lag_max_seconds",
            "Longest delay since the start.",
            registry=registry,
        )

    async def watch(self) -> None:
        """Measure until cancelled."""
        longest = 0.0
        while True:
            due = self._clock() + LAG_PERIOD_S
            await asyncio.sleep(LAG_PERIOD_S)
            lag = max(0.0, self._clock() - due)
            self._lag.observe(lag)
            if lag > longest:
                longest = lag
                self._longest.set(lag)
