"""Scores of finished text against references, and how sure their differences are.

Words are compared in the spelling of `benchmarks.normalise`: numbers written out, marks and case
dropped. A mark is scored after a word, and case of a word, that both texts have at the same place;
a mark inside of what was not recognised counts for nobody. Case of digits is not scored.

Word errors are counted twice. *As written*: a number in digits is spelt out in the nominative, so that
«12 марта» for «двенадцатое марта» costs a word that nobody would call wrong. *Numbers alike*, the one
that is held against the aim: the reference and both texts go through the product's own number writing
first, so that what is left between the recogniser and the finished text are words that came or went.
A number that was written wrongly does not show there but in the first, and in the corpus of numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import jiwer
import numpy as np
import numpy.typing as npt

from benchmarks.normalise import normalise, unbroken, words
from benchmarks.text_marks import matched
from benchmarks.text_passages import LANGUAGE
from workers.text.merging.letters import Case, case_of
from workers.text.merging.marks import mark_of
from workers.text.numbers.rules import write_numbers
from workers.text.rubert.labels import MARKS
from workers.text.tokens import read, written

Numbers = npt.NDArray[np.float64]

SCORED: Final = {"comma": ",", "full stop": ".", "question": "?"}
"""Marks of the table; `marks` is these three as one kind, each right only where it is the same."""
RATES: Final = ("wer", "wer_as_written", *SCORED, "marks", "all_marks", "case", "capitals")
ROUNDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A word in the spelling in which words are compared."""

    key: str
    mark: str
    """After it; "": none."""
    case: Case


def units(text: str) -> list[Unit]:
    """Cut a text into comparable words; a number gives several, and its mark stands after the last."""
    found: list[Unit] = []
    for token in read(unbroken(text)):
        spelt = words(token.text, language=LANGUAGE)
        parts = [part for part in token.word.split("-") if words(part, language=LANGUAGE)]
        cases = [case_of(part) for part in parts]
        if len(cases) != len(spelt) or any(sign.isdigit() for sign in token.word):
            cases = [Case.NONE] * len(spelt)
        found += [Unit(key, "", case) for key, case in zip(spelt, cases, strict=True)]
        mark = mark_of(token.trail)
        if mark and found and (spelt or not found[-1].mark):
            found[-1] = Unit(found[-1].key, mark, found[-1].case)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Counts of one text, by mark."""

    right: Mapping[str, int]
    written: Mapping[str, int]
    wanted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a text got; counts, so that those of many can be summed."""

    edits: int
    words: int
    edits_as_written: int
    words_as_written: int
    marks: Marks | None
    """None: those of the reference cannot be scored."""
    case_right: int
    case_words: int
    capitals_right: int
    """Words with a capital in both texts; nine words of ten have none, and hide how these fare."""
    capitals: int
    """Words with a capital in the one text and in the other, added up."""


def score(text: str, reference: str, *, marks: bool, is_cased: bool) -> Score:
    """Hold a text against its reference.

    Args:
        text: as recognised, or finished.
        reference: as it should be.
        marks: whether the marks of the reference can be trusted.
        is_cased: whether its case can.
    """
    edits, count = _edits(_numbers_alike(text), _numbers_alike(reference))
    plain_edits, plain_count = _edits(text, reference)
    ours, theirs = units(text), units(reference)
    pairs = [
        (ours[place], theirs[other])
        for place, other in matched([unit.key for unit in ours], [unit.key for unit in theirs])
    ]
    cased = [
        (our.case, their.case)
        for our, their in pairs
        if is_cased and Case.NONE not in (our.case, their.case)
    ]
    return Score(
        edits=edits,
        words=count,
        edits_as_written=plain_edits,
        words_as_written=plain_count,
        marks=_marks([(our.mark, their.mark) for our, their in pairs]) if marks else None,
        case_right=sum(our is their for our, their in cased),
        case_words=len(cased),
        capitals_right=sum(Case.SMALL not in pair for pair in cased),
        capitals=sum(case is not Case.SMALL for pair in cased for case in pair),
    )


