"""How good answers are: F1 of each mark and each case, word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.punctuation.labels import CASES, MARKS, NONE, SENTENCE_ENDS, UNKNOWN

SENTENCE_END: Final = ".?!…"
"""Name of the score that asks only whether a sentence ends, not how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One label's score."""

    right: int
    answered: int
    """Times the model gave the label."""
    meant: int
    """Times the text has it."""

    @property
    def precision(self) -> float:
        """Share of the answers that are right, 0.0 to 1.0."""
        return self.right / self.answered if self.answered else 0.0

    @property
    def recall(self) -> float:
        """Share of the labels in the text that were found, 0.0 to 1.0."""
        return self.right / self.meant if self.meant else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.answered + self.meant
        return 2 * self.right / total if total else 0.0


class Tally:
    """Counts labels and answers of as many passages as are added."""

    def __init__(self) -> None:
        self._marks = np.zeros((len(MARKS), len(MARKS)), dtype=np.int64)
        self._cases = np.zeros((len(CASES), len(CASES)), dtype=np.int64)

    def add(
        self,
        meant: tuple[Sequence[int] | NDArray[np.generic], Sequence[int] | NDArray[np.generic]],
        answered: tuple[Sequence[int] | NDArray[np.generic], Sequence[int] | NDArray[np.generic]],
    ) -> None:
        """Count a passage: marks and cases as they are meant and as answered, word by word."""
        marks, cases = (np.asarray(each, dtype=np.int64) for each in meant)
        marks_given, cases_given = (np.asarray(each, dtype=np.int64) for each in answered)
        np.add.at(self._marks, (marks, marks_given), 1)
        known = cases != UNKNOWN
        np.add.at(self._cases, (cases[known], cases_given[known]), 1)

    @property
    def words(self) -> int:
        """Words counted."""
        return int(self._marks.sum())

    def marks(self) -> dict[str, Score]:
        """Give the score of each mark, no mark left out, and of `SENTENCE_END`."""
        scores = {
            mark: _score(self._marks, [number])
            for number, mark in enumerate(MARKS)
            if number != NONE
        }
        scores[SENTENCE_END] = _score(self._marks, sorted(SENTENCE_ENDS))
        return scores

    def cases(self) -> dict[str, Score]:
        """Give the score of each case."""
        return {case: _score(self._cases, [number]) for number, case in enumerate(CASES)}

    @property
    def case_macro(self) -> float:
        """Mean F1 of the cases that occur."""
        found = [each.f1 for each in self.cases().values() if each.meant]
        return sum(found) / len(found) if found else 0.0

    @property
    def main(self) -> float:
        """The one figure that training chooses by: mean of comma, full stop, question and case."""
        marks = self.marks()
        return (sum(marks[each].f1 for each in ",.?") + self.case_macro) / 4

    def row(self) -> dict[str, float | int]:
        """Give what a log or a table says of a set, F1 rounded to a thousandth."""
        figures: dict[str, float | int] = {"words": self.words}
        figures |= {mark: round(score.f1, 3) for mark, score in self.marks().items()}
        figures |= {case: round(score.f1, 3) for case, score in self.cases().items()}
        figures["case macro"] = round(self.case_macro, 3)
        figures["main"] = round(self.main, 3)
        return figures

    def __iadd__(self, other: "Tally") -> "Tally":
        self._marks += other._marks
        self._cases += other._cases
        return self


def _score(confusion: NDArray[np.int64], labels: list[int]) -> Score:
    return Score(
        right=int(confusion[np.ix_(labels, labels)].sum()),
        answered=int(confusion[:, labels].sum()),
        meant=int(confusion[labels].sum()),
    )


def table(rows: dict[str, Tally]) -> str:
    """Write scores as a Markdown table: a row for each set, F1 in per cent."""
    marks = [*MARKS[1:], SENTENCE_END]
    head = ["set", "words", *marks, "case", *CASES]
    lines = [head, ["---"] * len(head)]
    for name, tally in rows.items():
        by_mark, by_case = tally.marks(), tally.cases()
        cells = [_percent(by_mark[each]) for each in marks]
        cells.append(f"{100 * tally.case_macro:.1f}")
        cells += [_percent(by_case[each]) for each in CASES]
        lines.append([name, f"{tally.words:,}", *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _percent(score: Score) -> str:
    return f"{100 * score.f1:.1f}" if score.meant else "–"
