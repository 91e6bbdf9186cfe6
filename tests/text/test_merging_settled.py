"""Marks that the model has no say about: they part numbers, set commands off, or are too short to judge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.test_merging import LABELS, label, labelled
from workers.contract.finishing import Finishing, Term
from workers.text.merging.borders import borders, rejoined
from workers.text.merging.letters import Case
from workers.text.merging.merge import merge
from workers.text.pipeline import Utterance, Wishes, finished
from workers.text.tokens import read, written

SURE = 0.999


def merged(recognised: str, model_says: str) -> str:
    """Merge what a model says that is all but certain of every mark."""
    return written(merge(read(recognised), labelled(model_says, SURE, recognised)))


class Saying:
    """A punctuator that wants to see texts, in their order, whatever it is asked about."""

    name = "saying"

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def label(self, texts):
        return [labelled(text, SURE) for text, _ in zip(self.texts, texts, strict=True)]


def finish(recognised: str, model_says: str) -> str:
    said = Utterance(tokens=read(recognised), language="ru", wishes=Wishes(Finishing()))
    return finished([said], Saying(model_says))[0].text


@pytest.mark.parametrize(
    ("recognised", "model_says"),
    [
        ("Мне двадцать. Пять лет назад я рос.", "Мне двадцать пять лет назад я рос."),
        ("Нас тридцать, пять из них болеют.", "Нас тридцать пять из них болеют."),
        ("Показания: двадцать, пять, семь.", "Показания двадцать пять семь."),
        (
            "Поезда идут в шесть двадцать, девять сорок.",
            "Поезда идут в шесть двадцать девять сорок.",
        ),
        ("Мне было 20. 5 лет назад я рос.", "Мне было 20 5 лет назад я рос."),
        ("Было двадцать, пять ушли с утра.", "Было двадцать. Пять ушли с утра."),
        ("Нас двадцать пять человек.", "Нас двадцать, пять человек."),
        ("Раз, два, три, начали все вместе.", "Раз два три, начали все вместе."),
        ("Это 1 млн 250 тысяч рублей.", "Это 1 млн. 250 тысяч рублей."),
        (
            "Было сто двадцать целых три десятых метра.",
            "Было сто двадцать. Целых, три десятых метра.",
        ),
    ],
)
def test_a_mark_between_two_numbers_neither_comes_nor_goes(recognised, model_says):
    assert merged(recognised, model_says) == recognised


def test_a_sentence_that_ends_in_a_number_ends():
    said = "Сервер отвечает двести, а не пятьсот. Деплой будет в пятницу."
    assert merged(said, "Сервер отвечает двести, а не пятьсот деплой будет в пятницу.") == said
    asked = "Вам точно уже есть двадцать. Деплой будет в пятницу."
    assert merged(asked, asked.replace("двадцать.", "двадцать?")).count("?") == 1


def test_numbers_that_a_mark_parts_are_not_added_up():
    said = "Мне двадцать. Пять лет назад я рос."
    assert finish(said, "Мне двадцать пять лет назад я рос.") == "Мне 20. Пять лет назад я рос."


@pytest.mark.parametrize(
    ("recognised", "model_says", "expected"),
    [
        (
            "телефон восемь девятьсот шестнадцать двести двадцать два тридцать три сорок четыре",
            "Телефон: восемь, девятьсот шестнадцать — двести, двадцать два, тридцать три. Сорок четыре.",
            "Телефон: восемь девятьсот шестнадцать двести двадцать два тридцать три сорок четыре.",
        ),
        ("код один два три четыре", "Код — один, два, три, четыре.", "Код один два три четыре."),
        (
            "версия три точка один вышла вчера",
            "Версия — три. Точка — один, вышла вчера.",
            "Версия три точка один, вышла вчера.",
        ),
        (
            "двадцать пять лет назад мне было двадцать пять из нас учились",
            "Двадцать пять лет назад, мне было двадцать. Пять из нас учились.",
            "Двадцать пять лет назад, мне было двадцать пять из нас учились.",
        ),
        (
            "курс доллара семьдесят девять рублей тридцать копеек",
            "Курс доллара: семьдесят девять, рублей тридцать копеек.",
            "Курс доллара: семьдесят девять рублей тридцать копеек.",
        ),
        (
            "двести двадцать вольт шестнадцать ампер вполне хватит",
            "Двести двадцать вольт, шестнадцать, ампер вполне хватит.",
            "Двести двадцать вольт, шестнадцать ампер вполне хватит.",
        ),
        (
            "сегодня мне уже двадцать пять рубль снова упал",
            "Сегодня мне уже двадцать пять. Рубль снова упал.",
            "Сегодня мне уже двадцать пять. Рубль снова упал.",
        ),
        (
            "купи два килограмма яблок три литра молока",
            "Купи два килограмма яблок, три литра молока.",
            "Купи два килограмма яблок, три литра молока.",
        ),
    ],
)
def test_in_bare_text_a_row_of_numbers_stays_one(recognised, model_says, expected):
    assert written(merge(read(recognised), labelled(model_says, 0.9))).lower() == expected.lower()


@pytest.mark.parametrize(
    "said",
    [
        "Это мой список покупок. Новый пункт. Молоко из деревни. Новый пункт. Хлеб из печи.",
        "Надо сделать такое, новый пункт, позвонить Ивану домой, новый пункт, забрать билеты.",
        "Это будет пункт первый, точка с запятой, пункт второй и третий.",
        "Ну всё тогда до завтра, смайлик.",
        "Книга про всё, открыть кавычки, Война и мир, закрыть кавычки, стоит тут.",
    ],
)
def test_marks_beside_a_spoken_command_stay(said):
    model_says = said[:-1].replace(",", "").replace(".", "")
    assert merged(said, model_says + said[-1]) == said


def test_the_model_sets_no_command_off_that_the_recogniser_did_not():
    said = "Мы хотели всё отменить но потом передумали."
    assert merged(said, "Мы хотели всё. Отменить. Но потом передумали.") == said


def test_a_command_whose_marks_the_model_does_not_want_is_carried_out():
    said = "Вот мой список. Новый пункт. Молоко свежее. Новый пункт. Хлеб."
    wanted = "Вот мой список новый пункт молоко свежее новый пункт хлеб."
    assert finish(said, wanted).split("\n")[1:] == ["- Молоко свежее.", "- Хлеб."]


@pytest.mark.parametrize(
    ("recognised", "model_says", "expected"),
    [
        (
            "список новый пункт молоко новый пункт хлеб",
            "Список — новый, пункт — молоко. Новый — пункт: хлеб.",
            "Список новый пункт молоко. Новый пункт хлеб.",
        ),
        ("список новая строка молоко", "Список: новая строка. Молоко.", None),
        ("привет запятая как дела", "Привет. Запятая, как дела?", "Привет запятая как дела?"),
        ("привет запятая иван", "Привет, запятая! Иван.", None),
        (
            "восклицательный знак тут лишний",
            "Восклицательный знак! Тут лишний.",
            "Восклицательный знак тут лишний.",
        ),
        ("это кто дефис то сказал", "Это, кто. Дефис. То сказал?", "Это, кто дефис то сказал?"),
    ],
)
def test_in_bare_text_the_model_may_only_set_a_command_off(recognised, model_says, expected):
    merged_text = written(merge(read(recognised), labelled(model_says, 0.9)))
    assert merged_text.lower() == (expected or model_says).lower()


def test_the_words_of_a_command_get_no_capital_inside_a_sentence():
    model_says = labelled("Список Новый Пункт молоко Запятая хлеб", 0.9)
    merged_tokens = merge(read("список новый пункт молоко запятая хлеб"), model_says)
    assert written(merged_tokens) == "Список новый пункт молоко запятая хлеб"
    said = "Мой счёт лежит в банке Точка уже год."
    assert merged(said, said.replace("Точка", "точка")) == said


@pytest.mark.parametrize(
    ("recognised", "model_says"),
    [
        ("Глава первая. Детство.", "Глава первая детство."),
        ("Пункт первый. Бюджет. Пункт второй. Сроки.", "Пункт первый бюджет пункт второй сроки."),
        ("Решили. Встречу отменить.", "Решили встречу отменить."),
        ("Хорошо. Мы завтра поедем к тебе.", "Хорошо, мы завтра поедем к тебе."),
    ],
)
def test_a_full_stop_beside_a_sentence_of_one_or_two_words_stays(recognised, model_says):
    assert merged(recognised, model_says) == recognised


@pytest.mark.parametrize(
    ("recognised", "model_says"),
    [
        ("Я знаю. Что ты прав.", "Я знаю, что ты прав."),
        ("Мы потом поехали все вместе. На вокзал к семи часам.",
         "Мы потом поехали все вместе на вокзал к семи часам."),
        ("Поехали на. Вокзал к семи часам.", "Поехали на вокзал к семи часам."),
    ],
)  # fmt: skip
def test_a_sentence_that_cannot_end_there_is_joined(recognised, model_says):
    assert merged(recognised, model_says) == model_says


@pytest.mark.parametrize("word", ["Решили", "Купить", "Ответственный за всё", "Пункт один"])
def test_a_colon_that_was_heard_stays(word):
    said = f"{word}: встречу с Петровой завтра отменить."
    for mark in ("", ",", "."):
        assert merged(said, said.replace(":", mark)) == said


@pytest.mark.parametrize(
    "said",
    ["Назначил ЭКГ, МРТ.", "Тип А, тип Б.", "Дом семь а, квартира девять.", "Молоко, хлеб."],
)
def test_a_comma_between_two_short_things_of_a_kind_stays(said):
    assert merged(said, said.replace(",", "")) == said


@pytest.mark.parametrize(
    ("recognised", "model_says", "expected"),
    [
        ("Пациент, сорок пять лет, жалуется на боль.", "Пациент, сорок пять лет жалуется на боль.", None),
        ("Пациент, сорок пять лет, жалуется на боль.", "Пациент сорок пять лет, жалуется на боль.", None),
        ("Да мы, как бы это сказать, можем не успеть.", "Да мы, как бы это сказать можем не успеть.", None),
        ("Обсудили бюджет, найм, отпуска и премии.", "Обсудили бюджет, найм отпуска и премии.", None),
        ("Мы тут, вообще, сидим давно.", "Мы тут вообще сидим давно.", "Мы тут вообще сидим давно."),
        ("Но, я уже давно думаю, что ты прав.", "Но я уже давно думаю, что ты прав.",
         "Но я уже давно думаю, что ты прав."),
        ("Он ещё вчера сказал, что, придёт завтра.", "Он ещё вчера сказал, что придёт завтра.",
         "Он ещё вчера сказал, что придёт завтра."),
        ("Вчера, я пришёл домой с работы, потом поел.", "Вчера я пришёл домой с работы, потом поел.",
         "Вчера я пришёл домой с работы, потом поел."),
    ],
)  # fmt: skip
def test_commas_that_go_together_go_or_stay_together(recognised, model_says, expected):
    assert merged(recognised, model_says) == (expected or recognised)


def test_in_bare_text_a_word_after_a_dash_or_comma_is_written_small_unless_it_is_a_name():
    said = "микрофон завтра проверим"
    for mark in (",", " —", ":"):
        half_sure = labelled(f"Микрофон{mark} Завтра проверим", 0.75)
        assert written(merge(read(said), half_sure)) == f"Микрофон{mark} завтра проверим"
        sure = labelled(f"Микрофон{mark} Наташа проверим", 0.95)
        assert "Наташа" in written(merge(read("микрофон наташа проверим"), sure))


def test_two_utterances_that_meet_in_numbers_are_not_joined():
    rows = [read("Мне уже давно двадцать."), read("Пять лет назад я рос.")]
    found = borders(rows)
    labels = [labelled("мне уже давно двадцать пять лет назад я рос.", SURE)]
    assert [written(row) for row in rejoined(rows, found, labels)] == [written(row) for row in rows]


PARTS = st.sampled_from(
    "двадцать пять, сто. 5 один. точка запятая, новый пункт. да, ЭКГ, потом мы: что".split()
)


@given(st.lists(PARTS, min_size=1, max_size=10).map(" ".join), st.data())
def test_between_numbers_nothing_changes_whatever_the_model_says(text, data):
    tokens = read(text)
    labels = data.draw(st.lists(LABELS, min_size=len(tokens), max_size=len(tokens)))
    after = merge(tokens, labels)
    numbers = {"двадцать", "пять", "сто", "5", "один"}
    for place in range(len(tokens) - 1):
        if tokens[place].key in numbers and tokens[place + 1].key in numbers:
            assert after[place].trail == tokens[place].trail


@pytest.mark.parametrize(
    ("recognised", "model_says"),
    [
        ("Это ГОСТ Р пятьдесят один.", "Это ГОСТ Р. Пятьдесят один."),
        ("Столбец Д, строка сорок пять.", "Столбец Д. Строка сорок пять."),
        ("Едем в Воронеж, нет, едем в Ростов.", "Едем в Воронеж? Нет, едем в Ростов."),
        ("Вышлите мне все документы. С уважением, Олег.",
         "Вышлите мне все документы с уважением, Олег."),
    ],
)  # fmt: skip
def test_letters_corrections_and_farewells_are_no_ends_and_no_more_than_that(
    recognised, model_says
):
    assert merged(recognised, model_says) == recognised


@pytest.mark.parametrize(
    ("recognised", "model_says", "expected"),
    [
        ("мы живём в доме пять дробь два", "Мы живём в доме пять, дробь, два.",
         "Мы живём в доме пять дробь два."),
        ("встреча в пять часов двадцать минут", "Встреча в пять часов, двадцать минут.",
         "Встреча в пять часов двадцать минут."),
        ("нужен болт эм двенадцать на сорок", "Нужен болт эм. Двенадцать на сорок.",
         "Нужен болт эм двенадцать на сорок."),
        ("это портрет николая второго", "Это портрет Николая Второго.",
         "Это портрет Николая Второго."),
        ("это номер а сто двадцать", "Это номер а, сто двадцать!", "Это номер а сто двадцать!"),
        ("набери четыре ноль семь", "Набери Четыре ноль Семь…", "Набери четыре ноль семь"),
        ("извини я не хотел", "Извини, я не хотел,", "Извини, я не хотел"),
    ],
)  # fmt: skip
def test_in_a_bare_text_numbers_stay_whole_and_small_and_no_comma_ends_it(
    recognised, model_says, expected
):
    assert merged(recognised, model_says) == expected


@pytest.mark.parametrize(
    ("mark", "share", "expected"),
    [("!", 0.7, "."), ("!", 0.9, "!"), ("?", 0.55, "."), ("?", 0.7, "?"), ("…", 0.7, ".")],
)
def test_a_bare_sentence_ends_in_more_than_a_full_stop_only_if_the_model_is_sure(
    mark, share, expected
):
    said = read("включи свет на кухне")
    labels = labelled("Включи свет на кухне", SURE)
    labels[-1] = label(mark, Case.SMALL, share, or_mark=".")
    assert written(merge(said, labels)) == f"Включи свет на кухне{expected}"


def test_names_do_not_hide_that_a_recogniser_writes_no_marks():
    said = "привет Наташа как дела у тебя сегодня мы идём гулять вечером"
    wanted = "Привет, Наташа. Как дела у тебя сегодня? Мы идём гулять вечером."
    assert written(merge(read(said), labelled(wanted, 0.7, said))) == wanted
    short = "привет Наташа как дела"
    assert written(
        merge(read(short), labelled("Привет, Наташа. Как дела?", 0.45))
    ) == short.replace("привет", "Привет")


def test_a_term_stays_as_its_person_spells_it():
    term = Finishing(terms=(Term(term="Перекрёсток"), Term(term="GitHub")))
    recognised = "мы были в перекрёсток и нашли это на гитхаб там"
    said = Utterance(tokens=read(recognised), language="ru", wishes=Wishes(term))
    saying = Saying("Мы были в перекрёсток и нашли это на Github там.")
    text = finished([said], saying)[0].text
    assert text == "Мы были в Перекрёсток и нашли это на GitHub там."


def test_a_number_of_thousands_of_digits_before_a_unit_is_no_trouble():
    said = f"{'1' * 5000} рублей и 22 рубля"
    assert merged(said, said) == said
