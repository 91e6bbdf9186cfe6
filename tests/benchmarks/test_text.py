"""Scores of finished text: alignment, F1, case, word errors, intervals; and what is spoken."""

import dataclasses

import numpy as np
import pytest

from benchmarks.text_passages import (
    concatenated,
    for_choosing,
    for_reporting,
    hesitant,
    is_edited,
    passages,
    thoughts,
)
from benchmarks.text_report import markdown, summary, verdicts
from benchmarks.text_scores import bare, difference, rate, score, units
from benchmarks.text_served import Row
from workers.text.merging.letters import Case


def scored(text: str, reference: str, *, marks: bool = True, case: bool = True):
    return score(text, reference, marks=marks, is_cased=case)


def f1(name: str, text: str, reference: str) -> float | None:
    return rate(name, [scored(text, reference)])


def test_a_number_in_digits_is_the_words_it_stands_for_and_keeps_its_mark():
    found = units("Их 25, а не 1 250 000!")

    assert [unit.key for unit in found[:5]] == ["их", "двадцать", "пять", "а", "не"]
    assert [unit.mark for unit in found[:3]] == ["", "", ","]
    assert found[-1].mark == "!"
    assert {unit.case for unit in found[1:3]} == {Case.NONE}


def test_parts_of_a_compound_keep_their_case():
    assert [(unit.key, unit.case, unit.mark) for unit in units("Санкт-Петербург, ПИН-код.")] == [
        ("санкт", Case.TITLE, ""),
        ("петербург", Case.TITLE, ","),
        ("пин", Case.CAPITALS, ""),
        ("код", Case.SMALL, "."),
    ]


@pytest.mark.parametrize(
    ("name", "percent"),
    [("comma", 100 * 2 / 3), ("full stop", 0.0), ("question", 0.0), ("marks", 40.0)],
)
def test_f1_of_a_mark_is_over_right_written_and_wanted(name, percent):
    text = "Да, я знаю, что он там."  # one comma too many, a full stop for a question
    reference = "Да, я знаю что он там?"

    assert f1(name, text, reference) == pytest.approx(percent)


def test_a_mark_after_a_word_that_was_not_recognised_counts_for_nobody():
    assert f1("comma", "Он сказал да", "Он сказал, нет, да") == 0.0
    found = scored("Он сказал да", "Он сказал, нет, да")
    assert found.marks is not None
    assert found.marks.wanted[","] == 1


def test_case_is_scored_where_both_texts_have_the_word():
    found = scored("мы едем в москву завтра", "Мы поедем в Москву завтра")

    assert (found.case_right, found.case_words) == (2, 4)


def test_f1_of_capitals_is_over_right_written_and_wanted():
    found = [scored("Мы Едем в москву", "Мы едем в Москву")]

    assert rate("capitals", found) == pytest.approx(50.0)


def test_an_aim_beyond_a_hundred_percent_is_told():
    reference = " ".join(["Мы едем."] * 30)
    rows = [row(reference.replace("Мы", "мы", 1), reference, reference)]
    content = {"measured": "", "command": "", "server": "", "punctuation_model": "none"}

    told = markdown(content | {"clips": "", "passages": "", "summary": summary(rows)})

    assert "case ≥ +5: **not met** (no more than +1.7 is possible)" in told


def test_a_capital_at_a_number_in_digits_is_nobodys_fault():
    found = scored("25 человек", "Двадцать пять человек")

    assert (found.case_right, found.case_words) == (1, 1)
    assert found.edits == 0


def test_writing_a_number_is_no_word_error_where_numbers_are_alike():
    reference = "Встретимся двенадцатого марта"
    raw, finished = scored(reference, reference), scored("Встретимся 12 марта", reference)

    assert (raw.edits, finished.edits) == (0, 0)
    assert (raw.edits_as_written, finished.edits_as_written) == (0, 1)


def test_a_word_that_was_dropped_is_a_word_error():
    assert scored("Я пошёл домой", "Ну вот я пошёл домой").edits == 2


def test_marks_and_case_that_cannot_be_trusted_are_not_scored():
    found = [scored("Да, нет.", "Да нет", marks=False, case=False)]

    assert rate("marks", found) is None
    assert rate("case", found) is None
    assert rate("wer", found) == 0.0


def test_the_floor_has_neither_marks_nor_capitals():
    assert bare("«Да», — сказал он. PIN-код 25!") == "да сказал он pin-код 25"


def test_the_same_scores_always_give_the_same_interval_around_the_difference():
    better = [scored("Да, я тут.", "Да, я тут.") for _ in range(12)]
    worse = [scored("Да я тут." if n % 3 else "Да, я тут.", "Да, я тут.") for n in range(12)]

    first, again = (difference("comma", better, worse) for _ in range(2))

    assert first == again
    assert first is not None
    assert first.points == pytest.approx(100 - 100 * 2 * 4 / (4 + 12))
    assert 0 <= first.low < first.points < first.high <= 100


