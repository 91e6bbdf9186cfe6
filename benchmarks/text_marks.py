"""How well marks and case of a text agree with a reference: F1 of marks, share of right case.

Recognised and reference text may differ in words. Only words that stand in both, in the same order,
are compared; a mark after a word that was not recognised counts for nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from workers.text.merging.letters import Case, case_of
from workers.text.merging.marks import mark_of
from workers.text.rubert.labels import MARKS
from workers.text.tokens import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one mark."""

    right: int = 0
    written: int = 0
    wanted: int = 0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1.0 where nothing was written or wanted."""
        both = self.written + self.wanted
        return 2 * self.right / both if both else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of texts with their references."""

    marks: Mapping[str, Counts]
    """By mark, without "no mark"."""
    case_right: int
    case_words: int
    """Words with letters that have a case."""

    @property
    def together(self) -> Counts:
        """All marks as if they were one kind, each right only where it is the same mark."""
        return Counts(
            right=sum(counts.right for counts in self.marks.values()),
            written=sum(counts.written for counts in self.marks.values()),
            wanted=sum(counts.wanted for counts in self.marks.values()),
        )

    @property
    def case(self) -> float:
        """Share of words in the right case; 1.0 where there are none."""
        return self.case_right / self.case_words if self.case_words else 1.0

    @property
    def score(self) -> float:
        """What thresholds are chosen by, 0.0 to 1.0: marks and case weigh the same."""
        return (self.together.f1 + self.case) / 2


def agreement(pairs: Iterable[tuple[Sequence[Token], Sequence[Token]]]) -> Agreement:
    """Compare texts with their references.

    Args:
        pairs: the text as written, and as it should be.
    """
    right, written, wanted = ({mark: 0 for mark in MARKS if mark} for _ in range(3))
    case_right = case_words = 0
    for text, reference in pairs:
        for ours, theirs in common(text, reference):
            mark, true_mark = mark_of(ours.trail), mark_of(theirs.trail)
            if mark:
                written[mark] += 1
            if true_mark:
                wanted[true_mark] += 1
                right[true_mark] += mark == true_mark
            if case_of(theirs.word) is not Case.NONE:
                case_words += 1
                case_right += ours.word == theirs.word or case_of(ours.word) is case_of(theirs.word)
    return Agreement(
        marks={
            mark: Counts(right=right[mark], written=written[mark], wanted=wanted[mark])
            for mark in right
        },
        case_right=case_right,
        case_words=case_words,
    )


def common(text: Sequence[Token], reference: Sequence[Token]) -> Iterable[tuple[Token, Token]]:
    """Give the words that both texts have, in order."""
    for ours, theirs in matched([token.key for token in text], [token.key for token in reference]):
        yield text[ours], reference[theirs]


def matched(text: Sequence[str], reference: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Give the places of the words that both have, in order: in the one and in the other."""
    if text == reference:
        yield from ((place, place) for place in range(len(text)))
        return
    for block in SequenceMatcher(None, text, reference, autojunk=False).get_matching_blocks():
        for place in range(block.size):
            yield block.a + place, block.b + place
