"""Where the person paused, as far as the times of words tell."""

from typing import Final

from workers.text.tokens import Token

PAUSE_SAMPLES: Final = 4_000
"""Silence from which it is a pause: 0.25 s at 16 kHz, the limit below which Goldman-Eisler
(Psycholinguistics, 1968) counts a gap as articulation."""


def is_pause(left: Token, right: Token) -> bool:
    """Whether there was a pause between two tokens; without times: no."""
    if left.heard is None or right.heard is None:
        return False
    return right.heard.start - left.heard.end >= PAUSE_SAMPLES