def test_equal_texts_differ_by_nothing_and_nothing_differs_from_nothing():
    same = [scored("Да, нет.", "Да, нет.")]
    found = difference("marks", same, same)

    assert found is not None
    assert (found.points, found.low, found.high) == (0, 0, 0)
    assert difference("question", same, same) is None


@pytest.mark.parametrize(
    ("reference", "is_whole"),
    [
        ("Нажмите 1.", True),
        ("«Да», сказал он.", True),
        ("новых", False),
        ("…ожидающих ответа", False),
        ("Конференция не может быть расширена", False),
    ],
)
def test_only_a_reference_with_a_capital_and_an_end_is_written_out(reference, is_whole):
    assert is_edited(reference) is is_whole


def test_no_clip_is_both_chosen_on_and_reported(clips):
    chosen, reported = for_choosing(clips), for_reporting(clips)

    assert {clip.name for clip in chosen}.isdisjoint(clip.name for clip in reported)
    assert len(chosen) + len(reported) == len(clips)


def test_pauses_of_readers_are_not_scored_as_commas(clips):
    whole = dataclasses.replace(clips[0], reference="Семь, лет.")
    prompt = dataclasses.replace(whole, group="asterisk")

    assert [(one.marks, one.case) for one in passages([whole, prompt])] == [
        (False, True),
        (True, True),
    ]


def test_pauses_to_think_are_put_where_a_clip_is_quiet_and_nothing_of_it_is_lost(clips):
    loud = np.random.default_rng(1).normal(0, 0.1, 16_000 * 11).astype(np.float32)
    for begin in (40_000, 120_000):
        loud[begin : begin + 2_000] *= 0.01
    spoken = dataclasses.replace(clips[0], samples=loud)
    short = dataclasses.replace(clips[0], samples=loud[:48_000])

    (passage,) = hesitant([spoken, short], 1.2)

    places = thoughts(loud)
    assert [round(place, -4) for place in places] == [40_000, 120_000]
    pause = round(1.2 * 16_000)
    assert len(passage.samples) == len(loud) + 2 * pause
    first = places[0]
    np.testing.assert_array_equal(passage.samples[:first], loud[:first])
    assert not passage.samples[first : first + pause].any()
    silent = [*range(first, first + pause), *range(places[1] + pause, places[1] + 2 * pause)]
    np.testing.assert_array_equal(np.delete(passage.samples, silent), loud)
    assert passage.reference == spoken.reference


def test_joined_clips_are_of_one_speaker_each_said_once_with_pauses(clips):
    said = [
        dataclasses.replace(clip, reference="Да.", speaker=f"voice {number % 2}")
        for number, clip in enumerate(clips)
    ]
    joined = concatenated([*said, dataclasses.replace(said[0], reference="да")], 3)

    names = [name for one in joined for name in one.name.split(" + ")]
    assert sorted(names) == sorted(clip.name for clip in said)
    speakers = {clip.name: clip.speaker for clip in said}
    for one in joined:
        parts = one.name.split(" + ")
        assert len({speakers[name] for name in parts}) == 1
        assert one.reference == " ".join(["Да."] * len(parts))
        spoken = sum(clip.duration_s for clip in said if clip.name in parts)
        assert 0.2 * (len(parts) - 1) <= one.duration_s - spoken <= 0.65 * (len(parts) - 1) + 1e-6
    again = concatenated(said, 3)
    assert [one.name for one in again] == [one.name for one in joined]


def row(raw: str, text: str, reference: str) -> Row:
    return Row(
        passage="a",
        group="asterisk",
        seconds=1.0,
        reference=reference,
        marks=True,
        case=True,
        utterances=1,
        raw=raw,
        text=text,
        stored=text,
    )


def test_aims_are_met_only_if_marks_and_case_rise_and_words_stay():
    good = row("да я тут", "Да, я тут.", "Да, я тут.")
    lost = row("да я тут", "Да, тут.", "Да, я тут.")

    assert verdicts({"summary": summary([good])}) == {"marks": True, "case": True, "wer": True}
    assert verdicts({"summary": summary([lost])})["wer"] is False
    assert verdicts({"summary": summary([row("Да.", "Да.", "Да.")])})["marks"] is False


def test_the_text_of_history_is_told_apart_where_sentences_were_joined_in_it():
    joined = dataclasses.replace(row("Да. Я тут.", "Да. Я тут.", "Да, я тут."), stored="Да, я тут.")
    content = dict.fromkeys(("measured", "command", "server", "punctuation_model"), "")
    content |= {"clips": "", "passages": "", "summary": summary([joined])}

    assert verdicts(content)["marks"] is False
    assert verdicts(content, "stored") == {"marks": True, "case": True, "wer": True}
    told = markdown(content)
    assert "finished, as in history: F1 of the three ≥ +5: met" in told
    assert "finished: F1 of the three ≥ +5: **not met**" in told
