"""What a session remembers: who speaks, how it behaves, the open and the closed utterances."""

from dataclasses import dataclass
from typing import Final

from service.dictation.endpointing import EndpointingPolicy
from service.dictation.outputs import Output, ShowFinal, SpeechStarted, SpeechStopped
from service.dictation.previews import Previews
from workers.contract.requests import Hypothesis, Priority, Profile, Request

ATTEMPTS: Final = 5
"""Times a final is submitted before the session gives up; each failure doubles the wait."""
FIRST_RETRY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """How a session behaves."""

    endpointing: EndpointingPolicy = EndpointingPolicy()
    partial_interval: int = 16_000
    """16 kHz samples of speech between two partials; 0: no partials."""
    final_priority: Priority = Priority.FINAL
    """Of finals: `FILE` where nobody waits for them as they speak."""
    tells_speech: bool = False
    """Whether to say when speech starts and stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Whose session it is and what is known of the speech before it starts."""

    session: str
    user: str
    language: str | None = None
    wants_words: bool = False
    profile: Profile = Profile()

    def request(
        self,
        utterance: int,
        place: tuple[int, int],
        priority: Priority,
        *,
        pcm: bytes,
        language: str | None,
        revision: int | None = None,
        draft: str = "",
    ) -> Request:
        """Ask for a window of an utterance.

        Args:
            utterance: its number in the session.
            place: the window's first sample, and the one after its last.
            priority: a speculative final and the final it becomes have one id.
            pcm: the samples.
            language: as named, or as detected since.
            revision: of the preview, if the priority is that of a partial.
            draft: what it probably says.
        """
        start, end = place
        kind = "f" if revision is None else f"p{revision}"
        return Request(
            id=f"{self.session}/{utterance}/{kind}/{start}-{end}",
            session=self.session,
            user=self.user,
            utterance=utterance,
            revision=revision or 0,
            priority=priority,
            deadline=None,
            pcm=pcm,
            language=language,
            wants_words=self.wants_words and revision is None,
            profile=self.profile,
            draft=draft,
        )


@dataclass(slots=True, kw_only=True)
class ClosedUtterance:
    """A closed utterance that waits for its answer."""

    number: int
    start: int
    end: int
    request: Request
    hypothesis: Hypothesis | None = None
    attempts: int = 1

    def shown(self, hypothesis: Hypothesis) -> ShowFinal:
        """Give its final."""
        return ShowFinal(
            utterance=self.number, start=self.start, end=self.end, hypothesis=hypothesis
        )

    def try_again(self) -> float | None:
        """Count one more attempt; give the seconds to wait before it, or None: it was the last."""
        if self.attempts >= ATTEMPTS:
            return None
        self.attempts += 1
        return FIRST_RETRY_S * 2.0 ** (self.attempts - 2)


@dataclass(slots=True, kw_only=True)
class OpenUtterance:
    """The utterance being spoken."""

    start: int
    previews: Previews
    ahead: Request | None = None  # the speculative final, while silence lasts
    ahead_answer: Hypothesis | None = None
    tells: bool = False  # whether to say when speech starts and stops
    pause: int | None = None  # where the pause began that is going on, if it may be decoded ahead
    is_told: bool = False  # that speech started

    def started(self, number: int) -> list[Output]:
        """Say once that speech started, under the utterance's number."""
        if self.is_told or not self.tells:
            return []
        self.is_told = True
        return [SpeechStarted(utterance=number, start=self.start)]

    def stopped(self, number: int, end: int) -> list[Output]:
        """Say that speech stopped, and that it started if that was not said."""
        if not self.tells:
            return []
        stopped = SpeechStopped(utterance=number, start=self.start, end=end)
        return [*self.started(number), stopped]
