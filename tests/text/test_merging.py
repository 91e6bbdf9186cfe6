"""Labels of a model are merged into a text; the words and what the recogniser was sure of stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.text.merging.borders import borders, rejoined
from workers.text.merging.letters import Case, case_of, in_case
from workers.text.merging.marks import mark_of
from workers.text.merging.merge import first_inside, merge
from workers.text.merging.thresholds import NAMES, Thresholds, thresholds_of
from workers.text.punctuation import punctuated, transcript
from workers.text.rubert.labels import CASES, MARKS, WordLabels
from workers.text.tokens import Heard, read, written

CORPUS = Path(__file__).parents[1] / "vectors" / "text_merging.tsv"
SIGNS = "«»„“”\"'‘’()[]{}—–-"


def spread(likeliest: int, second: int, of: int, sure: float) -> np.ndarray:
    """Give one label so much and another the rest."""
    chances = np.zeros(of, np.float32)
    chances[likeliest], chances[second] = sure, 1 - sure
    return chances


def label(
    mark: str, case: Case, sure: float, *, or_mark: str | None = None, or_case: Case | None = None
) -> WordLabels:
    """Give a label, and what the model would say instead: what the recogniser wrote, if it differs."""
    if or_mark in {None, mark}:
        or_mark = "" if mark else "."
    names = [each.value if each and each.value in CASES else "lower" for each in (case, or_case)]
    if names[0] == names[1]:
        names[1] = "title" if names[0] == "lower" else "lower"
    return WordLabels(
        spread(MARKS.index(mark), MARKS.index(or_mark), len(MARKS), sure),
        spread(CASES.index(names[0]), CASES.index(names[1]), len(CASES), sure),
    )


def labelled(text: str, sure: float = 0.99, instead_of: str | None = None) -> list[WordLabels]:
    """Give the labels of a model that would write this text."""
    return [
        label(
            mark_of(token.trail),
            case_of(token.word),
            sure,
            or_mark=mark_of(old.trail),
            or_case=case_of(old.word),
        )
        for token, old in zip(read(text), read(instead_of or text), strict=True)
    ]


class Written:
    """A punctuator that wants to see one text, whatever words it is asked about."""

    name = "written"

    def __init__(self, text: str, sure: float = 0.99) -> None:
        self.known = {
            token.key: one for token, one in zip(read(text), labelled(text, sure), strict=True)
        }

    def label(self, texts):
        return [[self.known[word.lower().replace("ё", "е")] for word in text] for text in texts]


def cases() -> list[list[str]]:
    lines = CORPUS.read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(("recognised", "wanted", "sure", "expected"), cases())
def test_the_model_has_its_way_as_far_as_it_is_sure(recognised, wanted, sure, expected):
    assert written(merge(read(recognised), labelled(wanted, float(sure), recognised))) == expected


LABELS = st.builds(
    label,
    st.sampled_from(MARKS),
    st.sampled_from([Case(case) for case in CASES]),
    st.floats(0.2, 1),
)
_WORDS = """
и мы Москве США Наташа кто-то 3,5 iPhone GitHub docker «слово» (да) — ул. А. т.е. ß İ ŉ ǆ
слово, слово. слово? слово… слово!!! слово: .. ,, » « . слово— —слово 😀 \u200fשלום ё́
"""
TEXTS = st.lists(st.sampled_from(_WORDS.split()), max_size=14).map(" ".join) | st.text(max_size=40)


@given(TEXTS, st.data())
def test_the_words_stay_but_for_their_case_and_so_do_signs_and_times(text, data):
    tokens = tuple(
        replace(token, heard=Heard(start=place, end=place + 1, probability=1.0))
        for place, token in enumerate(read(text))
    )
    labels = data.draw(st.none() | st.lists(LABELS, min_size=len(tokens), max_size=len(tokens)))
    after = merge(tokens, labels)
    inside = first_inside(tokens, labels)
    assert inside.lower() == (tokens[0].word.lower() if tokens else "")
    assert [token.word.lower() for token in after] == [token.word.lower() for token in tokens]
    assert [token.heard for token in after] == [token.heard for token in tokens]
    for old, new in zip(tokens, after, strict=True):
        assert new.lead == old.lead
        had_dash = any(dash in old.trail for dash in "—–-")
        trail = new.trail if had_dash else new.trail.removesuffix(" —")  # the model's own
        assert [s for s in trail if s in SIGNS] == [s for s in old.trail if s in SIGNS]
    assert read(written(after)) == tuple(replace(token, heard=None) for token in after)


@given(TEXTS)
def test_a_model_that_wants_what_is_written_changes_little(text):
    once = merge(read(text), labelled(text))
    assert written(merge(once, labelled(written(once)))) == written(once)


@pytest.mark.parametrize(
    ("recognised", "expected"),
    [
        ("", ""),
        ("привет как дела", "привет как дела"),
        ("привет . как дела", "Привет. Как дела"),
        ("Да! — сказал он. и ушёл.", "Да! — сказал он. И ушёл."),
        ("Жду на ул. ленина… и всё.", "Жду на ул. ленина… и всё."),
        ("well . that is it", "well . that is it"),
    ],
)
def test_without_a_model_only_what_is_certain_is_repaired(recognised, expected):
    assert written(merge(read(recognised), None)) == expected


@pytest.mark.parametrize(
    ("small", "titled"),
    [
        ("киев", "Киев"),
        ("санкт-петербурге", "Санкт-Петербурге"),
        ("ростове-на-дону", "Ростове-на-Дону"),
        ("рио-де-жанейро", "Рио-де-Жанейро"),
        ("ростов-на-дону", "Ростов-на-Дону"),
        ("комсомольском-на-амуре", "Комсомольском-на-Амуре"),
        ("улан-удэ", "Улан-Удэ"),
        ("нью-дели", "Нью-Дели"),
        ("нью-орлеана", "Нью-Орлеана"),
        ("сан-паулу", "Сан-Паулу"),
        ("лас-пальмасе", "Лас-Пальмасе"),
        ("лос-анджелесом", "Лос-Анджелесом"),
        ("коста-рикой", "Коста-Рикой"),
        ("рио-гранде", "Рио-Гранде"),
        ("алма-ату", "Алма-Ату"),
        ("гусь-хрустального", "Гусь-Хрустального"),
        ("ханты-мансийске", "Ханты-Мансийске"),
        ("южно-сахалинский", "Южно-сахалинский"),
        ("переславль-залесский", "Переславль-Залесский"),
        ("петропавловску-камчатскому", "Петропавловску-Камчатскому"),
        ("нью-йоркский", "Нью-йоркский"),
        ("санкт-петербуржец", "Санкт-петербуржец"),
        ("улан-удэнцы", "Улан-удэнцы"),
        ("санкт-петербург-то", "Санкт-петербург-то"),
        ("ростов-то", "Ростов-то"),
        ("каменске-уральском", "Каменске-Уральском"),
        ("кто-то", "Кто-то"),
        ("ростовщик-кровопийца", "Ростовщик-кровопийца"),
        ("на-", "На-"),
        ("-нью", "-нью"),
    ],
)
def test_a_name_of_several_parts_has_a_capital_in_each(small, titled):
    assert in_case(small, Case.TITLE) == titled


@pytest.mark.parametrize(
    ("recognised", "model_says", "inside"),
    [
        ("И поели.", "и поели.", "и"),
        ("и поели.", "И поели.", "и"),
        ("и поели.", None, "и"),
        ("И поели.", None, "И"),
        ("Москва ждёт.", "Москва ждёт.", "Москва"),
        ("москва ждёт.", "Москва ждёт.", "москва"),
        ("и поели", "и поели", "и"),
        ("и поели", "И поели", "и"),
        ("москву на поезде", "Москву на поезде", "Москву"),
        ("про николая второго", "Про Николая Второго", "про"),
        ("Hello there.", "hello there.", "Hello"),
        ("", "", ""),
    ],
)
def test_the_first_word_has_another_case_where_a_text_goes_on_with_a_sentence(
    recognised, model_says, inside
):
    labels = None if model_says is None else labelled(model_says, instead_of=recognised)
    assert first_inside(read(recognised), labels) == inside


OPENING = Thresholds(open_last=0.95)


@pytest.mark.parametrize(
    ("recognised", "model_says", "sure", "merged"),
    [
        ("И тогда мы поехали на.", "И тогда мы поехали на", 0.97, "И тогда мы поехали на"),
        ("И тогда мы поехали на...", "И тогда мы поехали на", 0.97, "И тогда мы поехали на"),
        ("И тогда мы поехали на.", "И тогда мы поехали на", 0.9, "И тогда мы поехали на."),
        ("Я хочу, кроме того.", "Я хочу, кроме того,", 0.97, "Я хочу, кроме того,"),
        ("И тогда мы сказали.", "И тогда мы сказали:", 0.97, "И тогда мы сказали"),
        ("И тогда мы поехали?", "И тогда мы поехали", 0.97, "И тогда мы поехали?"),
        ("Это всё. И тогда.", "Это всё. И тогда", 0.97, "Это всё. И тогда."),
        ("Это всё. А потому что.", "Это всё. А потому что", 0.97, "Это всё. А потому что"),
        ("Потому что.", "Потому что", 0.97, "Потому что"),
        ("Встреча будет в пять.", "Встреча будет в пять", 0.97, "Встреча будет в пять."),
        ("Он живёт на улице Ленина, запятая.", "Он живёт на улице Ленина, запятая", 0.97,
         "Он живёт на улице Ленина, запятая."),
    ],
)  # fmt: skip
def test_what_breaks_off_at_the_end_of_a_text_does_not_end(recognised, model_says, sure, merged):
    labels = labelled(model_says, sure, recognised)
    assert written(merge(read(recognised), labels, OPENING)) == merged
    assert written(merge(read(recognised), labels)) == recognised  # nobody is so sure unasked


def test_labels_for_another_text_are_refused():
    with pytest.raises(ValueError, match="2 words"):
        merge(read("два слова"), labelled("одно"))


def test_a_batch_of_texts_is_labelled_at_once_and_foreign_ones_are_not_asked_about():
    texts = [read("привет как дела"), read("hello there"), (), read("хорошо спасибо")]
    punctuator = Written("Привет, как дела? Хорошо, спасибо!")
    assert [written(one.tokens) for one in punctuated(texts, punctuator)] == [
        "Привет, как дела?",
        "hello there",
        "",
        "Хорошо, спасибо!",
    ]
    alone = punctuated(texts, None)
    assert [written(one.tokens) for one in alone] == [written(text) for text in texts]
    assert [one.inside for one in alone] == ["привет", "hello", "", "хорошо"]


def test_long_texts_and_long_words_are_merged():
    words = ["слово"] * 10_000 + ["я" * 5_000]
    labels = [label("", Case.SMALL, 0.9)] * 5_000 + [label(",", Case.SMALL, 0.9)] * 5_001
    text = written(merge(read(" ".join(words)), labels))
    assert text.count(",") == 5_000  # none after the last word
    assert text.replace(",", "").lower() == " ".join(words)


@pytest.mark.parametrize(
    ("finals", "wanted", "stored"),
    [
        (
            ["Мы поехали.", "На вокзал к семи."],
            "Мы поехали на вокзал к семи.",
            ["Мы поехали", "на вокзал к семи."],
        ),
        (
            ["Я думаю.", "Что он прав."],
            "Я думаю, что он прав.",
            ["Я думаю,", "что он прав."],
        ),
        (["Ты идёшь?", "Или нет?"], "Ты идёшь или нет?", ["Ты идёшь?", "Или нет?"]),
        (["Едем в.", "Москву завтра."], "Едем в Москву завтра.", ["Едем в.", "Москву завтра."]),
        (["Едем", "В город."], "Едем в город.", ["Едем", "в город."]),
        (["Едем", "потом спим."], "Едем. Потом спим.", ["Едем.", "Потом спим."]),
        (["Да.", "", "Нет."], "Да, нет.", ["Да,", "", "нет."]),
        (
            ["Да.", "OK, let it be.", "Нет."],
            "Да ok let it be нет.",
            ["Да.", "OK, let it be.", "Нет."],
        ),
        (["Едем.", "Потом спим."], "Едем. Потом спим.", ["Едем.", "Потом спим."]),
    ],
)
def test_a_sentence_cut_by_a_pause_is_joined_for_the_transcript(finals, wanted, stored):
    rows = [read(final) for final in finals]
    assert [written(row) for row in transcript(rows, Written(wanted))] == stored
    assert [written(row) for row in transcript(rows, None)] == finals


def test_a_doubtful_border_stays():
    rows = [read("Мы поехали."), read("На вокзал.")]
    assert transcript(rows, Written("Мы поехали на вокзал.", 0.9)) == rows


def test_a_border_is_judged_by_the_words_on_both_sides_of_it():
    rows = [read(" ".join(["раз"] * 40)), read("два"), read(" ".join(["три"] * 40))]
    first, second = borders(rows)
    assert first.words == ("раз",) * 24 + ("два",) + ("три",) * 23
    assert (first.words[first.place], first.words[first.place + 1]) == ("раз", "два")
    assert (second.words[second.place], second.words[second.place + 1]) == ("два", "три")


@given(st.lists(TEXTS.map(read), max_size=4), st.data())
def test_joining_changes_no_word(rows, data):
    found = borders(rows)
    labels = [
        data.draw(st.lists(LABELS, min_size=len(one.words), max_size=len(one.words)))
        for one in found
    ]
    joined = rejoined(rows, found, labels)
    assert [[t.word.lower() for t in row] for row in joined] == [
        [t.word.lower() for t in row] for row in rows
    ]


def test_thresholds_are_probabilities_and_say_where_they_come_from():
    assert thresholds_of({}) == Thresholds()
    mine = thresholds_of({"add_comma": 0.4, "of_a_later_version": 7}, chosen_on="my clips")
    assert (mine.add_comma, mine.add_end, mine.chosen_on) == (0.4, Thresholds().add_end, "my clips")
    for name in NAMES:
        with pytest.raises(ValueError, match=name):
            thresholds_of({name: 1.5})


def test_a_full_stop_between_two_utterances_is_worth_less_than_one_within():
    limits = Thresholds(open_end=0.97, open_border=0.75)
    said, wanted = "Мы поехали. На вокзал.", "Мы поехали на вокзал."
    assert written(merge(read(said), labelled(wanted, 0.9, said), limits)) == said

    finals = [read("Мы поехали."), read("На вокзал.")]
    (border,) = borders(finals)
    cut = rejoined(finals, [border], [labelled(wanted, 0.9, said)], limits)
    assert [written(tokens) for tokens in cut] == ["Мы поехали", "на вокзал."]


@pytest.mark.parametrize(
    ("mark", "sure", "joined"),
    [
        ("?", 0.97, ["Если появятся вопросы,", "звоните мне."]),
        ("?", 0.9, ["Если появятся вопросы?", "Звоните мне."]),
        ("!", 0.97, ["Если появятся вопросы!", "Звоните мне."]),
    ],
)
def test_a_question_between_two_utterances_goes_where_the_model_is_all_but_sure(mark, sure, joined):
    limits = Thresholds(open_border=0.75, open_asked_border=0.95)
    first, second = f"Если появятся вопросы{mark}", "Звоните мне."
    labels = labelled("Если появятся вопросы, звоните мне.", sure, f"{first} {second}")
    assert written(merge(read(f"{first} {second}"), labels, limits)) == f"{first} {second}"

    finals = [read(first), read(second)]
    cut = rejoined(finals, borders(finals), [labels], limits)
    assert [written(tokens) for tokens in cut] == joined


def test_a_question_that_a_pause_cut_stays_one():
    limits = Thresholds(open_border=0.75, open_asked_border=0.95)
    finals = [read("Ты готов?"), read("К экзамену.")]
    labels = labelled("Ты готов к экзамену?", 0.97, "Ты готов? К экзамену.")

    cut = rejoined(finals, borders(finals), [labels], limits)

    assert [written(tokens) for tokens in cut] == ["Ты готов?", "К экзамену."]


def test_a_name_stays_one_where_a_text_goes_on_unless_the_model_is_all_but_sure():
    for sure, inside in ((0.85, "Светлане"), (0.95, "светлане")):
        labels = labelled("светлане.", sure, "Светлане.")
        assert first_inside(read("Светлане."), labels, Thresholds(small_after_open=0.6)) == inside
