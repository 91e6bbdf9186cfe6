"""What is spoken to score finished text: clips alone, with pauses to think, or several of one speaker.

Which references count for what (speech_ru/SOURCES.md says where they come from):

    festvox    words and case. Its commas mark where the reader paused, so no mark of it is scored.
    asterisk   words; marks and case where the reference is a whole sentence with its marks.
    misc       words, marks and case.
    synthetic  the same, but a machine speaks: reported apart, never averaged with people.

The half of the clips on which thresholds are chosen is never reported (`benchmarks.speech.halves`).
"""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.speech import Clip, halves
from workers.contract.audio import SAMPLE_RATE_HZ, WINDOW_LIMIT_SAMPLES, Samples

LANGUAGE: Final = "ru"
GROUPS: Final = ("festvox", "asterisk", "misc", "synthetic")
REAL: Final = ("festvox", "asterisk", "misc")
_MARKED: Final = frozenset({"asterisk", "misc", "synthetic"})
"""Groups whose references have the marks of Russian."""
_ONE_VOICE: Final = frozenset({"festvox", "asterisk", "synthetic"})
"""Groups in which a speaker has more than one clip."""
_ENDS: Final = tuple(".!?…»")
SHORTEST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 0.6
"""Between two sentences of one breath: below the 0.8 s that end an utterance, so that most sentences
follow each other inside one. The silence that clips begin and end with comes on top."""
THOUGHT_EVERY_S: Final = 4.0
"""Of speech between two pauses to think: spontaneous speech has one every few seconds (Goldman-Eisler 1968)."""
_QUIET_SAMPLES: Final = SAMPLE_RATE_HZ // 20
"""A pause begins in the middle of the quietest 50 ms: most often between two words."""
_EDGE_S: Final = 1.0
"""So much at the beginning and the end of a clip has no pause put in."""
_APART_S: Final = 0.4
"""Kept free on both sides of where two such stretches of a clip meet: nobody pauses for a single syllable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Something said, as one session."""

    name: str
    group: str
    samples: Samples
    reference: str
    marks: bool
    """Whether the marks of the reference can be scored."""
    case: bool
    """Whether its case can."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


def for_choosing(clips: Sequence[Clip]) -> list[Clip]:
    """Give the Russian clips on which rules and thresholds may be chosen."""
    return [clip for clip in halves(_of_a_window(clips))[0] if clip.language == LANGUAGE]


def for_reporting(clips: Sequence[Clip]) -> list[Clip]:
    """Give the Russian clips that are reported: the other half, and those longer than a window."""
    others = halves(_of_a_window(clips))[1]
    longer = [clip for clip in clips if len(clip.samples) > WINDOW_LIMIT_SAMPLES]
    return [clip for clip in [*others, *longer] if clip.language == LANGUAGE]


def _of_a_window(clips: Sequence[Clip]) -> list[Clip]:
    return [clip for clip in clips if len(clip.samples) <= WINDOW_LIMIT_SAMPLES]


def is_edited(reference: str) -> bool:
    """Whether a reference is written out: a capital at its beginning, a mark at its end."""
    letters = reference.lstrip("«(—- ")
    return letters[:1].isupper() and reference.rstrip().endswith(_ENDS)


def passages(clips: Sequence[Clip]) -> list[Passage]:
    """Give each clip as a passage of its own."""
    return [_passage([clip], clip.samples) for clip in clips]


def concatenated(clips: Sequence[Clip], count: int, *, seed: int = 1) -> list[Passage]:
    """Join clips of one speaker with pauses, so that sentences follow each other as in dictation.

    Only references that are written out are joined: only there is it known where a sentence ends. Each
    clip is said once; what is left over at the end of a speaker makes a shorter passage.

    Args:
        clips: of any speakers; groups are not mixed.
        count: clips in a passage.
        seed: of their order and of the pauses.
    """
    chance = random.Random(seed)
    whole = [clip for clip in clips if clip.group in _ONE_VOICE and is_edited(clip.reference)]
    joined: list[Passage] = []
    for _, of_speaker in itertools.groupby(
        sorted(whole, key=lambda clip: (clip.group, clip.speaker, clip.name)),
        key=lambda clip: (clip.group, clip.speaker),
    ):
        order = list(of_speaker)
        chance.shuffle(order)
        rows = [order[start : start + count] for start in range(0, len(order), count)]
        joined += [_passage(row, _with_pauses(row, chance)) for row in rows]
    return joined


def hesitant(clips: Sequence[Clip], pause_s: float) -> list[Passage]:
    """Give each clip as a passage with pauses put in, as of somebody who thinks while they speak.

    There is one in every `THOUGHT_EVERY_S` of a clip, where it is quietest there. Longer than the silence that ends
    an utterance, it makes the recogniser end a sentence where nobody ended one. Clips too short for one are left out.

    Args:
        clips: of any speakers.
        pause_s: length of each pause.
    """
    silence = np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32)
    found = []
    for clip in clips:
        parts = np.split(clip.samples, thoughts(clip.samples))
        if len(parts) > 1:
            said = [part for each in parts for part in (silence, each)][1:]
            found.append(_passage([clip], np.concatenate(said)))
    return found


def thoughts(samples: Samples) -> list[int]:
    """Say where pauses are put into a clip: places in samples, ascending."""
    edge, apart = (round(each * SAMPLE_RATE_HZ) for each in (_EDGE_S, _APART_S))
    inner = len(samples) - 2 * edge
    count = round(inner / SAMPLE_RATE_HZ / THOUGHT_EVERY_S)
    if count < 1:
        return []
    energy = np.convolve(samples**2, np.ones(_QUIET_SAMPLES, np.float32), mode="same")
    bounds = [edge + inner * part // count for part in range(count + 1)]
    return [
        begin + apart + int(np.argmin(energy[begin + apart : end - apart]))
        for begin, end in itertools.pairwise(bounds)
    ]


def _with_pauses(row: Sequence[Clip], chance: random.Random) -> Samples:
    parts: list[Samples] = []
    for clip in row:
        pause_s = chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S) if parts else 0.0
        parts += [np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32), clip.samples]
    return np.concatenate(parts)


def _passage(row: Sequence[Clip], samples: Samples) -> Passage:
    group = row[0].group
    edited = all(is_edited(clip.reference) for clip in row)
    return Passage(
        name=" + ".join(clip.name for clip in row),
        group=group,
        samples=samples,
        reference=" ".join(clip.reference for clip in row),
        marks=edited and group in _MARKED,
        case=edited,
    )
