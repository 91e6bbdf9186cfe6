"""Speech that no word covers: found after alignment, heard once more by itself, and put in its place.

    audible   ████ ██████  ████████ ███ ██████████
    words     [--] [----]                [--] [--]
    gap                   [-------------)            decoded alone, once

Whisper now and then ends its text early or leaves a sentence out where the speaker, the room or the
loudness changes within a window, with every sign of certainty: the mean probability of such texts is
as high as any, in the whole 30 s window and with a beam as well. What it leaves out it writes when it
hears it alone. Only the times of the words tell; those of the last words of a text that ended early
do not, because the alignment draws them to the end of the window. So with a gap before its last words
these are heard again too, and if they are not said there they belong before the gap.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final

import numpy as np

from workers.contract.audio import samples_in, seconds
from workers.contract.requests import Hypothesis
from workers.contract.words import Word
from workers.recognition.loudness import FRAME_SAMPLES, Frames

LOOKED_FOR_FROM_SAMPLES: Final = samples_in(4.0)
"""Windows shorter than this hold no sentence that could be lost beside another."""

SHORTEST_GAP_SAMPLES: Final = samples_in(1.6)
LEAST_AUDIBLE_S: Final = 1.0
"""A gap is longer than a breath, and for a second at least of it there is something to hear."""

DIGIT_SAMPLES: Final = samples_in(0.6)
"""Longest time that one digit of a number takes: «восемьсот девятнадцать» is said in 1.4 s."""

BELIEVED: Final = -0.7
BELIEVED_SPOKEN: Final = 0.4
"""Mean log probability from which on, and probability of no speech up to which, words found in a gap
are believed: there may as well be a door or a cough."""

_DRAWN_WORDS: Final = 2
"""Words at the end of a text that may have been drawn to the end of the window."""
_ALIKE: Final = 0.6
"""Share of letters in common from which on two hearings are of the same words."""
_DRAWN_WORD_SAMPLES: Final = samples_in(0.4)
"""What a word is given that is moved to before a gap: a usual word's time."""

_NEIGHBOURS: Final = 3
"""Words on either side of a gap that its edge may hold a part of."""

Span = tuple[int, int]
"""First sample, and the one after the last, from the start of the window."""


def first_gap(
    words: Sequence[Word], audible: Frames, *, samples: int, after: int = 0
) -> Span | None:
    """Find the first span in which there is something to hear and no word.

    Args:
        words: of the window, aligned.
        audible: of each 20 ms of the window, whether there is something to hear.
        samples: length of the window's audio.
        after: where to begin to look.
    """
    spoken = ((_spoken_from(word), word.end) for word in words)
    edges = [0, *itertools.chain.from_iterable(spoken), samples]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if start < after or end - start < SHORTEST_GAP_SAMPLES:
            continue
        heard = audible[start // FRAME_SAMPLES : end // FRAME_SAMPLES]
        if seconds(int(np.count_nonzero(heard)) * FRAME_SAMPLES) >= LEAST_AUDIBLE_S:
            return start, end
    return None


def heard_again(words: Sequence[Word], gap: Span, *, samples: int) -> Span:
    """Give what is to be heard again for a gap: with the last words, if few follow it.

    Args:
        words: of the window, aligned.
        gap: as `first_gap` gives it.
        samples: length of the window's audio.
    """
    behind = sum(word.start >= gap[1] for word in words)
    return (gap[0], samples) if 0 < behind <= _DRAWN_WORDS else gap


def _spoken_from(word: Word) -> int:
    """Give the earliest sample of a word: a number is written short and spoken long."""
    digits = sum(mark.isdigit() for mark in word.text)
    return max(0, word.start - digits * DIGIT_SAMPLES)


def filled(said: Hypothesis, place: Span, found: Hypothesis) -> tuple[Hypothesis, int]:
    """Put what was heard in a gap between the words around it, if it is sure enough.

    Args:
        said: what the window says, with its words.
        place: the gap, as `heard_again` gives it.
        found: what it says, with its words, counted from its start.

    Returns:
        What the window says now, and where to look for the next gap: behind what was found, which may
        have ended early in its turn. Always behind `place[0]`, so that looking comes to an end.
    """
    start, end = place
    if not _is_believed(found):
        return said, end
    before = [word for word in said.words if word.end <= start]
    drawn = [word for word in said.words if start <= word.start < end]
    behind = [word for word in said.words if word.start >= end]
    if len(before) + len(drawn) + len(behind) != len(said.words):
        return said, end
    new = [
        replace(word, start=start + word.start, end=min(end, start + word.end))
        for word in found.words
    ]
    if drawn and _is_alike(new[-len(drawn) :], drawn):
        new = _without_echo(before, new[: -len(drawn)], ())
        words = (*before, *new, *drawn, *behind)
    elif drawn and _is_alike(new[: len(drawn)], drawn):  # the text ended before the gap
        new = _without_echo(before, new, ())
        words = (*before, *new, *behind)
    else:
        new = _without_echo(before, new, behind)
        words = (*before, *_moved(drawn, before, start), *new, *behind)
    if not new:
        return said, end
    blank = " " if " ".join(word.text for word in said.words) == said.text else ""
    text = blank.join(word.text for word in words)
    return replace(said, text=text, words=words), max(new[-1].end, start + 1)


def _moved(drawn: Sequence[Word], before: Sequence[Word], end: int) -> list[Word]:
    """Give words the time just before a gap."""
    earliest = before[-1].end if before else 0
    start = max(earliest, end - len(drawn) * _DRAWN_WORD_SAMPLES)
    step = (end - start) // len(drawn) if drawn else 0
    return [
        replace(word, start=start + step * number, end=start + step * (number + 1))
        for number, word in enumerate(drawn)
    ]


def _is_alike(heard: Sequence[Word], before: Sequence[Word]) -> bool:
    """Whether two hearings, which may have letters wrong, are of the same words."""
    one, other = "".join(_plain(heard)), "".join(_plain(before))
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


def _is_believed(found: Hypothesis) -> bool:
    return (
        bool(found.words)
        and found.mean_log_probability > BELIEVED
        and found.no_speech_probability < BELIEVED_SPOKEN
    )


def _without_echo(
    before: Sequence[Word], new: Sequence[Word], behind: Sequence[Word]
) -> list[Word]:
    """Leave out what the words around the gap say already: its edges may hold a part of them."""
    kept = list(new)
    for count in range(min(_NEIGHBOURS, len(before), len(kept)), 0, -1):
        if _plain(before[-count:]) == _plain(kept[:count]):
            kept = kept[count:]
            break
    for count in range(min(_NEIGHBOURS, len(behind), len(kept)), 0, -1):
        if _plain(behind[:count]) == _plain(kept[-count:]):
            kept = kept[:-count]
            break
    return kept


def _plain(words: Sequence[Word]) -> list[str]:
    return ["".join(mark for mark in word.text.lower() if mark.isalnum()) for word in words]
