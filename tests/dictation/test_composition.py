"""The text of a session, put together of its finals."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.dictation.composition import Joint, composed, followed, joint, surviving
from workers.contract.finishing import Finished


@dataclass(frozen=True)
class Final:
    text: str
    glue: str = " "
    erase: int = 0


def said(before: str, finished: Finished, *, withheld: str = "") -> str:
    """What a session's text is after one more final."""
    how = joint(before, finished, withheld=withheld)
    return followed(before, Final(finished.text, how.glue, how.erase))


def test_finals_stand_apart_and_the_first_has_no_blank_before_it():
    assert composed([Final("Раз."), Final(""), Final("Два.")]) == "Раз. Два."


@pytest.mark.parametrize(
    ("before", "finished", "after"),
    [
        ("Купи хлеб.", Finished(text="Молоко."), "Купи хлеб. Молоко."),
        ("Купи хлеб", Finished(text=", молоко.", sticks=True), "Купи хлеб, молоко."),
        ("Купи хлеб.", Finished(text="\nМолоко.", sticks=True), "Купи хлеб.\nМолоко."),
        ("Купи хлеб.\n", Finished(text="Молоко."), "Купи хлеб.\nМолоко."),
        ("Он сказал «", Finished(text="да»."), "Он сказал «да»."),
        ("Купи хлеб. Позвони маме.", Finished(text="", undo=1), "Купи хлеб. Позвони"),
        ("Купи хлеб. Позвони маме.", Finished(text="", undo_sentences=1), "Купи хлеб."),
        ("Купи хлеб. Позвони", Finished(text="Молоко.", undo_sentences=1), "Купи хлеб. Молоко."),
        ("Купи хлеб.", Finished(text="Молоко.", undo_sentences=1), "Молоко."),
        ("Список:\nхлеб", Finished(text="сыр", undo=1), "Список:\nсыр"),
        ("Раз два", Finished(text="", undo=9), ""),
        ("", Finished(text="Раз.", undo=2, undo_sentences=3), "Раз."),
        ("Стоит 3,5 руб. Дорого!", Finished(text="", undo_sentences=1), "Стоит 3,5 руб."),
    ],
)
def test_a_final_follows_as_it_should(before: str, finished: Finished, after: str):
    assert said(before, finished) == after


@pytest.mark.parametrize(
    ("before", "is_small"),
    [
        ("Мы едем на", True),
        ("Кроме того,", True),
        ("Я думаю…", True),
        ("Я думаю...", True),
        ("Купить:", True),
        ("Мы приехали.", False),
        ("Мы приехали?", False),
        ("Он сказал «да»", False),
        ("Он сказал «", False),
        ("Мы едем на\n", False),
        ("", False),
    ],
)
def test_a_sentence_that_broke_off_goes_on_with_a_small_letter(before, is_small):
    goes_on = Finished(text="Вокзал.", small_inside=True)
    assert joint(before, goes_on).small is is_small
    assert not joint(before, Finished(text="Москва.")).small
    assert not joint("Привет", goes_on, withheld=".").small


def test_what_is_deleted_does_not_tell_whether_a_sentence_goes_on():
    assert joint("Мы едем. Домой", Finished(text="На вокзал.", undo=1, small_inside=True)) == Joint(
        erase=6
    )


def test_a_full_stop_that_a_chat_left_off_comes_back_when_more_follows():
    assert said("Привет", Finished(text="Как дела?"), withheld=".") == "Привет. Как дела?"
    assert said("Привет", Finished(text=", друг", sticks=True), withheld=".") == "Привет, друг"
    assert said("Привет", Finished(text="\nДруг", sticks=True), withheld=".") == "Привет.\nДруг"
    assert said("Привет мир", Finished(text="друг", undo=1), withheld=".") == "Привет друг"


VECTORS = json.loads((Path(__file__).parents[1] / "vectors/composition.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_that_clients_are_held_to_say_what_the_server_does(vector: dict[str, Any]):
    finals = [
        Final(one["text"], one.get("glue", " "), one.get("erase", 0)) for one in vector["finals"]
    ]
    text = ""
    for final in finals:
        text = followed(text, final)
    assert text == composed(finals) == vector["text"]


texts = st.text("аб .!\n«", max_size=12)


@example([Final("Раз"), Final("Два", glue=". "), Final("", erase=4)])
@given(
    st.lists(
        st.builds(
            Final,
            text=texts,
            glue=st.sampled_from([" ", "", ". "]),
            erase=st.integers(0, 25),
        ),
        max_size=8,
    )
)
def test_what_survives_makes_the_same_text(finals: list[Final]):
    left = surviving(finals)
    kept = [Final(text, final.glue) for text, final in zip(left, finals, strict=True)]
    assert composed(kept) == composed(finals)


@given(st.text("аб .!?\n»", max_size=40), st.integers(0, 5), st.integers(0, 4))
def test_only_the_end_of_a_text_is_erased(before: str, words: int, sentences: int):
    how = joint(before, Finished(text="", undo=words, undo_sentences=sentences))
    assert 0 <= how.erase <= len(before)
    if not words and not sentences:
        assert how == Joint(glue=how.glue)


def test_a_long_row_of_marks_is_read_once():
    before = "А" + "." * 200_000 + "б"  # with every start tried anew, minutes
    assert joint(before, Finished(text="", undo_sentences=1)).erase == len(before)


def test_many_finals_make_a_text_in_one_walk():
    assert len(composed([Final("а" * 100)] * 20_000)) == 20_000 * 101 - 1
