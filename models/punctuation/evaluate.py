"""How good an exported model is, on text nobody learned from. Needs no torch."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from models.punctuation.corpus import SOURCES, Split, held_out, lowered, test_only, unmarked
from models.punctuation.exported import Answer, ExportedModel
from models.punctuation.labels import CASES, FULL_STOP, LOWER, MARKS, TITLE, UNKNOWN, Labelled
from models.punctuation.scores import Tally

MODERN: Final = ("dialogues", "business", "gsd", "pud", "taiga", "everyday")
"""Sets of today's Russian; the others are prose and plays of before 1928."""
COLUMNS: Final = ("set", "passage", "word", "mark", "answer", "probability", "case", "case_answer")

Passage = tuple[Labelled, ...]


def evaluate(model: ExportedModel, sets: dict[str, list[Passage]], raw: Path) -> dict[str, Tally]:
    """Score a model, and what no post-processing would give.

    Args:
        model: what to ask.
        sets: passages by the name of their set.
        raw: a TSV to write with every word, its labels and the answers.

    Returns:
        Scores by set; then of all modern sets, of all, and of two ways to do without a model:
        nothing at all, and a capital first and a full stop last.
    """
    tallies: dict[str, Tally] = {}
    nothing, edges = Tally(), Tally()
    with raw.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        rows.writerow(COLUMNS)
        for name, passages in sets.items():
            tally = tallies.setdefault(name, Tally())
            answers = model.answers([lowered(passage) for passage in passages])
            for number, (passage, answer) in enumerate(zip(passages, answers, strict=True)):
                _count(tally, passage, _best(answer))
                _count(nothing, passage, unmarked(passage))
                _count(edges, passage, _at_the_edges(passage))
                rows.writerows(_raw_rows(name, number, passage, answer))
    modern, everything = Tally(), Tally()
    for name, tally in tallies.items():
        everything += tally
        if name in MODERN:
            modern += tally
    return {
        **tallies,
        "modern": modern,
        "all": everything,
        "no post-processing": nothing,
        "capital first, full stop last": edges,
    }


def passages_to_test(texts: Path, split: Split) -> dict[str, list[Passage]]:
    """Give the held-out passages of every source, and for the test also the test-only files."""
    sets: dict[str, list[Passage]] = {}
    for source in SOURCES:
        found = list(held_out(source, texts, split))
        if found:
            sets[source.name] = found
    if split == "test":
        for name, passage in test_only(texts):
            sets.setdefault(name, []).append(passage)
    return sets


def _best(answer: Answer) -> list[tuple[int, int]]:
    marks, cases = answer.marks.argmax(-1), answer.cases.argmax(-1)
    return [(int(mark), int(case)) for mark, case in zip(marks, cases, strict=True)]


def _at_the_edges(passage: Passage) -> list[tuple[int, int]]:
    answers = unmarked(passage)
    answers[0] = (answers[0][0], TITLE)
    answers[-1] = (FULL_STOP, answers[-1][1])
    return answers


def _count(tally: Tally, passage: Passage, answers: Sequence[tuple[int, int]]) -> None:
    marks, cases = zip(*answers, strict=True)
    tally.add(([each.mark for each in passage], [each.case for each in passage]), (marks, cases))


def _raw_rows(
    name: str, number: int, passage: Passage, answer: Answer
) -> Iterator[tuple[str | int, ...]]:
    for each, (mark, case), chances in zip(passage, _best(answer), answer.marks, strict=True):
        meant = "" if each.case == UNKNOWN else CASES[each.case]
        probability = f"{float(np.max(chances)):.3f}"
        answered = MARKS[mark], probability, meant, CASES[case] if meant else CASES[LOWER]
        yield name, number, each.word, MARKS[each.mark], *answered
