"""Finals cut into subtitles that can be read: short lines, sensible breaks, enough time.

Limits are those of Netflix' Timed Text Style Guide (general requirements, 2024): at most two lines
of 42 characters, 5/6 s to 7 s on screen. A subtitle ends, in this order: where it would be too
long, at the end of a sentence, at a pause.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from service.formats.speech import Utterance

LINE_CHARACTERS: Final = 42
LONGEST_S: Final = 7.0
SHORTEST_S: Final = 5 / 6
PAUSE_S: Final = 0.8
"""A silence that is a break in the speech and not a breath (our choice, 2026-11)."""
SENTENCE_S: Final = 1.5
"""Sentences shorter than this share a subtitle with the next one: it would only flash."""

_SENTENCE_ENDS: Final = (".", "!", "?", "…")
_CLAUSE_ENDS: Final = (",", ";", ":", "—", *_SENTENCE_ENDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtitle:
    """Something to show for a while."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    """One or two, each at most 42 characters."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start_s: float
    end_s: float


def subtitles(finals: Iterable[Utterance], *, sample_rate: int) -> list[Subtitle]:
    """Cut finals into subtitles, in order, that never overlap.

    Args:
        finals: in the order of the speech; positions in samples of `sample_rate`.
        sample_rate: hertz.
    """
    cues: list[list[_Token]] = []
    for final in finals:
        cues += _cues(list(_tokens(final, sample_rate)))
    shown: list[Subtitle] = []
    for index, cue in enumerate(cues):
        start = max(cue[0].start_s, shown[-1].end_s if shown else 0.0)
        latest = cues[index + 1][0].start_s if index + 1 < len(cues) else float("inf")
        end = max(cue[-1].end_s, min(start + SHORTEST_S, latest), start + 0.001)
        end = min(end, start + LONGEST_S)
        lines = _lines([token.text for token in cue]) or (" ".join(t.text for t in cue),)
        shown.append(Subtitle(start_s=round(start, 3), end_s=round(end, 3), lines=lines))
    return shown


def _tokens(final: Utterance, rate: int) -> Iterator[_Token]:
    """Give the words of the finished text with their times.

    The text pipeline may join or add words («двадцать пять» becomes «25»). Where the words no
    longer match one to one, time is shared out by length.
    """
    words = final.text.split()
    if len(words) == len(final.words):
        for text, word in zip(words, final.words, strict=True):
            for piece in _pieces(text):
                yield _Token(piece, word.start / rate, word.end / rate)
        return
    characters = sum(len(word) for word in words)
    start, length = final.start / rate, (final.end - final.start) / rate
    passed = 0
    for text in words:
        begin = start + length * passed / characters
        passed += len(text)
        for piece in _pieces(text):
            yield _Token(piece, begin, start + length * passed / characters)


def _pieces(word: str) -> Iterator[str]:
    """Cut what no line can hold (addresses, mostly)."""
    for first in range(0, len(word), LINE_CHARACTERS):
        yield word[first : first + LINE_CHARACTERS]


def _cues(tokens: list[_Token]) -> Iterator[list[_Token]]:
    while tokens:
        count = _fitting(tokens)
        if count < len(tokens):
            count = _break_before(tokens, count)
        yield tokens[:count]
        tokens = tokens[count:]


def _fitting(tokens: list[_Token]) -> int:
    """Give how many of the first tokens make one subtitle; at least 1."""
    for count in range(1, len(tokens)):
        last, following = tokens[count - 1], tokens[count]
        if following.start_s - last.end_s >= PAUSE_S:
            return count
        spoken_s = last.end_s - tokens[0].start_s
        if spoken_s >= SENTENCE_S and last.text.endswith(_SENTENCE_ENDS):
            return count
        too_late = following.end_s - tokens[0].start_s > LONGEST_S
        if too_late or _lines([token.text for token in tokens[: count + 1]]) is None:
            return count
    return len(tokens)


def _break_before(tokens: list[_Token], count: int) -> int:
    """Move a break back to the last comma in the second half, if there is one."""
    for earlier in range(count, count // 2, -1):
        if tokens[earlier - 1].text.endswith(_CLAUSE_ENDS):
            return earlier
    return count


def _lines(words: list[str]) -> tuple[str, ...] | None:
    """Lay words out on one line, or on two as even as can be; None when they do not fit."""
    whole = " ".join(words)
    if len(whole) <= LINE_CHARACTERS:
        return (whole,)
    layouts = [
        (upper, lower)
        for cut in range(1, len(words))
        if len(upper := " ".join(words[:cut])) <= LINE_CHARACTERS
        and len(lower := " ".join(words[cut:])) <= LINE_CHARACTERS
    ]
    return min(layouts, key=lambda two: abs(len(two[0]) - len(two[1])), default=None)
