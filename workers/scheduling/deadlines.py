"""When waiting requests stop being of use."""

from heapq import heapify, heappop, heappush
from itertools import count

from workers.scheduling.entries import Entry


class Deadlines:
    """The deadlines of waiting requests, soonest first.

    Requests that were taken, replaced or promoted stay in the heap until it is their time or
    until they outnumber the others; the caller says which ones still wait.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Entry]] = []
        self._ties = count()

    def __len__(self) -> int:
        """Deadlines remembered, those of requests that no longer wait included."""
        return len(self._heap)

    def watch(self, entry: Entry) -> None:
        """Remember the deadline of a request that starts to wait."""
        if entry.deadline is not None:
            heappush(self._heap, (entry.deadline, next(self._ties), entry))

    def passed(self, now: float) -> list[Entry]:
        """Give, once, the requests whose deadline is at or before `now`."""
        due: list[Entry] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heappop(self._heap)[2])
        return due

    def keep(self, waiting: dict[str, Entry]) -> None:
        """Forget requests that no longer wait, when they are the greater part of the heap."""
        if len(self._heap) > 2 * len(waiting) + 64:
            self._heap = [item for item in self._heap if waiting.get(item[2].id) is item[2]]
            heapify(self._heap)
