"""What the labels of one word come to, set against what the recogniser wrote and the thresholds."""

from typing import Final

from workers.text.merging.letters import Case, Script, case_of, in_case
from workers.text.merging.marks import ENDS
from workers.text.merging.thresholds import Thresholds
from workers.text.rubert.labels import CASES, MARKS, WordLabels

_SMALL: Final = CASES.index("lower")
_CAPITALS: Final = CASES.index("upper")
_CAPITALS_OF_BARE: Final = 0.7
"""How sure the model must be of «США» where the recogniser writes no case."""
_HEARD: Final = frozenset({"—", ":"})
"""Marks that a recogniser writes only where it heard them; of a dash there are often two."""
_SHARE: Final = {"?": 0.6, "!": 0.8, "…": 0.8}
"""How much of the likelihood that a sentence ends must be for an end that is more than a full stop, where the
recogniser writes no marks. The model learned from prose and plays, which shout and trail off; who dictates
seldom does."""
_NAME_AFTER_MARK: Final = 0.9
"""How sure the model must be of a name after a comma or dash of its own: it may have wavered between
that and the end of a sentence, and the capital is for its beginning."""


def small_probability(label: WordLabels) -> float:
    """Give how likely a word is written small."""
    return float(label.cases[_SMALL])


def end_probability(label: WordLabels) -> float:
    """Give how likely a sentence ends after a word."""
    return float(sum(label.marks[MARKS.index(mark)] for mark in ENDS))


def chosen_mark(
    written: str,
    label: WordLabels,
    limits: Thresholds | None,
    *,
    small_after: float | None,
    is_last: bool = False,
) -> str:
    """Give the mark after a word.

    Args:
        written: the recogniser's, as one of the labels.
        label: the model's.
        limits: None: the recogniser writes no marks at all, so the likeliest stands.
        small_after: how likely the next word is written small; None: there is no next word, or
            nobody can say, and then no end of a sentence is taken away…
        is_last: …but for the last word of a text: what breaks off there does not end.
    """
    likely = dict(zip(MARKS, label.marks.tolist(), strict=True))
    if not written:
        return _added(likely, limits)
    if limits is None or written in _HEARD:
        return written
    best = max(MARKS, key=likely.__getitem__)
    if written in ENDS and best in ENDS:
        return best if likely[best] >= limits.turn_end else written
    if written in ENDS and is_last:
        return _opened(written, best, label, limits)
    if written in ENDS:
        wanted = limits.open_asked if written in "?!" else limits.open_end
        opens = written != "!" and 1.0 - end_probability(label) >= wanted
        sure = small_after is not None and small_after >= limits.small_after_open
        return best if opens and sure else written
    wanted = limits.change if best else limits.drop
    ends_too_early = best in ENDS and end_probability(label) < limits.add_end
    return best if likely[best] >= wanted and not ends_too_early else written


def _opened(written: str, best: str, label: WordLabels, limits: Thresholds) -> str:
    """Give the mark after the last word, where the recogniser ended a sentence and the model does not."""
    if written not in ".…" or 1.0 - end_probability(label) < limits.open_last:
        return written
    return best if best == "," else ""


def _added(likely: dict[str, float], limits: Thresholds | None) -> str:
    """Give the mark where there is none. Ends count together: which one is the second question."""
    end = max(ENDS, key=likely.__getitem__)
    together = {mark: chance for mark, chance in likely.items() if mark not in ENDS}
    together[end] = sum(likely[mark] for mark in ENDS)
    if limits is None:
        best = max(together, key=together.__getitem__)
        is_voiced = best == end and end in _SHARE and likely[end] < _SHARE[end] * together[end]
        return "." if is_voiced else best
    del together[""]  # below a half a mark may still be worth more than none: that is measured
    best = max(together, key=together.__getitem__)
    wanted = limits.add_end if best == end else limits.add_other
    if best == ",":
        wanted = limits.add_comma
    return best if together[best] >= wanted else ""


def chosen_case(
    word: str,
    script: Script,
    label: WordLabels,
    limits: Thresholds | None,
    *,
    ended_before: float,
    after_mark: bool,
    capital_wanted: float,
) -> str:
    """Give a word inside a sentence in its case.

    Args:
        word: as the recogniser wrote it.
        script: of the word.
        label: the model's.
        limits: None: the recogniser writes no case at all, so the likeliest stands.
        ended_before: how likely the model holds it that a sentence ends before this word, where none
            does: that much of its wish for a capital is for the beginning of a sentence, not for a
            name.
        after_mark: whether a mark stands before this word that ends no sentence.
        capital_wanted: how sure the model must be that a capital goes.
    """
    now = case_of(word)
    if now not in {Case.SMALL, Case.TITLE}:
        return word
    small = small_probability(label)
    if script is not Script.CYRILLIC:
        return word
    capitals = float(label.cases[_CAPITALS])
    wanted = _CAPITALS_OF_BARE if limits is None else limits.capitals
    if len(word) > 1 and capitals >= wanted:
        return in_case(word, Case.CAPITALS)
    if now is Case.TITLE:
        return in_case(word, Case.SMALL) if small >= capital_wanted else word
    as_name = (1.0 - small - ended_before) / max(1.0 - ended_before, 1e-6)
    wanted_of_bare = _NAME_AFTER_MARK if after_mark else 0.5
    wanted = wanted_of_bare if limits is None else limits.title
    return in_case(word, Case.TITLE) if as_name >= wanted else word
