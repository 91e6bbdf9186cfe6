"""What a session asks for: each output is one thing its owner has to do, in order."""

from dataclasses import dataclass

from workers.contract.requests import Hypothesis, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognise:
    """Submit this request; bring the answer back with `answered`."""

    request: Request
    after_s: float = 0.0
    """Wait this long first: an earlier attempt failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The answer to this request is of no use any more."""

    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """Somebody speaks: an utterance opened that will have a final. Only for those who asked."""

    utterance: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped:
    """The utterance closed; its final follows. Only for those who asked."""

    utterance: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowPartial:
    """What is heard so far of the open utterance."""

    utterance: int
    revision: int
    start: int
    stable: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFinal:
    """The text of a closed utterance: show it, store it, then call `stored`."""

    utterance: int
    start: int
    end: int
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerPassed:
    """All audio before the marker is in a final."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Every utterance has its final; nothing more will come."""

    samples: int
    """Length of the session in 16 kHz samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """An utterance cannot be recognised; its audio must stay with the client."""

    utterance: int
    code: str
    message: str


Output = (
    Recognise
    | Withdraw
    | SpeechStarted
    | SpeechStopped
    | ShowPartial
    | ShowFinal
    | MarkerPassed
    | Finished
    | GaveUp
)
