"""What recordings come to, as metrics."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

OUTCOMES: Final = ("checked", "done", "failed", "again", "lost")
"""`checked`: its audio is as announced, the text comes next; `again`: to be tried later; `lost`: another
service has it."""


class RecordingMetrics:
    """Counters without anybody's id."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ended = Counter(
            "alfavoice_recording_jobs_total",
            "Attempts at recordings by how they ended.",
            ["outcome"],
            registry=registry,
        )
        # A counter that appears at 1 has not grown, in Prometheus' eyes: alerts would miss the first.
        for outcome in OUTCOMES:
            self.ended.labels(outcome)
        self.audio = Counter(
            "alfavoice_recordings_transcribed_seconds_total",
            "Audio of recordings whose transcript is stored.",
            registry=registry,
        )
        self.received = Counter(
            "alfavoice_recordings_received_bytes_total",
            "Audio received in uploads.",
            registry=registry,
        )
