"""Thresholds are chosen by what they come to on recognised speech."""

import pytest

from benchmarks.text_marks import agreement
from benchmarks.text_thresholds import Example, choose, merged, report
from tests.text.test_merging import labelled
from workers.text.merging.merge import CAREFUL
from workers.text.tokens import read


def example(recognised: str, model_says: str, sure: float, reference: str) -> Example:
    return Example(
        recognised=read(recognised),
        labels=labelled(model_says, sure, recognised),
        reference=read(reference),
    )


RIGHT = "Я знаю, что ты прав."
PLAIN = "Я знаю что ты прав."


def test_a_model_that_is_right_when_half_sure_is_trusted_when_half_sure():
    timid = [example(PLAIN, RIGHT, 0.42, RIGHT)] * 3
    chosen = choose(timid, chosen_on="three clips")
    assert 0.3 <= chosen.add_comma <= 0.42
    assert merged(timid, chosen).score == 1.0
    assert chosen.chosen_on == "three clips"


def test_a_model_that_is_wrong_when_sure_is_not_believed():
    bold = [example(PLAIN, RIGHT, 0.92, PLAIN), example(PLAIN, RIGHT, 0.98, RIGHT)]
    chosen = choose(bold, chosen_on="two clips")
    assert 0.92 < chosen.add_comma <= 0.98
    assert merged(bold, chosen).score == 1.0


def test_what_makes_no_difference_becomes_as_careful_as_can_be():
    chosen = choose([example(RIGHT, RIGHT, 0.99, RIGHT)], chosen_on="one clip")
    assert chosen.open_end == chosen.drop == 1.0


def test_only_words_that_were_recognised_are_compared():
    found = agreement([(read("Он Сказал. нет"), read("Он, сказал: да!"))])
    assert (found.marks[","].wanted, found.marks[":"].wanted, found.marks["!"].wanted) == (1, 1, 0)
    assert (found.marks["."].written, found.together.right) == (1, 0)
    assert (found.case_right, found.case_words) == (1, 2)


def test_a_report_sets_the_merge_beside_the_recogniser_alone():
    lines = report([example(PLAIN, RIGHT, 0.9, RIGHT)], CAREFUL).splitlines()
    assert lines[0].startswith("recogniser alone: marks 0.667")
    assert lines[1].startswith("merged: marks 1.000, case 1.000")


@pytest.mark.parametrize("pairs", [[], [((), ())]])
def test_nothing_agrees_with_nothing(pairs):
    assert agreement(pairs).score == 1.0
