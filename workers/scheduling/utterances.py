"""Which partials still make sense: one waiting per utterance, one running per session, none late."""

from collections import OrderedDict
from typing import Final

from workers.contract.requests import Priority
from workers.scheduling.entries import Entry

FINALS_REMEMBERED: Final = 16_384
"""Utterances whose final was offered; a partial later than that many finals is not expected."""


class Utterances:
    """The partials that wait or run, and the utterances that are closed.

    Entries of other kinds may be passed to every method; they are ignored.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int], Entry] = {}
        self._running: set[str] = set()
        self._closed: OrderedDict[tuple[str, int], None] = OrderedDict()

    def is_closed(self, utterance: tuple[str, int]) -> bool:
        """Whether the final of this utterance was offered."""
        return utterance in self._closed

    def close(self, utterance: tuple[str, int]) -> Entry | None:
        """Note that the final was offered; give the partial that waits in vain now."""
        self._closed[utterance] = None
        self._closed.move_to_end(utterance)
        if len(self._closed) > FINALS_REMEMBERED:
            self._closed.popitem(last=False)
        return self._waiting.get(utterance)

    def waiting(self, utterance: tuple[str, int]) -> Entry | None:
        """Give the partial of this utterance that waits."""
        return self._waiting.get(utterance)

    def superseded(self, entry: Entry) -> bool:
        """Whether a partial that would wait again is of no use any more."""
        newer = self._waiting.get(entry.utterance)
        return entry.priority is Priority.PARTIAL and (
            newer is not None or entry.utterance in self._closed
        )

    def oldest(self) -> Entry | None:
        """Give the waiting partial that was offered first."""
        return min(self._waiting.values(), key=lambda e: (e.submitted, e.order), default=None)

    def may_run(self, entry: Entry) -> bool:
        """Whether no other partial of its session is being recognised."""
        return entry.priority is not Priority.PARTIAL or entry.utterance[0] not in self._running

    def waits(self, entry: Entry) -> None:
        """Note that an entry starts to wait."""
        if entry.priority is Priority.PARTIAL:
            self._waiting[entry.utterance] = entry

    def stops_waiting(self, entry: Entry) -> None:
        """Note that an entry waits no longer, or no longer as a partial."""
        if self._waiting.get(entry.utterance) is entry:
            del self._waiting[entry.utterance]

    def runs(self, entry: Entry) -> None:
        """Note that an entry is in a batch."""
        if entry.priority is Priority.PARTIAL:
            entry.holds_session = True
            self._running.add(entry.utterance[0])

    def ran(self, entry: Entry) -> None:
        """Note that an entry's batch ended."""
        if entry.holds_session:
            entry.holds_session = False
            self._running.discard(entry.utterance[0])
