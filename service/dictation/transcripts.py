"""The port through which a session is stored: `TranscriptStore`, and what it stores.

A transcript is opened when its session starts, grows by one final at a time, and is finished
before `done` is sent. Each call is idempotent, because a session that is not sure whether a call
arrived makes it again: the same final twice is one final, finishing twice gives the same id.
Every transcript belongs to a user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from service.problems import ServiceError
from workers.contract.finishing import Marker


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWord:
    """One word of a stored final."""

    text: str
    start: int  # first 16 kHz sample, from the start of the session
    end: int  # sample after the last
    probability: float  # 0.0 to 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A final as it was shown, where the transcript has it otherwise; see `StoredFinal`."""

    text: str
    words: tuple[StoredWord, ...] = ()
    glue: str = " "
    erase: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinal:
    """The text of a closed utterance. What was shown of it never changes."""

    utterance: int  # from 0, without gaps
    start: int  # first 16 kHz sample, from the start of the session
    end: int  # sample after the last
    text: str  # finished text
    raw: str  # as recognised
    language: str  # ISO 639-1
    words: tuple[StoredWord, ...] = ()
    glue: str = " "
    """What stands between it and what came before; see `service.dictation.composition`."""
    erase: int = 0
    """Letters that go from the end of what came before."""
    withheld: str = ""
    """A mark that its style left off, and that belongs there if more text follows."""
    markers: tuple[Marker, ...] = ()
    """Places in the text that only the client can fill."""
    typed: Typed | None = None
    """As it was shown; None: as it is here. See `service.dictation.rejoining`."""


def as_shown(final: StoredFinal) -> Typed:
    """Give a final as it was shown, if the transcript has it so."""
    return Typed(text=final.text, words=final.words, glue=final.glue, erase=final.erase)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrigin:
    """Where a session came from; kept with its transcript."""

    language: str  # as asked: ISO 639-1 or "auto"
    sample_rate: int  # hertz, of the client's audio
    client: str = ""  # program and version
    app: str | None = None  # application that had the focus
    device: UUID | None = None  # registered device of the user


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTranscript:
    """What is already stored of a session when it is opened or reopened."""

    transcript: UUID
    finals: tuple[StoredFinal, ...] = ()
    """In order; not empty when the session is reopened after its server ended."""
    finished: bool = False
    """Whether `finish` was already stored: the client only missed the answer."""
    audio_samples: int = 0
    """Length in 16 kHz samples, once finished."""


class WentOnElsewhere(ServiceError):
    """The transcript is no longer this session's: open it again to go on here.

    Another server has taken the session up and stored of it, or left it as one in which nothing was
    said; or the person deleted it.
    """

    def __init__(self) -> None:
        super().__init__("server.failed", "the session went on elsewhere meanwhile")


class TranscriptStore(Protocol):
    """Where transcripts are kept. Every call raises `StoreUnavailable` when the store is away."""

    async def open(self, session: str, *, user: UUID, origin: SessionOrigin) -> OpenedTranscript:
        """Open the transcript of a session, or give what is stored of it already.

        Raises:
            Refused: `session.forbidden`, the session id belongs to another user (close 4403).
        """
        ...

    async def add_final(self, user: UUID, transcript: UUID, final: StoredFinal) -> None:
        """Store one final; the same utterance again changes nothing.

        Raises:
            WentOnElsewhere: another final of this utterance is stored, of other audio; or the
                transcript is not there any more.
        """
        ...

    async def leave(self, user: UUID, transcript: UUID) -> None:
        """Make findable what is stored of a session that nobody came back to; again if need be.

        A transcript of which nothing is stored is deleted. What counts is what the store has: the
        person may have gone on elsewhere, where this server does not see it.
        """
        ...

    async def finish(
        self,
        user: UUID,
        transcript: UUID,
        *,
        audio_samples: int,
        is_silent: bool = False,
        rewritten: Sequence[StoredFinal] = (),
    ) -> None:
        """Mark the transcript as complete; again changes nothing.

        Args:
            user: whose.
            transcript: which.
            audio_samples: its length at 16 kHz.
            is_silent: whether nobody said anything: then people see no such transcript.
            rewritten: finals that the transcript has otherwise than they were shown (`typed`).

        Raises:
            WentOnElsewhere: the transcript is not there any more.
        """
        ...

    async def forget(self, user: UUID, transcript: UUID) -> None:
        """Delete the transcript and all its finals (the user cancelled)."""
        ...
