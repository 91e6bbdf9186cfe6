"""Numbers said in words are written in digits, and nothing else changes."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.words import Word
from workers.text.numbers.numerals import NUMERALS, Rank
from workers.text.numbers.rules import write_numbers
from workers.text.tokens import as_words, heard, read, written

BESIDE = (
    "и или до по на в с без из запятая точка плюс дробь целых половиной процентов процента часов "
    "часа час минут января мая года году годов век веков дом номер код телефон версия рублей метра "
    "квадратных литра тысяч миллионов раз счетом утра дня числа половине Пётр Первый Windows полтора "
    "двадцать-тридцать ноль-ноль три-ноль пять-шесть 5 25 2000 8 +7 912 123 45 67 рад семья , "
    "обновись увеличь цену"
).split()
TAKEN = frozenset(
    "и с запятая точка плюс дробь целых половиной процентов процента часов часа час минут тысяч "
    "миллионов полтора двадцать-тридцать ноль-ноль три-ноль пять-шесть на 8 +7 912 123 45 67 5 25 "
    "2000 рублей литра метра".split()
)
"""What can become a part of a number in digits, or takes another form after one."""
SPOKEN = st.lists(
    st.tuples(
        st.sampled_from([*NUMERALS]) | st.sampled_from(BESIDE),
        st.sampled_from(["", "", "", ",", ".", "»"]),
    ).map("".join),
    max_size=14,
).map(" ".join)


def spoken(text):
    return written(write_numbers(read(text)))


@given(SPOKEN)
def test_words_that_are_no_numbers_stay_in_their_order(text):
    kept = [
        token.word for token in read(text) if token.key not in NUMERALS and token.key not in TAKEN
    ]
    after = iter([token.word for token in write_numbers(read(text))])
    assert all(word in after for word in kept)


@given(SPOKEN)
def test_what_is_written_does_not_change_when_it_is_read_again(text):
    assert spoken(spoken(text)) == spoken(text)


@given(SPOKEN)
def test_merged_words_span_the_time_of_what_they_were_made_of(text):
    tokens = read(text)
    words = [
        Word(text=token.text, start=10 * place, end=10 * place + 10, probability=1.0)
        for place, token in enumerate(tokens)
    ]
    timed = as_words(write_numbers(heard(tokens, words)))
    edges = [0, *(word.end for word in timed)]
    assert [word.start for word in timed] == edges[:-1]
    assert edges[-1] == 10 * len(tokens) or not timed


@given(st.text(max_size=80))
def test_texts_without_numerals_stay_as_they_are(text):
    if not any(token.key in NUMERALS for token in read(text)):
        assert spoken(text) == written(read(text))


@pytest.mark.parametrize("ends", [". ", "? ", "! ", "… ", ", ", " — ", "; "])
def test_marks_part_numbers(ends):
    assert spoken(f"Нас двадцать{ends}Пять рублей.") == f"Нас 20{ends}5 рублей."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Сапоги за три пятьсот.", "Сапоги за 3500."),
        ("Рост метр восемьдесят.", "Рост метр восемьдесят."),
        ("Ехали час двадцать минут.", "Ехали час 20 минут."),
        ("Встретимся в 17 тридцать.", "Встретимся в 17:30."),
        ("Номер карты сорок два семьдесят шесть ноль ноль.", "Номер карты 427600."),
        ("Отпустите на три дня.", "Отпустите на три дня."),
        ("Приду часу в одиннадцатом.", "Приду часу в одиннадцатом."),
        ("В первые века нашей эры.", "В первые века нашей эры."),
        ("Билет за четыре-пятьдесят.", "Билет за четыре-пятьдесят."),
        ("Отойди в семь-сорок.", "Отойди в 7:40."),
        ("Враг номер один в кабинете номер один.", "Враг номер один в кабинете номер 1."),
    ],
)
def test_what_was_once_written_wrong(text, expected):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Дата между первым и пятнадцатым числом.", "Дата между 1-м и 15-м числом."),
        ("В восьмом, девятом и десятом классах.", "В 8-м, 9-м и 10-м классах."),
        ("Двенадцатый и пятый вагоны.", "12-й и 5-й вагоны."),
        ("Приеду девятого или десятого.", "Приеду 9-го или 10-го."),
        ("Купи пять, десять или двадцать штук.", "Купи 5, 10 или 20 штук."),
        ("Первый, второй и третий подъезды.", "Первый, второй и третий подъезды."),
        ("Два, три или пять штук.", "Два, три или пять штук."),
        ("Мне сорок, два брата и сестра.", "Мне 40, два брата и сестра."),
    ],
)
def test_numbers_of_one_series_are_all_in_digits_or_all_in_words(text, expected):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Сумма равна одной двенадцатой от годовой.", "Сумма равна 1/12 от годовой."),
        ("Он съел одну двенадцатую пирога.", "Он съел 1/12 пирога."),
        ("Учится в одной двенадцатой школе.", "Учится в одной двенадцатой школе."),
        ("Менее одной двенадцатой.", "Менее одной двенадцатой."),
    ],
)
def test_one_part_of_many_is_never_half_in_digits(text, expected):
    assert spoken(text) == expected


CARDINALS = [
    form
    for form, numeral in NUMERALS.items()
    if numeral.nominative and not numeral.is_ordinal and numeral.rank is not Rank.SCALE
]


@given(
    st.sampled_from(
        ["", "за ", "в ", "завтра ", "вес ", "дом ", "телефон ", "поезд ", "обновись до "]
    ),
    st.lists(st.sampled_from(CARDINALS), min_size=1, max_size=7),
    st.sampled_from(["", " рублей", " человек", " утра", " процентов", " и ушёл"]),
)
def test_a_run_of_numerals_is_understood_whole_or_stays_words(before, run, after):
    said = f"{before}{' '.join(run)}{after}"
    left = [token.key for token in read(spoken(said)) if token.key in NUMERALS]
    assert left in ([], run)


def test_outer_marks_stay():
    assert spoken("(двадцать пять), «сорок»!") == "(25), «40»!"


@pytest.mark.parametrize(
    "unit",
    [
        "один",
        "двадцать пять",
        "ноль",
        "сто тысяч",
        "пять миллионов",
        "один два три четыре пять шесть семь",
        "первый и",
        "с пятого по",
        "пять запятая ноль",
        "сто точка",
        "двадцать десять",
        "девять, восемь,",
        "тысяча",
        "номер",
        "без двадцати",
        "двадцать-тридцать",
        "семь сорок,",
        "семь сорок, восемь,",
        "восемь ноль пять и",
        "сто двадцать-",
        "три на",
        "начало первого",
        "конец первого и",
        "пять, десять,",
        "два ноль пять и",
        "пять на",
        "пять — десять",
        "сорок и",
        "обновись с три одиннадцать на",
        "обновись, восемь девятьсот,",
        "от двух с половиной до",
    ],
)
def test_work_grows_with_the_length_of_the_text_only(unit):
    def work(words):
        """Count the calls, of Python and of C."""
        tokens = read(" ".join([unit] * (words // len(unit.split()))))
        calls = 0

        def counted(_frame, event, _what):
            nonlocal calls
            calls += event in {"call", "c_call"}

        before = sys.getprofile()
        sys.setprofile(counted)
        try:
            write_numbers(tokens)
        finally:
            sys.setprofile(before)
        return calls

    assert work(2_000) < 5.2 * work(400) + 1_000
