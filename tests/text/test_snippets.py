"""A trigger said is its text inserted, with what it stands for filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.library.fields import VARIABLES, SnippetFields
from workers.contract.finishing import Marker, Moment, Snippet
from workers.text.snippets import (
    MOST_LETTERS,
    expand,
    indexed,
    placed,
)
from workers.text.tokens import read, written

SNIPPETS = indexed(
    [
        Snippet(trigger="моя почта", text="ivan@example.ru"),
        Snippet(trigger="Моя почта рабочая", text="ivan@work.example.ru"),
        Snippet(trigger="подпись", text="С уважением,\n  {name}\n"),
        Snippet(trigger="сегодняшняя дата", text="{date}, {time}"),
        Snippet(trigger="вставь буфер", text="[{clipboard}] {{и}} {cursor}!"),
        Snippet(trigger="моя почта", text="вторая с тем же словом"),
        Snippet(trigger="—", text="без слов"),
    ]
)
MOMENT = Moment(date="22 ноября", time="14:05", name="Иван")


def expanded(text):
    return placed(written(expand(read(text), SNIPPETS, MOMENT)))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Моя почта.", "ivan@example.ru"),
        ("Пиши на моя почта.", "Пиши на ivan@example.ru."),
        ("Моя, почта, пиши!", "ivan@example.ru, пиши!"),
        ("«Моя почта»", "«ivan@example.ru»"),
        ("моя почта рабочая или моя почта", "ivan@work.example.ru или ivan@example.ru"),
        ("Пока. Подпись.", "Пока. С уважением,\n  Иван\n"),
        ("Отчёт за сегодняшняя дата готов", "Отчёт за 22 ноября, 14:05 готов"),
        ("Моя новая почта.", "Моя новая почта."),
        ("подписью скрепили", "подписью скрепили"),
    ],
)
def test_a_trigger_becomes_its_text(said, wanted):
    assert expanded(said) == (wanted, ())


def test_places_for_the_client_are_told_by_their_offset():
    text, markers = expanded("Так: вставь буфер")
    assert text == "Так: [] {и} !"
    assert markers == (Marker("clipboard", 6), Marker("cursor", 12))


def test_all_variables_that_can_be_stored_are_known():
    assert set(VARIABLES) == {"date", "time", "name", "clipboard", "cursor"}
    text = SnippetFields(trigger="все", text="".join(f"{{{name}}}" for name in VARIABLES)).text
    filled = written(expand(read("все"), indexed([Snippet(trigger="все", text=text)]), MOMENT))
    assert "{" not in filled


def test_signs_of_places_in_a_stored_text_are_no_places():
    terms = indexed([Snippet(trigger="да", text="а\ufdd0б")])
    assert placed(written(expand(read("да"), terms, MOMENT))) == ("аб", ())


def test_a_text_grows_no_further_than_a_limit():
    long = indexed([Snippet(trigger="да", text="х" * 10_000)])
    result = written(expand(read("да " * 10_000), long, MOMENT))
    assert len(result) < MOST_LETTERS + 40_000
    assert result.endswith("да")


@given(st.lists(st.sampled_from("моя почта подпись, и Да.".split())).map(" ".join))
def test_words_that_are_no_trigger_stay(text):
    result, _ = expanded(text)
    assert result.count("Да.") == text.count("Да.")
