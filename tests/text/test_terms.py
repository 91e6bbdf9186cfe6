"""What sounds like a person's term is written as it; other words are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.spoken import pairs
from workers.contract.finishing import Term
from workers.text.terms.dictionary import indexed
from workers.text.terms.endings import declined
from workers.text.terms.sounds import readings
from workers.text.terms.writing import write_terms
from workers.text.tokens import read, written

PAIRS = pairs("terms_ru.tsv")
TERMS = indexed(
    [
        Term(term="Kubernetes"),
        Term(term="Альфавойс"),
        Term(term="GitHub"),
        Term(term="GPT API", sounds_like=("джи питч эй пи ай", "джипити апи")),
        Term(term="GPT"),
        Term(term="Docker"),
        Term(term="PostgreSQL", sounds_like=("постгрес", "постгре эс кью эль")),
        Term(term="Grafana"),
        Term(term="Python", sounds_like=("питон",)),
        Term(term="Jira"),
        Term(term="Visual Studio Code"),
        Term(term="дейлик"),
        Term(term="Красная Площадь"),
        Term(term="Алёна"),
        Term(term="Telegram"),
        Term(term="СберМаркет"),
        Term(term="МИД", is_case_sensitive=True),
        Term(term="Slack"),
        Term(term="Figma"),
        Term(term="Gesellschaft", sounds_like=("гезельшафт",), language="de"),
    ]
)


def with_terms(text, language="ru"):
    return written(write_terms(read(text), TERMS, language))


@pytest.mark.parametrize(("said", "wanted"), PAIRS)
def test_terms_are_written_and_nothing_else(said, wanted):
    assert with_terms(said) == (said if wanted == "=" else wanted)


NAMES = indexed(
    [
        Term(term="Анна-Мария Ковач"),
        Term(term="Ростов-на-Дону"),
        Term(term="Система Город"),
        Term(term="Ева-Мария"),
        Term(term="ООО «Вектор»"),
        Term(term="бизнес-план"),
        Term(term="Дом Книги"),
        Term(term="ИТ-отдел"),
        Term(term="Wi-Fi роутер"),
    ]
)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("анна мария ковач прислала", "Анна-Мария Ковач прислала"),
        ("Анна мария Ковач.", "Анна-Мария Ковач."),
        ("анна-мария ковач", "Анна-Мария Ковач"),
        ("позвони анне-марии ковач", "позвони Анне-Марии Ковач"),
        ("с анной марией ковач, да", "с Анной-Марией Ковач, да"),
        ("аннамария ковач", "Анна-Мария Ковач"),
        ("Ростов на дону далеко", "Ростов-на-Дону далеко"),
        ("Ростов На Дону", "Ростов-на-Дону"),
        ("в ростове на дону", "в Ростове-на-Дону"),
        ("в ростове-на-дону", "в Ростове-на-Дону"),
        ("ростов-на-дону", "Ростов-на-Дону"),
        ("плати через систему город", "плати через Систему Город"),
        ("в системе город", "в Системе Город"),
        ("подарок еве марии", "подарок Еве-Марии"),
        ("договор с ооо вектор", "договор с ООО «Вектор»"),
        ("нет ооо вектора.", "нет ООО «Вектора»."),
        ("нет бизнес плана", "нет бизнес-плана"),
        ("Бизнес План готов", "Бизнес-план готов"),
        ("Бизнес Планы", "Бизнес-планы"),
        ("купил в доме книги", "купил в Доме Книги"),
        ("из ит отдела", "из ИТ-отдела"),
        # -- must stay
        ("ростов не дону", "="),
        ("Ростов. На дону туман", "="),
        ("ростов на, дону", "="),
        ("анна и мария ковач", "="),
        ("дома книги лежат", "="),
        ("система больших городов", "="),
        ("мы-ростов на дону", "="),
        ("ростов на дону-реке", "="),
    ],
)
def test_a_term_of_several_words_is_known_without_its_hyphens_and_in_its_cases(said, wanted):
    written_so = written(write_terms(read(said), NAMES, "ru"))
    assert written_so == (said if wanted == "=" else wanted)


def test_a_term_of_another_language_is_left_alone():
    assert with_terms("гезельшафт", "ru") == "гезельшафт"
    assert with_terms("гезельшафт", "de") == "Gesellschaft"
    assert with_terms("гезельшафт", None) == "Gesellschaft"


@pytest.mark.parametrize("word", ["дела", "работа", "человеку", "нужны", "сегодня"])
def test_a_frequent_word_is_a_term_only_as_it_is_written(word):
    terms = indexed([Term(term="Дело"), Term(term="Работы"), Term(term="Нужно")])
    assert written(write_terms(read(word), terms)) == word


def test_no_terms_change_nothing():
    assert written(write_terms(read("Всё как есть."), indexed([]))) == "Всё как есть."


def test_a_term_is_known_in_all_its_own_readings():
    assert "кубернетес" in readings("Kubernetes")
    assert "гитхаб" in readings("GitHub")
    assert readings("C++") == ()
    assert len(readings("Uaiouaiouaiouaiouaiou")) <= 24


@given(st.text("абвгдйьаяыи", min_size=1, max_size=10))
def test_a_noun_has_its_own_ending(key):
    stem, endings = declined(key)
    assert key[len(stem) :] in endings


@given(st.lists(st.sampled_from("кубер нетес гитхаб в, Да. красная площадь джи пи ти".split())))
def test_words_that_are_no_terms_stay_in_their_order(words):
    text = " ".join(words)
    kept = [token.key for token in read(text) if token.key in ("в", "да")]
    assert [t.key for t in write_terms(read(text), TERMS) if t.key in ("в", "да")] == kept


def test_many_terms_and_long_words_are_no_trouble():
    many = indexed([Term(term=f"Слово{'абвгдежзик'[n % 10]}{n}нк") for n in range(500)])
    write_terms(read("кубернетес " * 10_000), many)
    write_terms(read("я" * 5_000), TERMS)
