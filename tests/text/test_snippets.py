"""A trigger said is its text inserted, with what it stands for filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.library.fields import VARIABLES, SnippetFields
from workers.contract.finishing import Marker, Moment, Snippet
from workers.text.numbers.rules import write_numbers
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
        Snippet(trigger="почта пятнадцать", text="p15@example.ru"),
        Snippet(trigger="подпись 2", text="С ув., И."),
        Snippet(trigger="подпись два нуля", text="00"),
        Snippet(trigger="код семь семь", text="K"),
        Snippet(trigger="дата двадцать пятое января", text="25.01"),
        Snippet(trigger="шаблон сто двадцать пять", text="Ш-125"),
        Snippet(trigger="лимит десять тысяч", text="Л"),
        Snippet(trigger="пятнадцатый шаблон", text="Ш-15"),
        Snippet(trigger="сорок два", text="ответ"),
        Snippet(trigger="линк", text="https://example.ru/a?b=1."),
        Snippet(trigger="день рождения", text="5 мая 1990 г."),
        Snippet(trigger="привет всем", text="Всем привет от меня."),
    ]
)
MOMENT = Moment(date="22 ноября", time="14:05", name="Иван")


def expanded(text):
    return placed(written(expand(read(text), SNIPPETS, MOMENT)))


@pytest.mark.parametrize(
    ("text", "without", "with_name"),
    [
        ("С уважением, {name}", "С уважением", "С уважением, Иван"),
        ("С уважением,\n{name}", "С уважением", "С уважением,\nИван"),
        ("Коллеги!\n{name}, отдел", "Коллеги!\nотдел", "Коллеги!\nИван, отдел"),
        ("Это {name} из банка", "Это из банка", "Это Иван из банка"),
        ("{name}\nдиректор", "директор", "Иван\nдиректор"),
        (
            "С уважением,\n{name}\nдиректор",
            "С уважением,\nдиректор",
            "С уважением,\nИван\nдиректор",
        ),
        ("Я, {name}, прошу", "Я, прошу", "Я, Иван, прошу"),
        ("{name}, здравствуйте", "здравствуйте", "Иван, здравствуйте"),
        ("Меня зовут {name}.", "Меня зовут.", "Меня зовут Иван."),
        ("код {{name}}", "код {name}", "код {name}"),
    ],
)
def test_where_nobody_has_a_name_what_went_with_it_goes_too(text, without, with_name):
    snippets = indexed([Snippet(trigger="вставка", text=text)])
    for name, wanted in (("", without), ("Иван", with_name)):
        moment = Moment(date="", time="", name=name)
        assert written(expand(read("Вставка."), snippets, moment)) == wanted


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


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Почта пятнадцать.", "p15@example.ru"),
        ("Пиши на почта пятнадцать.", "Пиши на p15@example.ru."),
        ("Пиши на почта 15.", "Пиши на p15@example.ru."),
        ("Подпись два.", "С ув., И."),
        ("Подпись 2.", "С ув., И."),
        ("Вот код семь семь.", "Вот K."),
        ("дата двадцать пятое января подходит", "25.01 подходит"),
        ("дай шаблон сто двадцать пять", "дай Ш-125"),
        ("лимит десять тысяч исчерпан", "Л исчерпан"),
        ("пятнадцатый шаблон", "Ш-15"),
        ("Это сорок два.", "Это ответ."),
    ],
)
@pytest.mark.parametrize("spelt", [write_numbers, tuple], ids=["in digits", "in words"])
def test_a_trigger_with_a_number_is_known_in_words_and_in_digits(said, wanted, spelt):
    assert written(expand(spelt(read(said)), SNIPPETS, MOMENT)) == wanted


@pytest.mark.parametrize("said", ["почта двадцать пять", "шаблон сто двадцать", "сорок три", "оба"])
def test_another_number_is_another_trigger(said):
    spelt = write_numbers(read(said))
    assert expand(spelt, SNIPPETS, MOMENT) == spelt


def test_a_number_in_a_case_of_its_own_counts_something_and_is_no_name():
    two = indexed([Snippet(trigger="подпись 2", text="С ув., И.")])
    assert (
        written(expand(read("подпись двух свидетелей"), two, MOMENT)) == "подпись двух свидетелей"
    )


def test_of_triggers_that_differ_by_digits_and_words_each_keeps_its_own():
    both = indexed([Snippet(trigger="код 15", text="А"), Snippet(trigger="код сорок", text="Б")])
    said = read("код пятнадцать и код 40 и код 15 и код сорок")
    assert written(expand(said, both, MOMENT)) == "А и Б и А и Б"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Зайди на линк, там всё", "Зайди на https://example.ru/a?b=1., там всё"),
        ("Зайди на линк — там всё", "Зайди на https://example.ru/a?b=1. — там всё"),
        ("Зайди на линк. Там всё", "Зайди на https://example.ru/a?b=1. Там всё"),
        ("Знаешь «линк»?", "Знаешь «https://example.ru/a?b=1.»?"),
        ("Он родился день рождения, в среду", "Он родился 5 мая 1990 г., в среду"),
        ("Он родился день рождения.", "Он родился 5 мая 1990 г."),
        ("Он родился день рождения?", "Он родился 5 мая 1990 г.?"),
        ("Пишу: привет всем, и ухожу", "Пишу: Всем привет от меня. и ухожу"),
    ],
)
def test_a_full_stop_at_the_end_of_a_text_takes_the_place_of_a_full_stop_only(said, wanted):
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
