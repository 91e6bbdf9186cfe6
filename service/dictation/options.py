"""How sessions behave: what the settings say, and what one client may ask for itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.dictation.endpointing import (
    ONSET_PROBABILITY,
    PRE_ROLL_SAMPLES,
    EndpointingPolicy,
)
from service.dictation.personal import Personal
from service.dictation.utterances import SessionPolicy
from workers.contract.audio import samples_in
from workers.contract.finishing import TAKING_BACK
from workers.contract.requests import Priority, Profile

ENDPOINT_SILENCE_MS: Final = (200, 5000)
"""The least and the most silence that may end an utterance; as in the settings."""
_ONSET: Final = (0.1, 0.95)
"""Below, noise is speech; above, speech is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What a client asks for itself; values beyond the limits are brought within them."""

    endpoint_silence_ms: int | None = None
    """Silence that ends an utterance, 200 to 5000; None: as the settings say."""
    onset_probability: float = ONSET_PROBABILITY
    """Probability of speech that opens an utterance, 0.1 to 0.95."""
    pre_roll_ms: int = PRE_ROLL_SAMPLES // 16
    """Audio kept before the onset, 0 to 300."""
    tells_speech: bool = False
    """Whether to say when speech starts and stops."""
    is_file: bool = False
    """Whether it is a recording: nobody waits as they speak, so people who do go first."""
    ends_when_draining: bool = False
    """Whether what was said is finished when the server stops, as the client cannot resume."""
    wants_finished: bool = True
    """Whether texts are finished as the person wants them; else they stay as recognised."""
    takes_back: bool = True
    """Whether the client can delete what it was given («удали последнее»)."""

    def profile(self, personal: Personal, terms: Sequence[str]) -> Profile:
        """Give what recogniser and text pipeline should know.

        Args:
            personal: of who speaks.
            terms: the client's hints; they go before the person's own.
        """
        finishing = personal.finishing
        if not self.takes_back:
            off = finishing.commands_off | TAKING_BACK
            finishing = replace(finishing, commands_off=off)
        return Profile(
            terms=tuple(dict.fromkeys((*terms, *personal.terms))),
            finishing=finishing if self.wants_finished else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DictationOptions:
    """What the settings say about sessions."""

    endpoint_silence_ms: int = 800
    speculation_silence_ms: int = 200
    partial_interval_ms: int = 1000
    resume_s: float = 300.0

    def policy(self, manner: Manner, *, partials: bool) -> SessionPolicy:
        """Give a session's policy."""
        asked_ms = manner.endpoint_silence_ms
        silence_ms = self.endpoint_silence_ms
        if asked_ms is not None:
            silence_ms = round(_within(asked_ms, ENDPOINT_SILENCE_MS))
        speculation_ms = 0 if manner.is_file else min(self.speculation_silence_ms, silence_ms)
        return SessionPolicy(
            endpointing=EndpointingPolicy(
                endpoint_silence=samples_in(silence_ms / 1000),
                speculation_silence=samples_in(speculation_ms / 1000),
                onset_probability=_within(manner.onset_probability, _ONSET),
                pre_roll=round(
                    _within(samples_in(manner.pre_roll_ms / 1000), (0, PRE_ROLL_SAMPLES))
                ),
            ),
            partial_interval=samples_in(self.partial_interval_ms / 1000) if partials else 0,
            final_priority=Priority.FILE if manner.is_file else Priority.FINAL,
            tells_speech=manner.tells_speech,
        )


def _within(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
