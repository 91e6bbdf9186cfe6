"""Markers a client put between two samples of its audio. Pure; positions are 16 kHz samples."""

from collections import deque
from enum import Enum

from service.dictation.outputs import MarkerPassed


class AtMarker(Enum):
    """What becomes of the utterance that is open at a marker."""

    GOES_ON = "goes_on"
    """Nothing: the marker waits until the utterance ends by itself."""
    ENDS = "ends"
    """It is closed at once and becomes a final."""
    DROPPED = "dropped"
    """It is forgotten: no final comes of it."""


class Markers:
    """The markers that wait, in order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        """Markers that wait."""
        return len(self._waiting)

    def add(self, position: int, marker: str) -> None:
        """Put a marker after the sample before `position`."""
        self._waiting.append((position, marker))

    def passed(self, until: int) -> list[MarkerPassed]:
        """Take out the markers at or before `until`."""
        passed: list[MarkerPassed] = []
        while self._waiting and self._waiting[0][0] <= until:
            passed.append(MarkerPassed(id=self._waiting.popleft()[1]))
        return passed
