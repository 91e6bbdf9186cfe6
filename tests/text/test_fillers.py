"""What only fills a pause goes; what means something stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.spoken import pairs, with_times
from workers.text.fillers import leave_out_fillers
from workers.text.restarts import leave_out_restarts
from workers.text.tokens import Heard, read, written

PAIRS = pairs("fillers_ru.tsv")


def cleaned(text):
    return written(leave_out_restarts(leave_out_fillers(read(text), "ru")))


def test_almost_all_of_the_corpus_comes_out_exactly():
    demanded = [(said, wanted) for said, wanted in PAIRS if wanted != "="]
    wrong = [(said, cleaned(said), wanted) for said, wanted in demanded if cleaned(said) != wanted]
    assert len(demanded) >= 110
    assert len(wrong) <= 0.03 * len(demanded), wrong


@pytest.mark.parametrize("text", [said for said, wanted in PAIRS if wanted == "="])
def test_words_that_mean_something_stay(text):
    assert cleaned(text) == text


def test_a_pause_sets_a_filler_off_where_no_mark_does():
    assert written(leave_out_fillers(with_times("он типа обиделся", {1, 2}))) == "он обиделся"
    assert written(leave_out_fillers(with_times("он типа обиделся", {1}))) == "он типа обиделся"


@pytest.mark.parametrize(
    ("text", "pauses", "wanted"),
    [
        ("он придёт эм в пять", {2, 3}, "он придёт в пять"),
        ("он придёт эм в пять", {2}, "он придёт эм в пять"),
        ("болт эм двенадцать", {1}, "болт эм двенадцать"),
        ("болт эм двенадцать", {2}, "болт эм двенадцать"),
        ("тогда э-э эм я пойду", set(), "тогда я пойду"),
    ],
)
def test_pauses_on_both_sides_tell_a_hesitation_from_a_letter(text, pauses, wanted):
    assert written(leave_out_fillers(with_times(text, pauses))) == wanted


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("Um, I think so.", "en", "I think so."),
        ("I, uh, think so.", "en", "I think so."),
        ("It was, you know, fine.", "en", "It was fine."),
        ("Do you know him?", "en", "Do you know him?"),
        ("As you know, it rains.", "en", "As you know, it rains."),
        ("Uh-huh, that is so.", "en", "Uh-huh, that is so."),
        ("Um 5 Uhr.", "de", "Um 5 Uhr."),
        ("I I saw the the cat.", "en", "I saw the cat."),
    ],
)
def test_english_fillers_go_in_english_only(text, language, wanted):
    assert written(leave_out_restarts(leave_out_fillers(read(text), language))) == wanted


def test_a_word_said_twice_keeps_the_time_of_both():
    once = leave_out_restarts(with_times("я я пошёл", set()))
    assert once[0].heard == Heard(start=320, end=10_240, probability=0.9)


WORDS = "э-э ну вот как бы типа короче я мы в магазин да Да эм Эм по- «ну» э, ну, вот. я… — ммм"
ROW = st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join)


@given(ROW)
def test_nothing_is_added_and_words_keep_their_order(text):
    left = iter(token.key for token in read(text))
    assert all(token.key in left for token in leave_out_restarts(leave_out_fillers(read(text))))


@given(ROW)
def test_no_comma_is_left_alone(text):
    result = written(leave_out_fillers(read(text)))
    assert ",," not in result
    assert not result.startswith(",")


@pytest.mark.parametrize("word", ["э", "ну,", "я", "а-", "по-", "э-э,", "ммм"])
def test_long_rows_of_fillers_are_no_trouble(word):
    tokens = read(" ".join([word] * 10_000))
    assert len(leave_out_restarts(leave_out_fillers(tokens))) <= len(tokens)
    leave_out_restarts(leave_out_fillers(read(word * 3_000)))
