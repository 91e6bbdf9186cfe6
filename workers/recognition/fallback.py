"""When a hypothesis looks wrong, and how the window is decoded next.

A short encoder input sometimes makes Whisper miss the end and loop. Every pass is checked; one
that fails is decoded again in a later batch, a rung higher, so that nobody else waits for it:

    rung   0 short window, T=0    1 whole 30 s, T=0    2 T=0.2    3 T=0.4    then the best stands

(The temperatures are Whisper's, Radford et al. 2022, section 4.5; the whole window before them is
ours: performance notes, section 2.) Partials do not climb: they are cut to what is sane, because a
newer one follows within a second.
"""

import re
import zlib
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final

from workers.contract.audio import WINDOW_LIMIT_SAMPLES
from workers.contract.engine import Again, Outcome, Plan
from workers.contract.requests import Hypothesis, Priority, Request
from workers.recognition.alignment import Listening

COMPRESSION_LIMIT: Final = 2.4
LOG_PROBABILITY_LIMIT: Final = -1.0
"""Whisper's thresholds (Radford et al. 2022, section 4.5; openai/whisper's defaults)."""

_LOOP_IN_A_WORD: Final = re.compile(r"(.{1,6}?)\1{5,}")
"""A syllable six times in a row within one word."""

_FEW: Final = 3
"""Fewer words than that outside of a loop are no text that somebody said."""

AGREEMENT: Final = 0.8
"""Share of words two passes must have in common to be believed. Loops differ in length or reach the
cap; a menu that says «для …, нажмите …» nine times compresses like a loop and agrees to 0.95."""

TEMPERATURE_STEP: Final = 0.2
HIGHEST_TEMPERATURE: Final = 0.4
"""Whisper goes to 1.0; above 0.4 base writes fluent text nobody said, and each rung costs 30 s of
encoder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One pass over one window, as the guards see it."""

    hypothesis: Hypothesis
    reached_cap: bool
    """The decoder was stopped by the token cap, not by itself."""
    listening: Listening | None = None
    """Where the decoder listened, if it tells."""


def review(request: Request, plan: Plan, reading: Reading, best: Hypothesis | None) -> Outcome:
    """Accept a reading, or say how the window is decoded next.

    Args:
        request: the window's request.
        plan: the plan of this pass.
        reading: what this pass gave.
        best: the best hypothesis of earlier passes.

    Returns:
        A hypothesis to answer with, or `Again` with the next rung.
    """
    hypothesis = reading.hypothesis
    suspicion = suspect(plan, reading, best)
    if suspicion is None:
        return hypothesis
    if request.priority is Priority.PARTIAL:
        return cut_repetition(hypothesis, broken_off=reading.reached_cap)
    following = next_plan(plan)
    if following is None:
        kept = better(hypothesis, best)
        return cut_repetition(kept, broken_off=reading.reached_cap and kept is hypothesis)
    kept = better(_to_come_back_to(hypothesis) if reading.reached_cap else hypothesis, best)
    return Again(request=request.id, plan=following, reason=suspicion, best=kept)


def suspect(plan: Plan, reading: Reading, best: Hypothesis | None = None) -> str | None:
    """Name what looks wrong with a reading, or None.

    Two passes over different windows that agree are believed: somebody may really say a phrase
    three times. The rules for a repeated tail and for improbable text hold for short windows only:
    the whole window is what Whisper was trained on, and warmer passes over noise write fluent
    text nobody said.
    """
    hypothesis = reading.hypothesis
    text = hypothesis.text
    if reading.reached_cap:
        return "token_cap"
    if best is not None and _agree(best.text, text):
        return None
    if compression_ratio(text) > COMPRESSION_LIMIT:
        return "compression"
    if plan.window_samples < WINDOW_LIMIT_SAMPLES:
        if repeated_tail(_plain(text)) is not None:
            return "repetition"
        if hypothesis.mean_log_probability < LOG_PROBABILITY_LIMIT:
            return "log_probability"
    return None


def next_plan(plan: Plan) -> Plan | None:
    """Give the next rung of the ladder, or None at its top."""
    attempt = plan.attempt + 1
    if plan.window_samples < WINDOW_LIMIT_SAMPLES:
        return replace(plan, window_samples=WINDOW_LIMIT_SAMPLES, attempt=attempt)
    temperature = round(plan.temperature + TEMPERATURE_STEP, 1)
    if temperature > HIGHEST_TEMPERATURE:
        return None
    return replace(plan, beam=1, temperature=temperature, attempt=attempt)


def better(one: Hypothesis, other: Hypothesis | None) -> Hypothesis:
    """Choose what to fall back on: text before none, then text without a loop, then the more probable.

    Probability alone would choose the loop: inside one it is near certain (performance notes,
    section 2).
    """
    if other is None:
        return one
    return max(
        one,
        other,
        key=lambda it: (bool(it.text), not loops(it.text), it.mean_log_probability),
    )


