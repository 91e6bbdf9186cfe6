"""How long the encoder's input is, and how many tokens a window may have.

Whisper pads everything to 30 s; the encoder's attention then costs eight times as much as on the
10 s that were said. Here the input is the audio plus a margin of silence, in buckets, because
only inputs of equal length can share a batch (CTranslate2 has no mask for encoder positions):

    |<------- audio ------->|<- margin >= 1.5 s ->|<- up to the next bucket ->|
    0 s                                                            at most 30 s

The plan follows from the request alone, never from what else waits: the same audio gives the same
text in any company.
"""

from typing import Final

from workers.contract.audio import SAMPLE_RATE_HZ, WINDOW_LIMIT_SAMPLES, samples_in, seconds
from workers.contract.engine import Plan
from workers.contract.requests import Priority, Request

MARGIN_S: Final = 1.5
"""Silence after the audio. Below it Whisper more often fails to end and loops (performance notes,
section 2: 12 loops in 120 clips at 0.5 s, 3 at 1.5 s)."""

SHORTEST_S: Final = 6.0
"""The shortest input; with 4 s Russian errors rose by up to 0.5 points (the same section)."""

_FINE_S: Final = 1.0
_COARSE_S: Final = 2.0
_COARSE_FROM_S: Final = 12.0

BUCKETS_SAMPLES: Final = tuple(
    samples_in(length_s)
    for length_s in (
        *(
            SHORTEST_S + _FINE_S * step
            for step in range(int((_COARSE_FROM_S - SHORTEST_S) / _FINE_S))
        ),
        *(
            _COARSE_FROM_S + _COARSE_S * step
            for step in range(int((30.0 - _COARSE_FROM_S) / _COARSE_S))
        ),
        30.0,
    )
)
"""Every encoder input that exists, in samples, ascending."""

TOKENS_PER_SECOND: Final = 10.0
TOKENS_AT_LEAST: Final = 10
"""The cap is 10 a second plus 10: the fastest honest speech measured is 6.8 tokens a second, and
a cap of 4 a second cut Russian (performance notes, section 2)."""

TOKENS_LIMIT: Final = 224
"""Whisper's own limit: half of the decoder's 448 positions."""


def first_plan(request: Request, *, beam: int) -> Plan:
    """Give the plan a new request starts with.

    Args:
        request: the window.
        beam: width for finals, files and speculative finals, which become finals; partials are
            decoded greedily, because they are replaced within a second.
    """
    greedy = request.priority is Priority.PARTIAL
    return Plan(window_samples=window_for(request.samples), beam=1 if greedy else beam)


def window_for(samples: int) -> int:
    """Give the encoder input, in samples, for audio of `samples` samples."""
    wanted = samples + samples_in(MARGIN_S)
    return next((bucket for bucket in BUCKETS_SAMPLES if bucket >= wanted), WINDOW_LIMIT_SAMPLES)


def token_cap(samples: int) -> int:
    """Give the most tokens honest speech of `samples` samples can have, 10 to 224."""
    return min(TOKENS_LIMIT, TOKENS_AT_LEAST + int(TOKENS_PER_SECOND * seconds(samples)))


def audio_frames(samples: int) -> int:
    """Give the 10 ms feature frames that hold audio, at least 2: CTranslate2 divides by it."""
    return max(2, samples * 100 // SAMPLE_RATE_HZ)
