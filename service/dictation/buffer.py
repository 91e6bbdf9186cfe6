"""The audio a session still needs, addressed by position."""

from workers.contract.audio import BYTES_PER_SAMPLE


class AudioBuffer:
    """PCM16 samples from `start` to `end`; what lies before `start` has been let go."""

    def __init__(self, first_sample: int) -> None:
        self._pcm = bytearray()
        self._start = first_sample

    @property
    def end(self) -> int:
        """Position after the last sample."""
        return self._start + len(self._pcm) // BYTES_PER_SAMPLE

    def append(self, pcm: bytes | bytearray | memoryview) -> None:
        """Add samples (PCM16, whole samples) at the end."""
        self._pcm += pcm

    def slice(self, start: int, end: int) -> bytes:
        """Copy the samples from `start` to `end`, both within the buffer."""
        first = (start - self._start) * BYTES_PER_SAMPLE
        return bytes(self._pcm[first : first + (end - start) * BYTES_PER_SAMPLE])

    def let_go(self, before: int) -> None:
        """Forget the samples before a position."""
        drop = before - self._start
        if drop > 0:
            del self._pcm[: drop * BYTES_PER_SAMPLE]
            self._start = before
