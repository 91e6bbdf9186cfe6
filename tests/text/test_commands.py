"""Commands are carried out; the same words in running speech stay words."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.spoken import pairs, with_times
from workers.text.commands.obeying import obey
from workers.text.commands.table import COMMANDS, NAMES, PHRASES, Effect
from workers.text.tokens import read, written

ROOT = Path(__file__).parents[2]
PAIRS = pairs("commands_ru.tsv")


def obeyed(text, **options):
    return written(obey(read(text), **options).tokens)


def test_almost_all_of_the_corpus_comes_out_exactly():
    demanded = [(said, wanted) for said, wanted in PAIRS if wanted != "="]
    wrong = [(said, obeyed(said), wanted) for said, wanted in demanded if obeyed(said) != wanted]
    assert len(demanded) >= 100
    assert len(wrong) <= 0.03 * len(demanded), wrong


@pytest.mark.parametrize("text", [said for said, wanted in PAIRS if wanted == "="])
def test_a_command_word_in_running_speech_stays_a_word(text):
    assert obeyed(text) == text


def test_the_corpora_have_the_size_that_was_promised():
    fillers = (ROOT / "tests/vectors/fillers_ru.tsv").read_text("utf-8").splitlines()
    lines = [line for line in fillers if line and not line.startswith("#")]
    kept = sum(line.endswith("\t=") for line in lines) + sum(pair[1] == "=" for pair in PAIRS)
    assert len(lines) + len(PAIRS) - kept >= 200
    assert kept >= 100


def test_a_pause_makes_a_command_where_no_mark_does():
    said = "список новая строка молоко"
    assert written(obey(with_times(said, {1, 3})).tokens) == "список\nМолоко"
    assert written(obey(with_times(said, set())).tokens) == said


@pytest.mark.parametrize(
    ("said", "pauses"),
    [
        ("надо отменить", {1}),
        ("Пришли отчёт. Надо отменить.", {3}),
        ("отмени встречу", {1}),
        ("Пришли отчёт. Отмени встречу.", {2, 3}),
        ("удали последнее фото", {2}),
        ("Мы ждём. Удали последнее слово из списка.", {2, 5}),
    ],
)
def test_a_pause_inside_a_sentence_deletes_nothing(said, pauses):
    result = obey(with_times(said, pauses))
    assert (written(result.tokens), result.undo, result.undo_sentences) == (said, 0, 0)


def test_where_no_marks_are_a_pause_sets_off_what_deletes_if_nothing_can_belong_to_it():
    said = "мы ждём удали последнее слово спим"
    assert written(obey(with_times(said, {2, 5})).tokens) == "мы спим"
    assert written(obey(with_times(said, {2})).tokens) == said


def test_a_capital_inside_a_sentence_makes_a_name_though_there_are_pauses():
    said = "в банке Точка работает"
    assert written(obey(with_times(said, {2, 3})).tokens) == said


def test_a_pause_after_a_dash_does_not_take_it_away():
    assert written(obey(with_times("москва тире столица", {2})).tokens) == "москва — столица"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_that_is_off_leaves_its_words(command):
    text = f"Мы идём. {command.russian[0].capitalize()}. Потом спим."
    assert obeyed(text, off={command.name}) == text


def _with_its_half(command, phrase):
    kind, _, what = command.name.partition("_")
    other = "close" if kind == "open" else "open"
    half = next(each for each in COMMANDS if each.name == f"{other}_{what}").russian[0]
    said = (phrase, half) if kind == "open" else (half, phrase)
    return f"один, {said[0]}, два, {said[1]}, три"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_phrase_of_the_table_can_be_obeyed(command):
    for phrase in (*command.russian, *command.english):
        text = (
            f"мы ждём. {phrase}. Два"
            if "delete" in command.effect.value
            else f"один, {phrase}, два"
        )
        if command.name == "undo":
            text = f"мы ждём. {phrase}. Два"
        if command.effect in (Effect.OPEN, Effect.CLOSE):
            text = _with_its_half(command, phrase)
        assert obeyed(text) != text, phrase


def test_what_cannot_be_deleted_here_is_counted():
    result = obey(read("Удали последнее слово. Удали последнее слово. Отмени. Привет."))
    assert (written(result.tokens), result.undo, result.undo_sentences) == ("Привет.", 2, 1)


@pytest.mark.parametrize(
    ("text", "sticks"),
    [("Точка.", True), ("Новая строка.", True), ("Закрыть скобку.", True), ("Привет.", False)],
)
def test_a_text_that_begins_with_a_mark_sticks_to_what_came_before(text, sticks):
    assert obey(read(text)).sticks is sticks


def test_the_page_lists_the_commands_as_they_are():
    page = (ROOT / "docs/text_commands.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z_]+)` \|([^|\n]*)\|([^|\n]*)\|.+\|$", page, re.MULTILINE)
    assert [
        (name, tuple(re.findall(r"«([^»]+)»", russian)), tuple(re.findall(r"“([^”]+)”", english)))
        for name, russian, english in listed
    ] == [(command.name, command.russian, command.english) for command in COMMANDS]
    assert len(NAMES) == len(COMMANDS)


WORDS = [word for phrases in PHRASES.values() for phrase in phrases for word in phrase.words]
ROW = st.lists(st.sampled_from([*WORDS, "привет", "Иван", "да.", "и", "нет,", "😀"]), max_size=30)


@given(ROW.map(" ".join))
def test_words_of_no_command_are_kept_unless_they_are_deleted(text):
    off = {"delete_word", "delete_sentence", "undo"}
    result = obeyed(text, off=off).lower()
    for word in ("привет", "иван", "😀"):
        assert result.count(word) == text.lower().split().count(word)


@pytest.mark.parametrize(
    "word", ["точка", "запятая,", "капсом", "Открыть кавычки.", "дефис", "Отмени.", "х", "тире"]
)
def test_long_rows_of_commands_are_no_trouble(word):
    obey(read(" ".join(["слово", word] * 5_000)))
    obey(read(" ".join([word] * 5_000)))


def test_words_keep_their_times_and_a_joined_word_has_those_of_its_parts():
    tokens = with_times("кто дефис нибудь дома точка", {4})
    who, home = obey(tokens).tokens
    assert (who.word, who.heard.start, who.heard.end) == (
        "кто-нибудь",
        tokens[0].heard.start,
        tokens[2].heard.end,
    )
    assert (home.text, home.heard) == ("дома.", tokens[3].heard)
