"""Text that nobody said: found by what was heard, not by the words alone.

Whisper writes fluent text on silence, noise and music. Each rule here needs evidence; a phrase is
dropped for its words only if nobody would dictate them. Order of the rules, first match wins:

    silence, steady      before decoding: nothing to hear, or a sound that never changes
    no_speech            improbable text in a window Whisper itself thinks silent
    credits, sound       «Редактор субтитров …», «СПОКОЙНАЯ МУЗЫКА»
    closing              «Продолжение следует», "Thanks for watching", if the evidence is weak
    stutter              «П-П-П-П», "Beep beep beep", if the evidence is weak
    prompt_echo          nothing but the user's terms, if the evidence is weak
    pace                 more letters than the audible part of the window has room for

Stutter and pace wait for the last pass: a loop in a short window looks the same, and the whole
window often has the text.

Voice activity detection stands before the recogniser (`service.dictation.endpointing`), so these
rules see what it let through: music, breath, keys, other people.
"""

import re
from dataclasses import dataclass
from typing import Final

from workers.recognition.captions import is_closing, is_credit, is_sound, plain, without_last_credit
from workers.recognition.loudness import Loudness

IMPROBABLE: Final = -1.0
SILENT: Final = 0.6
"""Whisper's own pair of thresholds (Radford et al. 2022, section 4.5)."""

SILENT_AT_LAST: Final = 0.3
HOPELESS: Final = -1.6
"""For the last pass of a window. Of 1,452 decodings of referenced clips the least probable, a word
misheard, has -1.57; most texts over noises that no other rule knows lie below (2026-11-21)."""

CLEAR: Final = -0.3
CLEARLY_SPOKEN: Final = 0.2
"""Evidence so strong that even a subtitle credit is believed: the median of honest clips is -0.13."""

DOUBTFUL: Final = -0.6
DOUBTFULLY_SPOKEN: Final = 0.4
"""Evidence too weak for a phrase that Whisper also writes by itself."""

_STUTTER: Final = re.compile(r"(.{1,8}?)\1{2,}")

LETTERS_PER_SECOND: Final = 40.0
"""Twice the pace of the fastest clips; closer limits lose numbers, which are written short or long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a window apart from its text."""

    loudness: Loudness
    mean_log_probability: float
    """Mean natural-log probability of the tokens."""
    no_speech_probability: float
    """0.0 to 1.0, Whisper's estimate that nobody speaks."""
    terms: tuple[str, ...] = ()
    """The hints the decoder was given."""
    last_pass: bool = False
    """No later pass will decode the window again."""

    @property
    def clear(self) -> bool:
        """Somebody spoke, and clearly."""
        return self.mean_log_probability > CLEAR and self.no_speech_probability < CLEARLY_SPOKEN

    @property
    def weak(self) -> bool:
        """It is open whether anybody spoke."""
        return (
            self.mean_log_probability < DOUBTFUL or self.no_speech_probability > DOUBTFULLY_SPOKEN
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is left of a text, and why something was dropped."""

    text: str
    rule: str | None = None
    """Name of the rule that emptied or cut the text; None when it stands."""


def nothing_to_hear(loudness: Loudness) -> str | None:
    """Name the rule that makes decoding a window pointless, or None."""
    if loudness.silent:
        return "silence"
    if loudness.steady:
        return "steady"
    return None


def judge(text: str, evidence: Evidence) -> Verdict:
    """Keep a text, cut it, or empty it."""
    if not plain(text):
        return Verdict(text="", rule="no_words" if text else None)
    rule = _rule_against(text, evidence)
    if rule is not None:
        return Verdict(text="", rule=rule)
    kept = without_last_credit(text)
    return Verdict(text=kept, rule="credits" if kept != text else None)


def _rule_against(text: str, evidence: Evidence) -> str | None:
    room = LETTERS_PER_SECOND * max(evidence.loudness.active_s, 0.25)
    rules = {
        "no_speech": nobody_spoke(evidence),
        "credits": not evidence.clear and is_credit(text),
        "sound": not evidence.clear and is_sound(text),
        "closing": evidence.weak and is_closing(text),
        "stutter": evidence.last_pass and evidence.weak and is_stutter(text),
        "prompt_echo": evidence.weak and is_echo(text, evidence.terms),
        "pace": evidence.last_pass and len(plain(text)) > room,
    }
    return next((rule for rule, holds in rules.items() if holds), None)


def nobody_spoke(evidence: Evidence) -> bool:
    """Weigh Whisper's estimate of silence with the probability of what it wrote."""
    improbable = evidence.mean_log_probability < IMPROBABLE
    if improbable and evidence.no_speech_probability > SILENT:
        return True
    if not evidence.last_pass:
        return False
    hopeless = evidence.mean_log_probability < HOPELESS
    return hopeless or (improbable and evidence.no_speech_probability > SILENT_AT_LAST)


def is_stutter(text: str) -> bool:
    """Say whether a text is one sound or short word three times in a row or more."""
    return _STUTTER.fullmatch(plain(text).replace(" ", "")) is not None


def is_echo(text: str, terms: tuple[str, ...]) -> bool:
    """Say whether a text holds nothing but the terms, or beginnings of them, in any order."""
    known = [word for term in terms for word in plain(term).split()]
    return bool(known) and all(
        any(term == word or (len(word) >= 3 and term.startswith(word)) for term in known)
        for word in plain(text).split()
    )
