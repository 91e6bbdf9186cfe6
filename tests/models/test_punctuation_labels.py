"""Written text into words with labels, and what a recogniser does to them."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.punctuation.corpus import (
    BLOCK_LINES,
    SOURCES,
    blocks,
    lines_of,
    passages,
    split_of,
    without_captions,
)
from models.punctuation.labels import CASES, MARKS, UNKNOWN, Labelled, labelled
from models.punctuation.noise import disturbed, spelled, varied


def shown(line):
    """A line as «word+mark/case» for each word."""
    return [
        f"{each.word}{MARKS[each.mark]}/{'-' if each.case == UNKNOWN else CASES[each.case][0]}"
        for each in labelled(line)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Да, конечно.", ["Да,/t", "конечно./l"]),
        ("— Это ты? — спросил он.", ["Это/t", "ты?/l", "спросил/l", "он./l"]),
        ("Мой брат — инженер", ["Мой/t", "брат—/l", "инженер/l"]),
        ("Мой брат - инженер", ["Мой/t", "брат—/l", "инженер/l"]),
        ("Что?! Не может быть!..", ["Что?/t", "Не/t", "может/l", "быть!/l"]),
        ("Ну... ладно", ["Ну…/t", "ладно/l"]),
        ("Он сказал: «Иди», — и ушёл.", ["Он/t", "сказал:/l", "Иди,/t", "и/l", "ушёл./l"]),
        ("В 2019 году США и iPhone", ["В/t", "2019/-", "году/l", "США/u", "и/l", "iPhone/-"]),
        ("Кто-то пришёл; Я молчу", ["Кто-то/t", "пришёл;/l", "Я/t", "молчу/l"]),
        ("Акт (второй экземпляр), счёт", ["Акт,/t", "счёт/l"]),
    ],
)
def test_marks_and_case_are_read_from_written_text(line, expected):
    assert shown(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "ГЛАВА ПЕРВАЯ",
        "Главная книга > Настройка",
        "см. https://example.org/a",
        "a_b = c",
        "нет пары (скобок",
        "… — !",
        "",
    ],
)
def test_what_nobody_says_is_not_learned_from(line):
    assert labelled(line) == ()


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_mark_left_on_a_word(line):
    for each in labelled(line):
        assert each.word
        assert each.word.strip(".,!?…:;—") == each.word
        assert 0 <= each.mark < len(MARKS)


def test_names_of_buttons_do_not_teach_capitals():
    words = labelled("В поле Код выберите Excel. Готово.")

    cases = [each.case for each in without_captions(words)]

    assert cases == [
        CASES.index("title"),
        CASES.index("lower"),
        UNKNOWN,
        CASES.index("lower"),
        CASES.index("title"),
        CASES.index("title"),
    ]


def test_the_same_lines_are_held_out_on_every_machine():
    lines = [f"Строка номер {number}." for number in range(BLOCK_LINES * 2000)]

    splits = [split_of(block) for block in blocks(lines)]

    assert splits[:3] == [
        split_of(tuple(f"{line}\n" for line in block)) for block in list(blocks(lines))[:3]
    ]
    assert 10 <= splits.count("test") <= 32
    assert 10 <= splits.count("validation") <= 32


def test_shares_of_the_sources_are_a_whole():
    assert sum(source.share for source in SOURCES) == pytest.approx(1)


def test_our_own_letters_and_messages_have_every_mark(tmp_path):
    ours = next(source for source in SOURCES if source.is_ours)

    words = [word for line in lines_of(ours, tmp_path) for word in labelled(line)]

    assert len(words) > 3500
    assert {MARKS[each.mark] for each in words} == set(MARKS)
    assert {each.case for each in words} == {0, 1, 2, UNKNOWN}


def test_passages_are_long_enough_and_lose_no_word():
    lines = [
        tuple(Labelled(f"w{line}-{word}", 0, 0) for word in range(line))
        for line in range(1, 200, 9)
    ]

    joined = list(passages(lines))

    assert [word for passage in joined for word in passage] == [
        word for line in lines for word in line
    ]
    assert all(len(passage) >= 60 for passage in joined[:-1])
    assert max(map(len, joined)) < 180


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "ноль"),
        (7, "семь"),
        (25, "двадцать пять"),
        (112, "сто двенадцать"),
        (1000, "одна тысяча"),
        (2345, "две тысячи триста сорок пять"),
        (811_011, "восемьсот одиннадцать тысяч одиннадцать"),
        (1_000_000, ""),
    ],
)
def test_numbers_are_spelled(number, expected):
    assert " ".join(spelled(number)) == expected


def test_a_number_in_other_form_keeps_the_mark_at_its_end():
    said = {
        tuple(
            (each.word, MARKS[each.mark])
            for each in varied(labelled("Мне 25, ему 30."), random.Random(seed))
        )
        for seed in range(40)
    }

    assert (("Мне", ""), ("двадцать", ""), ("пять", ","), ("ему", ""), ("30", ".")) in said
    assert (("Мне", ""), ("25", ","), ("ему", ""), ("30", ".")) in said


def test_a_lost_word_leaves_its_mark_and_its_capital():
    words = np.arange(4000, dtype=np.int32)
    marks = np.full(4000, MARKS.index("."), dtype=np.uint8)
    marks[::2] = 0
    cases = np.where(marks == 0, CASES.index("title"), CASES.index("lower")).astype(np.uint8)

    kept, kept_marks, kept_cases = disturbed(words, marks, cases, np.random.default_rng(1))

    assert len(kept) == len(kept_marks) == len(kept_cases)
    lost = set(range(4000)) - set(kept.tolist())
    assert 20 < len(lost) < 60
    for word in sorted(lost):
        if word % 2 == 1 and word - 1 not in lost:  # an end of a sentence: its full stop moves back
            assert kept_marks[np.flatnonzero(kept == word - 1)[-1]] == MARKS.index(".")
        if word % 2 == 0 and word + 1 not in lost:  # a beginning: its capital moves on
            assert kept_cases[np.flatnonzero(kept == word + 1)[0]] == CASES.index("title")
    doubled = np.flatnonzero(kept[1:] == kept[:-1])
    assert len(doubled) > 5
    assert not kept_marks[doubled].any()
