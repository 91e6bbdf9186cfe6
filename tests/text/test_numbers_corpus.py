"""What people dictate, and what a careful typist makes of it: tests/vectors/numbers_ru.tsv.

A line is what was said, what is to be written, what kind of number it has, and «held» if the rules
were not made with it in sight: every fifth of those that came before the rules. The later ones, faults
that were found and what surrounds them, came with the rules that mend them. Spoken and written are the same where the kind is «stays».
"""

from collections import defaultdict
from pathlib import Path

import pytest

from workers.text.numbers.rules import write_numbers
from workers.text.tokens import read, written

CORPUS = Path(__file__).parents[1] / "vectors" / "numbers_ru.tsv"
LEAST_EXACT = 0.97
BEFORE_THE_RULES = 833


def write(text):
    return written(write_numbers(read(text)))


@pytest.fixture(scope="module")
def lines():
    return [line.split("\t") for line in CORPUS.read_text("utf-8").splitlines()]


def test_the_corpus_is_large_and_consistent(lines):
    assert len(lines) >= 700
    assert len({spoken for spoken, *_ in lines}) == len(lines)
    stays = [line for line in lines if line[2] == "stays"]
    assert len(stays) >= 200
    assert all(spoken == expected for spoken, expected, *_ in stays)
    assert [place for place, line in enumerate(lines) if line[3] == "held"] == list(
        range(4, BEFORE_THE_RULES, 5)
    )


def test_numbers_are_written_as_a_careful_typist_would(lines):
    wrong = defaultdict(list)
    count = defaultdict(int)
    for spoken, expected, kind, _ in lines:
        count[kind] += 1
        if write(spoken) != expected:
            wrong[kind].append((spoken, write(spoken), expected))
    scores = {kind: 1 - len(wrong[kind]) / total for kind, total in count.items()}
    for kind, score in scores.items():
        print(f"{kind:10} {score:7.1%} of {count[kind]}", *wrong[kind], sep="\n  ")  # noqa: T201
    assert not wrong["stays"]
    assert {kind for kind, score in scores.items() if score < LEAST_EXACT} == set()


def test_finished_lines_do_not_change_again(lines):
    assert [line for line in lines if write(write(line[0])) != write(line[0])] == []
