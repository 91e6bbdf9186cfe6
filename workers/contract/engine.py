"""The port between the scheduler and a recogniser: `Engine`.

An engine takes a batch, windows that share one decoding plan, and says for each window either
what was said or that a guard wants it decoded again under a stronger plan. The second pass goes
back to the scheduler and runs in a later batch, so one difficult window never holds up the others.
"""

from dataclasses import dataclass
from typing import Protocol

from workers.contract.requests import Hypothesis, Request


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Plan:
    """How a window is decoded. Windows with equal plans may share a batch."""

    window_samples: int
    """Encoder input in 16 kHz samples: the audio plus its margin, in buckets; at most 30 s."""
    beam: int = 1
    """Beam width; 1 is greedy."""
    temperature: float = 0.0
    """0.0 decodes the most probable text; above it, samples (Whisper section 4.5)."""
    attempt: int = 0
    """0 for the first pass, then 1, 2, … along the fallback ladder."""
    preview: bool = False
    """The text is replaced within a second: it need not be exact to the last bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request together with the plan it is to be decoded under."""

    request: Request
    plan: Plan
    best: Hypothesis | None = None
    """The best hypothesis of earlier passes, returned when every pass looks wrong."""
    place: tuple[int, int] | None = None
    """Only these samples are decoded, and what they say is put into `best`; None: the whole window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A guard's verdict: decode this window once more."""

    request: str
    """Id of the request."""
    plan: Plan
    """The next, stronger plan."""
    reason: str
    """`token_cap`, `compression`, `repetition`, `log_probability` or `gap`."""
    best: Hypothesis
    """What this pass gave, in case no later pass does better."""
    place: tuple[int, int] | None = None
    """The part of the window that `best` has no words for; None: decode all of it again."""


Outcome = Hypothesis | Again


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDescription:
    """What stands behind a queue, for `ready`, logs and `alfavoice doctor`."""

    model: str
    device: str  # "cpu", "cuda:0"
    compute_type: str  # CTranslate2's name, e.g. "int8_float32"
    lanes: int  # batches it can recognise at once
    languages: tuple[str, ...]  # ISO 639-1 codes it knows
    size_bytes: int | None = None  # of the model's files; None: it has none, or did not tell


class Planner(Protocol):
    """Chooses the first plan of a request; pure, cheap, called by the scheduler."""

    def __call__(self, request: Request, /) -> Plan:
        """Give the plan a new request starts with."""
        ...


class Engine(Protocol):
    """A loaded recogniser. Blocking; called from one thread per lane, never from the event loop."""

    @property
    def description(self) -> EngineDescription:
        """What this engine is; constant after loading."""
        ...

    def recognise(self, jobs: list[Job]) -> list[Outcome]:
        """Recognise a batch.

        Args:
            jobs: 1 or more jobs with equal plans.

        Returns:
            One outcome a job, in the same order.
        """
        ...
