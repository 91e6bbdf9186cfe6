"""Everybody who waits: a fair line for each kind, and the suspects apart."""

from collections.abc import Iterator

from workers.contract.audio import seconds
from workers.contract.requests import Priority
from workers.scheduling.deadlines import Deadlines
from workers.scheduling.entries import Entry
from workers.scheduling.fairness import FairLine


class WaitingRoom:
    """The waiting requests. Suspects, which were in a batch that broke an engine, stand apart."""

    def __init__(self) -> None:
        self._lines = {priority: FairLine() for priority in Priority}
        self._suspects: list[Entry] = []
        self._entries: dict[str, Entry] = {}
        self._deadlines = Deadlines()
        self._samples = dict.fromkeys(Priority, 0)

    def __contains__(self, entry: Entry) -> bool:
        """Whether this entry waits."""
        return self._entries.get(entry.id) is entry

    def __iter__(self) -> Iterator[Entry]:
        """Give everybody, in no particular order; the room must not change meanwhile."""
        return iter(self._entries.values())

    def lines(self) -> dict[Priority, FairLine]:
        """Give the line of each kind, the most urgent first."""
        return self._lines

    @property
    def has_suspects(self) -> bool:
        """Whether a window waits to be tried alone."""
        return bool(self._suspects)

    def audio_s(self, priority: Priority) -> float:
        """Give the seconds of audio of a kind that wait."""
        return seconds(self._samples[priority])

    def count(self, priority: Priority, user: str | None = None) -> int:
        """Count the requests of a kind, of everybody or of one user."""
        line = self._lines[priority]
        in_line = len(line) if user is None else line.waiting_of(user)
        if not self._suspects:
            return in_line
        return in_line + sum(
            entry.priority is priority and user in {None, entry.user} for entry in self._suspects
        )

    def since(self, priority: Priority) -> float | None:
        """Say when the oldest request of a kind took its place."""
        if not self._suspects:
            return self._lines[priority].waiting_since()
        starts = [entry.since for entry in self._suspects if entry.priority is priority]
        oldest = self._lines[priority].waiting_since()
        return min(starts if oldest is None else [oldest, *starts], default=None)

    def add(self, entry: Entry) -> None:
        """Let an entry wait: in its line, or apart when it was there as an engine broke."""
        self._entries[entry.id] = entry
        if entry.breaks:
            self._suspects.append(entry)
        else:
            self._lines[entry.priority].add(entry)
        self._samples[entry.priority] += entry.job.request.samples
        self.watch(entry)

    def watch(self, entry: Entry) -> None:
        """Mind the deadline of a waiting entry, after it changed."""
        self._deadlines.watch(entry)
        self._deadlines.keep(self._entries)

    def remove(self, entry: Entry) -> None:
        """Let an entry go, without charging its user."""
        if entry.breaks:
            self._suspects.remove(entry)
        else:
            self._lines[entry.priority].remove(entry)
        self._gone(entry)

    def serve(self, entry: Entry, *, leads: bool) -> None:
        """Let an entry go into a batch, at its user's charge; see `FairLine.serve`."""
        self._lines[entry.priority].serve(entry, leads=leads)
        self._gone(entry)

    def serve_suspect(self) -> Entry:
        """Let the most urgent suspect go into a batch of its own."""
        entry = min(self._suspects, key=lambda suspect: (suspect.priority, suspect.place))
        self.remove(entry)
        return entry

    def expired(self, now: float) -> list[Entry]:
        """Let those go whose deadline is at or before `now`."""
        gone = [e for e in self._deadlines.passed(now) if e in self and e.expired(now)]
        unique = list(dict.fromkeys(gone))
        for entry in unique:
            self.remove(entry)
        return unique

    def _gone(self, entry: Entry) -> None:
        del self._entries[entry.id]
        self._samples[entry.priority] -= entry.job.request.samples