def cut_repetition(hypothesis: Hypothesis, *, broken_off: bool = False) -> Hypothesis:
    """Keep one turn of a looping tail; text that does not loop is returned as it is.

    A loop without word boundaries («ааааа…», "R.I.R.I.R.I.") has no turn to keep: its word goes.

    Args:
        hypothesis: a text.
        broken_off: the token cap ended it, perhaps in the middle of a turn.
    """
    words = hypothesis.text.split()
    places = [
        place
        for place, word in enumerate(words)
        if _bare(word) and not _LOOP_IN_A_WORD.search(_bare(word))
    ]
    while (
        tail := repeated_tail(tuple(_bare(words[place]) for place in places), broken_off=broken_off)
    ) is not None:
        places = places[: len(places) - tail.period * (tail.times - 1) - tail.begun]
    text = " ".join(words[: places[-1] + 1]) if places else ""
    if compression_ratio(text) > COMPRESSION_LIMIT:
        text = ""
    if text == hypothesis.text:
        return hypothesis
    return replace(hypothesis, text=text, words=(), filtered="repetition")


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of its zlib form; honest speech stays below 2.4."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


@dataclass(frozen=True, slots=True)
class Tail:
    """How a text ends that says a phrase several times over."""

    period: int
    """Words in the phrase."""
    times: int
    """It is said in a row, whole."""
    begun: int = 0
    """Words of one more turn, at the very end, that the token cap broke off; the last may be half a word."""


def repeated_tail(words: tuple[str, ...], *, broken_off: bool = False) -> Tail | None:
    """Find a phrase the text ends with several times over.

    Args:
        words: lower case, without marks.
        broken_off: the token cap ended the text: the last turn need not be whole. Of a text that ended by itself
            it has to be: «ещё и ещё и ещё» is no loop.

    Returns:
        The shortest such phrase: any said three times or more, one of at least four words said twice, or, broken off,
        one of at least two words said twice and begun again; None when the tail does not repeat.
    """
    for period in range(1, len(words) // 2 + 1):
        most = period if broken_off and period > 1 else 0
        found = [
            tail
            for begun in range(most + 1)
            if (tail := _tail(words, period, begun)).times >= 3
            or (tail.times == 2 and (period >= 4 or begun))
        ]
        # «… потом и дальше потом и дал»: the turn begins with «и», though «потом и дал» fits as well.
        if found:
            return max(found, key=lambda it: (period * it.times + it.begun, it.times))
    return None


def _tail(words: tuple[str, ...], period: int, begun: int) -> Tail:
    """Count how often a phrase of so many words stands before so many that begin it again; 0: they do not."""
    end = len(words) - begun
    phrase = words[end - period : end]
    if not _begins(phrase, words[end:]):
        return Tail(period, 0, begun)
    times = 1
    while (start := end - period * (times + 1)) >= 0 and words[start : start + period] == phrase:
        times += 1
    return Tail(period, times, begun)


def _begins(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Say whether a phrase begins with these words, the last of them perhaps broken off."""
    if not words:
        return True
    *whole, last = words
    return phrase[: len(whole)] == tuple(whole) and phrase[len(whole)].startswith(last)


def loops(text: str) -> bool:
    """Say whether a text ends in a repetition or compresses like one."""
    repeats = repeated_tail(_plain(text)) is not None
    return repeats or compression_ratio(text) > COMPRESSION_LIMIT


def _to_come_back_to(capped: Hypothesis) -> Hypothesis:
    """Give what a pass that the token cap ended leaves for a later one to fall back on.

    A turn that breaks off goes: without it `loops` sees the loop. Where no more than a word or two stand outside of a
    loop that breaks off or has no words, nothing is left.
    """
    words = _plain(capped.text)
    tail = repeated_tail(words, broken_off=True)
    if tail is not None and not tail.begun:
        return capped
    head = words if tail is None else words[: len(words) - tail.period * tail.times - tail.begun]
    outside = [word for word in head if not _LOOP_IN_A_WORD.search(word)]
    if len(outside) < min(_FEW, len(words)):
        return replace(capped, text="", words=())
    return capped if tail is None else _without_last(capped, tail.begun)


def _without_last(hypothesis: Hypothesis, count: int) -> Hypothesis:
    """Take words from the end of a text; those without a letter or digit do not count."""
    words = hypothesis.text.split()
    places = [place for place, word in enumerate(words) if _bare(word)]
    return replace(hypothesis, text=" ".join(words[: places[-count]]), words=())


def _agree(one: str, other: str) -> bool:
    likeness = SequenceMatcher(None, _plain(one), _plain(other), autojunk=False).ratio()
    return likeness >= AGREEMENT


def _plain(text: str) -> tuple[str, ...]:
    return tuple(bare for word in text.split() if (bare := _bare(word)))


def _bare(word: str) -> str:
    return "".join(mark for mark in word.lower() if mark.isalnum())
