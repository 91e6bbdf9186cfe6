"""What a session remembers: who speaks, how it behaves, the open and the closed utterances."""

from dataclasses import dataclass, field

from service.dictation.endpointing import EndpointingPolicy
from service.dictation.stabilisation import Stabiliser
from workers.contract.requests import Hypothesis, Profile, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """How a session behaves."""

    endpointing: EndpointingPolicy = EndpointingPolicy()
    partial_interval: int = 16_000
    """16 kHz samples of speech between two partials; 0: no partials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Whose session it is and what is known of the speech before it starts."""

    session: str
    user: str
    language: str | None = None
    wants_words: bool = False
    profile: Profile = Profile()


@dataclass(slots=True, kw_only=True)
class ClosedUtterance:
    """A closed utterance that waits for its answer."""

    number: int
    start: int
    end: int
    request: Request
    hypothesis: Hypothesis | None = None
    attempts: int = 1


@dataclass(slots=True, kw_only=True)
class OpenUtterance:
    """The utterance being spoken."""

    start: int
    stabiliser: Stabiliser = field(default_factory=Stabiliser)
    next_partial: int  # position at which the next partial is due
    revision: int = 0  # of the last partial asked for
    shown: int = 0  # of the last partial shown
    heard: str = ""  # its text: the draft of the next one
    ahead: Request | None = None  # the speculative final, while silence lasts
    ahead_answer: Hypothesis | None = None
