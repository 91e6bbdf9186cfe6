"""One window to recognise, and what may come back for it.

A request is always answered: with a hypothesis, or with a failure that says whether trying again
can help. Nobody waits for ever.
"""

from dataclasses import dataclass
from enum import IntEnum

from workers.contract.audio import BYTES_PER_SAMPLE, WINDOW_LIMIT_SAMPLES, seconds
from workers.contract.errors import InvalidRequest
from workers.contract.finishing import Finished, Finishing
from workers.contract.traces import Context
from workers.contract.words import Word


class Priority(IntEnum):
    """What goes first; the lower the number, the sooner. See `workers.scheduling.priorities`."""

    FINAL = 0  # the text of a closed utterance: somebody waits for it, it is never dropped
    SPECULATIVE = 1  # a final decoded before the endpoint is certain; may be dropped
    FILE = 2  # a window of a recording: nobody waits, it is never dropped
    PARTIAL = 3  # a preview of an open utterance: the newest replaces a waiting older one


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the recogniser and the text pipeline should know of the person speaking."""

    terms: tuple[str, ...] = ()
    """The user's own words, most important first; hints to the recogniser, never inserted."""
    finishing: Finishing | None = None
    """How finals are finished; None: they are left as recognised. Partials always are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One window of audio to recognise.

    Submitting a request whose id is already waiting or being recognised joins it: it stays one
    piece of work and takes the more urgent of the two priorities. This is how a speculative final
    becomes a real one.
    """

    id: str
    session: str
    user: str
    """Whose turn it uses: fairness is between users, not between sessions."""
    utterance: int
    """Number of the utterance in its session, from 0."""
    revision: int = 0
    """Counts the partials of one utterance; a newer one replaces a waiting older one."""
    priority: Priority
    deadline: float | None
    """Monotonic seconds after which the answer is of no use; None: always of use."""
    pcm: bytes
    """PCM16 little-endian, mono, 16 kHz; 1 sample to 30 s."""
    language: str | None = None
    """ISO 639-1 code as in Whisper's vocabulary, or None to detect it."""
    wants_words: bool = False
    """Also give the time and probability of every word (costs one more decoder pass)."""
    profile: Profile = Profile()
    draft: str = ""
    """What it probably says: what was heard of the same speech before. Saves time, changes nothing."""
    trace: Context = ""
    """Of its utterance; whoever works on it may tell of that (`workers.contract.traces`)."""

    def __post_init__(self) -> None:
        """Refuse audio that is empty, odd or longer than a window."""
        length = len(self.pcm)
        if length == 0 or length % BYTES_PER_SAMPLE:
            raise InvalidRequest(f"a window needs whole PCM16 samples, got {length} bytes")
        if self.samples > WINDOW_LIMIT_SAMPLES:
            raise InvalidRequest(f"a window is at most 30 s, got {seconds(self.samples):.1f} s")

    @property
    def samples(self) -> int:
        """Length of the window's audio in 16 kHz samples."""
        return len(self.pcm) // BYTES_PER_SAMPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an answer cost, for logs and metrics."""

    queue_ms: float = 0.0  # from submission to the start of its first batch
    recognise_ms: float = 0.0  # wall time of the batches it was part of
    batch: int = 1  # windows in its last batch
    passes: int = 1  # 1, or more when a guard sent it to be decoded again


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What the recogniser says of one window. `text` is empty when nobody spoke."""

    request: str
    """Id of the request it answers."""
    text: str
    words: tuple[Word, ...] = ()
    """In order; empty unless the request wanted words."""
    language: str
    """ISO 639-1 code: as asked, or as detected."""
    language_probability: float = 1.0
    """0.0 to 1.0; 1.0 when the language was given."""
    mean_log_probability: float = 0.0
    """Mean natural-log probability of the tokens; 0.0 is certain."""
    no_speech_probability: float = 0.0
    """0.0 to 1.0, Whisper's own estimate that nobody speaks."""
    filtered: str | None = None
    """Which hallucination rule emptied or cut the text; None when it is as decoded."""
    finished: Finished | None = None
    """What the text pipeline made of it; None: nobody asked, or it failed and `text` is all there is."""
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request has no text."""

    request: str
    """Id of the request it answers."""
    code: str
    """One of `workers.contract.errors.FAILURE_CODES`."""
    message: str
    """What happened and what to do; never speech, never a path."""
    retryable: bool


Answer = Hypothesis | Failure
