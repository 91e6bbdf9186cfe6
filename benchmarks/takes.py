"""Who says what and when: the load, laid out beforehand so that every contestant meets the same one.

A take is one recording spoken in real time as one session. Two shapes of load are known:

continuous   N speakers without a pause: each begins its next recording when the last one ended.

    speaker 0  ··|--------|-----|------------|---
    speaker 1  |-----|------------|-----|--------

dictation    takes arrive by a Poisson process whose rate makes N speakers talk on average. The number
             of arrivals is fixed (a Poisson process given its count is uniform in time), so that the
             offered load is exactly N talkers in every run and only its bunching is random.

    arrivals   |----|   |--------|
                   |-----|    |----|        |-----|

Takes that end after the warm-in and before the end of the run are counted; the others are there so
that the counted ones meet the full load from their first to their last sample and until their final.
"""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.speech import Clip

Shape = Literal["continuous", "dictation"]

SPOKEN_GROUPS: Final = ("festvox", "asterisk", "en")
"""Real people only: nothing synthetic, and not the few clips of uncertain origin."""
SHORTEST_S: Final = 3.0
LONGEST_S: Final = 25.0


def speakable(clips: Sequence[Clip]) -> list[Clip]:
    """Choose the real recordings of 3 to 25 s: the length of a dictated sentence or a few."""
    return [
        clip
        for clip in clips
        if clip.group in SPOKEN_GROUPS and SHORTEST_S <= clip.duration_s <= LONGEST_S
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One clip spoken at one time."""

    number: int
    """Position in the order of starts."""
    clip: Clip
    starts_s: float
    """When its first sample is spoken, from the start of the run."""
    counted: bool

    @property
    def ends_s(self) -> float:
        """When its last sample is spoken."""
        return self.starts_s + self.clip.duration_s


def lay_out(
    shape: Shape,
    clips: Sequence[Clip],
    *,
    talkers: int,
    warm_in_s: float,
    counted_s: float,
    seed: int,
) -> list[Take]:
    """Lay out the takes of one run, in the order of their starts.

    Args:
        shape: of the load, see the module.
        clips: what may be said; all are said once before one is repeated.
        talkers: speakers at once: exactly (continuous) or on average (dictation).
        warm_in_s: start of the run whose endings are not counted.
        counted_s: length of the counted part that follows.
        seed: the same seed gives the same takes.
    """
    rng = random.Random(f"{shape}:{talkers}:{seed}")
    ends_s = warm_in_s + counted_s
    spoken = _continuous if shape == "continuous" else _dictation
    starts = sorted(
        spoken(clips, talkers=talkers, ends_s=ends_s, rng=rng), key=lambda pair: pair[0]
    )
    return [
        Take(
            number=number,
            clip=clip,
            starts_s=start,
            counted=warm_in_s <= start + clip.duration_s <= ends_s,
        )
        for number, (start, clip) in enumerate(starts)
    ]


def _deck(clips: Sequence[Clip], rng: random.Random) -> Iterator[Clip]:
    """Every recording once in a random order, again and again."""
    while True:
        yield from rng.sample(clips, len(clips))


def _continuous(
    clips: Sequence[Clip], *, talkers: int, ends_s: float, rng: random.Random
) -> Iterator[tuple[float, Clip]]:
    mean_s = sum(clip.duration_s for clip in clips) / len(clips)
    deck = _deck(clips, rng)
    free = [rng.uniform(0.0, min(mean_s, ends_s)) for _ in range(talkers)]
    free[0] = 0.0
    heapq.heapify(free)
    while free[0] < ends_s:
        clip = next(deck)
        start = heapq.heapreplace(free, free[0] + clip.duration_s)
        yield start, clip


def _dictation(
    clips: Sequence[Clip], *, talkers: int, ends_s: float, rng: random.Random
) -> Iterator[tuple[float, Clip]]:
    offered_s = 0.0
    for clip in _deck(clips, rng):
        if offered_s >= talkers * ends_s:
            return
        offered_s += clip.duration_s
        yield rng.uniform(0.0, ends_s), clip