def bare(text: str) -> str:
    """Give a text as a recogniser without marks and capitals would: the floor of every score."""
    return " ".join(token.word.lower() for token in read(text) if token.word)


def _numbers_alike(text: str) -> str:
    return written(write_numbers(read(unbroken(text))))


def _edits(text: str, reference: str) -> tuple[int, int]:
    found = jiwer.process_words(
        normalise(reference, language=LANGUAGE), normalise(text, language=LANGUAGE)
    )
    edits = found.substitutions + found.deletions + found.insertions
    return edits, found.substitutions + found.deletions + found.hits


def _marks(pairs: Sequence[tuple[str, str]]) -> Marks:
    return Marks(
        right={mark: pairs.count((mark, mark)) for mark in MARKS if mark},
        written={mark: sum(ours == mark for ours, _ in pairs) for mark in MARKS if mark},
        wanted={mark: sum(theirs == mark for _, theirs in pairs) for mark in MARKS if mark},
    )


def rate(name: str, scores: Sequence[Score]) -> float | None:
    """Give one of `RATES` of many texts together, in percent; None: nothing to score."""
    above, below = _fractions(name, scores)
    return float(100.0 * above.sum() / below.sum()) if below.sum() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Between two texts of the same speech, in points; `low` to `high` is the 95 % interval."""

    points: float
    low: float
    high: float


def difference(
    name: str, ours: Sequence[Score], theirs: Sequence[Score], *, rounds: int = ROUNDS
) -> Difference | None:
    """Give the difference of a rate, ours minus theirs; None: nothing to score.

    Paired bootstrap over passages (Bisani and Ney 2004): both texts of a passage are drawn together,
    because its difficulty is shared. The same scores always give the same interval.

    Args:
        name: one of `RATES`.
        ours: scores of passages.
        theirs: of the same passages, in the same order.
        rounds: draws.
    """
    sides = [_fractions(name, ours), _fractions(name, theirs)]
    if any(below.sum() == 0 for _, below in sides):
        return None
    draws = np.random.default_rng(0).integers(len(ours), size=(rounds, len(ours)))

    def gap(choose: Callable[[Numbers], Numbers]) -> Numbers:
        rates = []
        for above, below in sides:
            sums = choose(below)
            rates.append(100.0 * choose(above) / np.where(sums, sums, np.nan))
        return rates[0] - rates[1]

    gaps = gap(lambda values: values[draws].sum(axis=1))
    low, high = np.nanpercentile(gaps, [2.5, 97.5])
    points = float(gap(lambda values: values.sum(keepdims=True))[0])
    return Difference(points=points, low=float(low), high=float(high))


def _fractions(name: str, scores: Sequence[Score]) -> tuple[Numbers, Numbers]:
    """Give numerators and denominators of a rate, one a text: sums of them are the rate of many."""
    pairs = [_fraction(name, one) for one in scores]
    return (
        np.array([above for above, _ in pairs], np.float64),
        np.array([below for _, below in pairs], np.float64),
    )


def _fraction(name: str, one: Score) -> tuple[int, int]:
    if name == "wer":
        return one.edits, one.words
    if name == "wer_as_written":
        return one.edits_as_written, one.words_as_written
    if name == "case":
        return one.case_right, one.case_words
    if name == "capitals":
        return 2 * one.capitals_right, one.capitals
    if one.marks is None:
        return 0, 0
    of_mark = {"marks": tuple(SCORED.values()), "all_marks": tuple(one.marks.right)}
    chosen = of_mark.get(name) or (SCORED[name],)
    right = sum(one.marks.right[mark] for mark in chosen)
    # F1 of counts that are summed first: 2 right / (written + wanted).
    return 2 * right, sum(one.marks.written[mark] + one.marks.wanted[mark] for mark in chosen)
