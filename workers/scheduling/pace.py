"""How fast a lane gets through finals and files, learned from the batches that ended."""

from typing import Final

from workers.contract.audio import seconds
from workers.contract.requests import Priority
from workers.scheduling.batching import Batch

MEMORY_S: Final = 60.0
"""Audio after which a batch weighs about a third of what it weighed: some ten utterances."""


class Pace:
    """Lane seconds needed for each second of audio; knows nothing before the first batch."""

    def __init__(self) -> None:
        self._lane_s = 0.0
        self._audio_s = 0.0

    def learn(self, batch: Batch, took_s: float) -> None:
        """Take note of a batch that ended after `took_s` seconds; partials do not count."""
        if batch.priority is Priority.PARTIAL:
            return
        audio_s = sum(seconds(job.request.samples) for job in batch.jobs)
        keep = MEMORY_S / (MEMORY_S + audio_s)
        self._lane_s = self._lane_s * keep + max(0.0, took_s)
        self._audio_s = self._audio_s * keep + audio_s

    def needs_s(self, audio_s: float) -> float:
        """Say how long one lane needs for this much audio; 0.0 as long as nothing is known."""
        return audio_s * self._lane_s / self._audio_s if self._audio_s else 0.0
