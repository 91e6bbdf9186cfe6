import json
from pathlib import Path

import pytest

from workers.recognition.captions import is_closing, is_credit, is_sound, without_last_credit
from workers.recognition.hallucination import Evidence, is_echo, judge
from workers.recognition.loudness import Loudness

CASES = json.loads(
    (Path(__file__).parents[1] / "vectors" / "hallucinations.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_regression_set(case):
    evidence = Evidence(
        loudness=Loudness(
            peak_db=case["peak_db"],
            floor_db=case["floor_db"],
            active_s=case["active_s"],
            duration_s=case["duration_s"],
        ),
        mean_log_probability=case["mean_log_probability"],
        no_speech_probability=case["no_speech_probability"],
        terms=tuple(case["terms"]),
        last_pass=case["last_pass"],
    )

    verdict = judge(case["text"], evidence)

    assert (verdict.text, verdict.rule) == (case["kept"], case["rule"])


def test_the_regression_set_has_cases_to_drop_and_to_keep():
    kept = [case for case in CASES if case["kept"] == case["text"]]

    assert len(CASES) >= 60
    assert len(kept) >= 25
    assert {case["rule"] for case in CASES} == {
        None,
        "no_speech",
        "credits",
        "sound",
        "closing",
        "stutter",
        "prompt_echo",
        "pace",
        "no_words",
    }


def test_only_capitals_make_a_caption_of_a_sound():
    assert is_sound("СПОКОЙНАЯ МУЗЫКА")
    assert not is_sound("Спокойная музыка")
    assert not is_sound("МГУ")


def test_a_credit_in_the_middle_of_a_sentence_is_not_cut():
    said = "Я знаю, что субтитры сделал Иван и ещё трое."

    assert without_last_credit(said) == said


@pytest.mark.parametrize(
    "said",
    [
        "Субтитры",
        "Редактор",
        "Спасибо большое за отчёт",
        "Пока не знаю",
        "Thank you for the report",
    ],
)
def test_the_beginning_of_a_phrase_is_not_the_phrase(said):
    assert not is_credit(said)
    assert not is_closing(said)


def test_an_echo_holds_nothing_but_terms():
    terms = ("Кубернетес", "Чёрный ящик")

    assert is_echo("черный ящик, Кубернет", terms)
    assert not is_echo("чёрный кот", terms)
    assert not is_echo("Кубернетес", ())
