"""How a pull tells how far it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["waiting", "fetching", "verifying"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """One step of a pull; counts cover all files of the model."""

    phase: Phase
    """`waiting`: another process installs this model; then for each file `fetching`, `verifying`."""
    source: str = ""
    """Kind of the source: `wheels`, `hub` or `folder`."""
    file: str = ""
    done_bytes: int = 0
    total_bytes: int | None = None
    """None when a file's size is not known beforehand."""


Progress = Callable[[PullProgress], None]


class Meter:
    """Counts the bytes of one phase and tells the listener."""

    def __init__(
        self, progress: Progress | None, *, phase: Phase, source: str, total_bytes: int | None
    ) -> None:
        self._progress = progress
        self._phase = phase
        self._source = source
        self._total = total_bytes
        self.done_bytes = 0
        self.file = ""

    def advance(self, count: int) -> None:
        """Say that `count` more bytes are done; a negative count takes some back."""
        self.done_bytes += count
        if self._progress:
            self._progress(
                PullProgress(
                    phase=self._phase,
                    source=self._source,
                    file=self.file,
                    done_bytes=self.done_bytes,
                    total_bytes=self._total,
                )
            )
