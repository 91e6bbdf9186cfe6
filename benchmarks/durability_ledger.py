"""What was promised to whom: everything a client was told, and everything that was found wrong."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from benchmarks.durability_takes import Expected, Take


@dataclass(slots=True, kw_only=True)
class Uploaded:
    """A recording, as its client knows it."""

    id: UUID
    take: Take
    expected: Expected | None
    """None: this is the undisturbed one, which the others are compared with."""
    acknowledged_bytes: int = 0
    is_stored: bool = False
    """The server said that it is stored: from now on its text is promised."""
    checked: str | None = None
    """Its transcript, once that was found to be right or wrong."""


@dataclass(slots=True, kw_only=True)
class Spoken:
    """A live session, as its client knows it."""

    session: str
    take: Take
    expected: Expected | None
    transcript: str | None = None
    """Named by `done`: from now on it is promised."""
    text: str = ""
    """Of `done`."""
    finals: tuple[str, ...] = ()
    """As they were shown."""
    is_checked: bool = False


@dataclass(slots=True, kw_only=True)
class Violation:
    """Something promised that is not so."""

    round: int
    what: str


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Everything of a run."""

    recordings: dict[UUID, Uploaded] = field(default_factory=dict)
    sessions: dict[str, Spoken] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    """Answers to uploads other than 2xx, by status and code."""
    cut_off: Counter[str] = field(default_factory=Counter)
    """Requests of uploads without an answer, by what the client met."""
    session_interruptions: int = 0
    session_resumes: int = 0
    shown_otherwise: int = 0
    """Finals shown but not stored yet when the service died, then recognised with other borders."""
    late_s: list[float] = field(default_factory=list)
    """Of sessions at the pace of speech: from the last sample spoken to `done`, interruptions and all."""
    finals_checked: int = 0
    """Finals of sessions found in the history, looked at one by one."""
    letter_for_letter: int = 0
    """Sessions whose text is that of the undisturbed run."""
    round: int = 0
    """The one that runs now; 0: before the first."""

    def violated(self, what: str) -> None:
        """Note it, and say it at once."""
        self.violations.append(Violation(round=self.round, what=what))
        print(f"VIOLATION in round {self.round}: {what}", flush=True)

    @property
    def unfinished(self) -> int:
        """Recordings stored whose transcript was not checked yet."""
        return sum(one.is_stored and one.checked is None for one in self.recordings.values())

    @property
    def unchecked(self) -> int:
        """Sessions done that were not checked yet."""
        return sum(
            one.transcript is not None and not one.is_checked for one in self.sessions.values()
        )
