"""What a stream tells while it runs, and what it leaves behind.

Positions are samples at the stream's own rate; times are seconds of `time.monotonic`.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from service.dictation.wire import Done, Final, Partial


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the audio has come."""

    received: int
    """Samples that reached the server."""
    stored: int
    """Samples whose text is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The connection was lost or refused; the stream tries again by itself."""

    code: str
    """Why: a code of the protocol, or `stream.lost`."""
    retry_in_s: float
    attempt: int
    """1 for the first try after the last audio that got through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The connection is back."""

    received: int
    """The sample from which audio is sent again."""


StreamEvent: TypeAlias = Partial | Final | Progress | Interrupted | Resumed | Done


@dataclass(slots=True, kw_only=True)
class Timing:
    """When things happened; None for what never did."""

    opened_at: float | None = None
    """First `ready`. With a pace, sample `n` is spoken at `opened_at + n / rate / pace`."""
    first_partial_at: float | None = None
    first_final_at: float | None = None
    last_audio_at: float | None = None
    """The last sample was handed to the socket."""
    done_at: float | None = None
    interruptions: int = 0

    @property
    def finalisation_s(self) -> float | None:
        """Seconds from the last sample sent to `done`, as the person waiting sees them."""
        if self.done_at is None or self.last_audio_at is None:
            return None
        return self.done_at - self.last_audio_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """A stream that came to its end."""

    session: str
    done: Done
    finals: tuple[Final, ...]
    """In the order of the speech."""
    samples: int
    """Length of the audio sent."""
    timing: Timing = field(default_factory=Timing)

    @property
    def missing(self) -> tuple[int, ...]:
        """Utterances that never arrived though later ones did; empty unless the server is broken."""
        numbers = {final.utterance for final in self.finals}
        return tuple(n for n in range(max(numbers, default=-1) + 1) if n not in numbers)
