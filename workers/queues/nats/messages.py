"""What services and workers say to each other; see the package for who says what when.

Peers are named by their incarnation, so what was said to one that ended is never taken for its
successor's. Vocabularies, a person's dictionary and snippets, may be larger than the audio: they go
by digest and are sent once to each worker that asks.
"""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from workers.contract.engine import Again, EngineDescription, Job, Outcome
from workers.contract.errors import InvalidRequest
from workers.contract.finishing import Finished, Snippet, Term
from workers.contract.requests import Hypothesis, Priority
from workers.contract.texts import Text

ROOT: Final = "alfavoice.v1"
"""Version of everything below; peers of another version do not hear each other."""
SERVICES: Final = f"{ROOT}.services"
"""Where services are heard by all workers."""
WORKERS: Final = f"{ROOT}.workers"
"""Where workers are heard by all services."""


def peer(name: str) -> str:
    """Give the subject at which one peer is asked."""
    return f"{ROOT}.peer.{name}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True, tag="wanted"):
    """From a service to all workers: what waits."""

    service: str
    waited_s: dict[int, float]
    """Seconds that the oldest request of each waiting kind has waited, by `Priority`."""
    windows: int
    """How many wait: more lanes than that need not ask."""


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """An engine of a worker."""

    lanes: int
    """Ready lanes: 0 while it starts."""
    description: EngineDescription | None


class Present(msgspec.Struct, frozen=True, kw_only=True, tag="present"):
    """From a worker to all services: here I am."""

    worker: str
    engines: list[EngineState]
    """Always as many, in the same order."""
    free: int
    """Lanes with nothing to do."""
    holds: dict[str, list[int]]
    """Numbers of the batches it has or whose end is not noted yet, by service."""
    punctuator: str | None
    leaving: bool = False
    """It takes nothing more; what it holds it brings to an end."""


class Take(msgspec.Struct, frozen=True, kw_only=True, tag="take"):
    """From a worker: a lane of mine is free. Answered with `Handed` or `Nothing`."""

    worker: str
    engine: int
    """Place among its engines."""
    free: int
    """Lanes with nothing to do, this one included."""


class WireJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job without its person's vocabulary."""

    job: Job
    vocabulary: str
    """Digest; empty: there is none."""


class Handed(msgspec.Struct, frozen=True, kw_only=True, tag="handed"):
    """A batch to recognise."""

    batch: int
    priority: Priority
    """Kind of the head."""
    jobs: Annotated[list[WireJob], Meta(min_length=1)]
    waited_s: dict[int, float]
    """What waits there besides; as in `Wanted`."""


class Nothing(msgspec.Struct, frozen=True, tag="nothing"):
    """There is nothing for this lane, or nobody knows what was asked for."""


class Said(msgspec.Struct, frozen=True, tag="said"):
    """An outcome that is a hypothesis."""

    outcome: Hypothesis


class Repeat(msgspec.Struct, frozen=True, tag="again"):
    """An outcome that asks for another pass."""

    outcome: Again


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """From a worker: a batch is over. Answered with `Noted`."""

    worker: str
    batch: int
    free: int
    outcomes: list[Said | Repeat] | None
    """In the order of its jobs; None: there are none."""
    broke: bool = False
    """Whether an engine broke with it; otherwise, without outcomes, it was never begun."""


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """The end of a batch is known; it need not be said again."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag="ask"):
    """From a worker: what is behind this digest? Answered with `Vocabulary` or `Nothing`."""

    digest: str


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True, tag="vocabulary"):
    """A person's dictionary and snippets. The hints to the recogniser are few and travel along."""

    terms: tuple[Term, ...]
    snippets: tuple[Snippet, ...]


class WireText(msgspec.Struct, frozen=True, kw_only=True):
    """A text without its person's vocabulary."""

    text: Text
    vocabulary: str


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag="finish"):
    """From a service: finish these texts. Answered with `FinishedTexts` or `Nothing`."""

    service: str
    texts: list[WireText]


class FinishedTexts(msgspec.Struct, frozen=True, tag="finished"):
    """Texts as their people want them, in order."""

    texts: list[Finished]


class Rejoin(msgspec.Struct, frozen=True, tag="rejoin"):
    """From a service: join sentences. Answered with `Rejoined` or `Nothing`."""

    finals: list[tuple[str, str | None]]


class Rejoined(msgspec.Struct, frozen=True, tag="rejoined"):
    """As many texts, in order."""

    texts: list[str]


T = TypeVar("T")
ToService: TypeAlias = Take | Ended | Ask
ToWorker: TypeAlias = Finish | Rejoin
Answered: TypeAlias = Handed | Nothing | Noted | Vocabulary | FinishedTexts | Rejoined


def wrapped(outcomes: list[Outcome]) -> list[Said | Repeat]:
    """Make outcomes that can be told apart on the wire."""
    return [Said(each) if isinstance(each, Hypothesis) else Repeat(each) for each in outcomes]


_to_service: Final[Callable[[bytes], ToService]] = msgspec.msgpack.Decoder(ToService).decode
_to_worker: Final[Callable[[bytes], ToWorker]] = msgspec.msgpack.Decoder(ToWorker).decode
_answered: Final[Callable[[bytes], Answered]] = msgspec.msgpack.Decoder(Answered).decode


def asked_of_service(message: bytes) -> ToService:
    """Decode; raises `InvalidRequest`."""
    return _read(_to_service, message)


def asked_of_worker(message: bytes) -> ToWorker:
    """Decode; raises `InvalidRequest`."""
    return _read(_to_worker, message)


def answered(message: bytes) -> Answered:
    """Decode; raises `InvalidRequest`."""
    return _read(_answered, message)


def _read(decode: Callable[[bytes], T], message: bytes) -> T:
    try:
        return decode(message)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise InvalidRequest(f"not a message between services and workers: {exc}") from exc
