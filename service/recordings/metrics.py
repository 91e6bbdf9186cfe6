"""What recordings come to, as metrics."""

from prometheus_client import CollectorRegistry, Counter


class RecordingMetrics:
    """Counters without anybody's id."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ended = Counter(
            "alfavoice_recording_jobs_total",
            "Attempts at recordings by how they ended.",
            ["outcome"],  # done, failed, again, lost
            registry=registry,
        )
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
