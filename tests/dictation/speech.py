"""Speech made of numbers: loud samples are speech, zeros are silence; and a session driven by it."""

import zlib
from dataclasses import dataclass, field

import numpy as np

from service.dictation.endpointing import FRAME_SAMPLES, EndpointingPolicy
from service.dictation.markers import AtMarker
from service.dictation.outputs import (
    Finished,
    GaveUp,
    MarkerPassed,
    Output,
    Recognise,
    ShowFinal,
    ShowPartial,
    Withdraw,
)
from service.dictation.session import Session
from service.dictation.utterances import SessionPolicy, Speaker
from workers.contract.audio import Samples
from workers.contract.requests import Hypothesis, Request

MS = 16  # samples in a millisecond


class LoudnessDetector:
    """A detector that takes every loud frame for speech; it keeps no state."""

    def probabilities(self, samples: Samples) -> list[float]:
        loud = np.abs(samples.reshape(-1, FRAME_SAMPLES)).mean(axis=1) > 0.01
        return [0.95 if frame else 0.02 for frame in loud]


def speech(duration_ms: int, *, seed: int = 0) -> bytes:
    """Noise as loud as speech; the seed makes it recognisably different."""
    rng = np.random.default_rng(seed)
    return (
        (rng.integers(3000, 9000, duration_ms * MS) * rng.choice((-1, 1), duration_ms * MS))
        .astype("<i2")
        .tobytes()
    )


def silence(duration_ms: int) -> bytes:
    return bytes(2 * duration_ms * MS)


def heard(request: Request) -> Hypothesis:
    """What the recogniser of these tests says: words that depend on every sample."""
    checksum = zlib.crc32(request.pcm)
    return Hypothesis(
        request=request.id,
        text=f"{request.samples} samples {checksum:08x}",
        language=request.language or "ru",
    )


@dataclass
class Driven:
    """A session whose requests are answered the moment they are made."""

    session: Session
    outputs: list[Output] = field(default_factory=list)

    def push(self, pcm: bytes) -> None:
        """Push 32 ms at a time: answers come before the next frame, as on an idle machine."""
        for first in range(0, len(pcm), 2 * FRAME_SAMPLES):
            self._do(self.session.audio(pcm[first : first + 2 * FRAME_SAMPLES]))

    def push_at_once(self, pcm: bytes) -> None:
        """Push one message: answers come after all of it."""
        self._do(self.session.audio(pcm))

    def finish(self) -> None:
        self._do(self.session.finish())

    def mark(self, marker: str, at: AtMarker = AtMarker.GOES_ON) -> None:
        self._do(self.session.marker(marker, at))

    def _do(self, outputs: list[Output]) -> None:
        for output in outputs:
            self.outputs.append(output)
            if isinstance(output, Recognise):
                self._do(self.session.answered(output.request, heard(output.request)))

    def of(self, kind: type) -> list:
        return [output for output in self.outputs if isinstance(output, kind)]

    @property
    def finals(self) -> list[tuple[int, int, str]]:
        return [(f.start, f.end, f.hypothesis.text) for f in self.of(ShowFinal)]


def new_session(
    *,
    partial_interval_ms: int = 1000,
    speculation_ms: int = 200,
    endpoint_ms: int = 600,
    language: str | None = "ru",
    first_sample: int = 0,
    first_utterance: int = 0,
    tells_speech: bool = False,
) -> Session:
    return Session(
        Speaker(session="session-1", user="user-1", language=language),
        policy=SessionPolicy(
            endpointing=EndpointingPolicy(
                endpoint_silence=endpoint_ms * MS, speculation_silence=speculation_ms * MS
            ),
            partial_interval=partial_interval_ms * MS,
            tells_speech=tells_speech,
        ),
        detector=LoudnessDetector(),
        first_sample=first_sample,
        first_utterance=first_utterance,
    )


def driven(**policy: int) -> Driven:
    """Give a new session with something that answers it at once."""
    return Driven(new_session(**policy))


__all__ = [
    "MS",
    "Driven",
    "Finished",
    "GaveUp",
    "LoudnessDetector",
    "MarkerPassed",
    "Recognise",
    "ShowFinal",
    "ShowPartial",
    "Withdraw",
    "driven",
    "heard",
    "new_session",
    "silence",
    "speech",
]
