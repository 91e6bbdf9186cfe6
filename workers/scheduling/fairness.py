"""Whose turn it is within one priority: start-time fair queueing between users.

Every user who has something waiting carries a tag, the work already given to them, in seconds of
encoder window. The user with the smallest tag is next; being served adds the window's seconds.
Who comes back from idleness starts at the line's present tag, so nobody saves up a share by
waiting (Goyal, Vin and Cheng 1996, "Start-time fair queueing", section 2). A user with twenty
sessions therefore gets as much as a user with one, for as long as both have something to say.

    tags      A 12.0   B 18.0        A is served a 6 s window
    then      A 18.0   B 18.0        a tie: the older request goes first
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace
from operator import attrgetter

from workers.scheduling.entries import Entry

_PLACE = attrgetter("place")


class FairLine:
    """The waiting requests of one priority."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Entry]] = {}
        self._tags: dict[str, float] = {}
        self._now_served = 0.0
        self._count = 0

    def __len__(self) -> int:
        """Requests waiting."""
        return self._count

    def add(self, entry: Entry) -> None:
        """Put a request in its place: behind its user's older ones."""
        queue = self._waiting.get(entry.user)
        if queue is None:
            queue = self._waiting[entry.user] = []
            self._tags[entry.user] = max(self._tags.get(entry.user, 0.0), self._now_served)
        insort(queue, entry, key=_PLACE)
        self._count += 1

    def remove(self, entry: Entry) -> None:
        """Take a waiting request out without charging its user."""
        queue = self._waiting[entry.user]
        del queue[bisect_left(queue, entry.place, key=_PLACE)]
        self._count -= 1
        if not queue:
            del self._waiting[entry.user]
            if self._tags[entry.user] <= self._now_served:
                del self._tags[entry.user]
        if not self._waiting:  # a busy period ended; tags only compare users within one
            self._tags.clear()
            self._now_served = 0.0

    def serve(self, entry: Entry, *, leads: bool) -> None:
        """Take a request out and charge its user.

        Args:
            entry: a waiting request.
            leads: whether it was chosen for being next; a request that merely fills up a batch
                does not move the line's present tag, or those it overtook would lose their turn.
        """
        tag = self._tags[entry.user]
        if leads:
            self._now_served = max(self._now_served, tag)
        self._tags[entry.user] = tag + entry.work_s
        self.remove(entry)
        if len(self._tags) > 2 * len(self._waiting) + 64:
            self._forget_the_idle()

    def in_order(self) -> Iterator[Entry]:
        """Give the waiting requests in the order they would be served; the line must not change."""
        turns = [
            (self._tags[user], *queue[0].place, user, 0) for user, queue in self._waiting.items()
        ]
        heapify(turns)
        while turns:
            tag, _, _, user, position = turns[0]
            queue = self._waiting[user]
            entry = queue[position]
            yield entry
            if position + 1 < len(queue):
                following = queue[position + 1].place
                heapreplace(turns, (tag + entry.work_s, *following, user, position + 1))
            else:
                heappop(turns)

    def waiting_since(self) -> float | None:
        """Say when the oldest place in the line was taken; None when it is empty."""
        if not self._waiting:
            return None
        return min(queue[0].since for queue in self._waiting.values())

    def waiting_of(self, user: str) -> int:
        """Count the waiting requests of one user."""
        return len(self._waiting.get(user, ()))

    def _forget_the_idle(self) -> None:
        present = self._now_served
        self._tags = {
            user: tag for user, tag in self._tags.items() if user in self._waiting or tag > present
        }
