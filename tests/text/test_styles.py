"""Each style makes a text look as it should where it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.finishing import style_for
from workers.text.styles import CHAT_WORDS, styled
from workers.text.tokens import Token, read, written

STYLES = ("raw", "neutral", "formal", "chat", "code", "email")


def in_style(text, style):
    return written(styled(read(text), style))


@pytest.mark.parametrize(
    ("style", "text", "wanted"),
    [
        ("raw", "привет, Иван.", "привет, Иван."),
        ("neutral", "привет, Иван.", "привет, Иван."),
        ("formal", "прошу отпуск с понедельника", "Прошу отпуск с понедельника."),
        ("formal", "Прошу отпуск, ", "Прошу отпуск."),
        ("formal", "Когда приедете?", "Когда приедете?"),
        ("formal", "Список:", "Список:"),
        ("formal", "iPhone разбит 🙂", "iPhone разбит 🙂"),
        ("formal", "он сказал «да»", "Он сказал «да»."),
        ("chat", "Привет. Как дела?", "Привет. Как дела?"),
        ("chat", "Уже еду. Буду через час.", "Уже еду. Буду через час"),
        ("chat", "Не знаю…", "Не знаю…"),
        ("chat", "Купи сыр, хлеб и т. д.", "Купи сыр, хлеб и т. д."),
        ("code", "Исправь имя файла.", "исправь имя файла"),
        ("code", "Он сказал «да» — и ушёл…", 'он сказал "да" - и ушёл...'),
        ("code", "Python упал.", "Python упал"),
        ("code", "Return the value.", "return the value"),
        ("code", "МИД закрыт.", "МИД закрыт"),
        ("code", "I am here.", "I am here"),
        (
            "email",
            "здравствуйте, Иван Петрович! Высылаю счёт. Жду ответа. С уважением, Анна.",
            "Здравствуйте, Иван Петрович!\n\nВысылаю счёт. Жду ответа.\n\nС уважением, Анна",
        ),
        ("email", "Счёт выслан", "Счёт выслан."),
    ],
)
def test_a_style_looks_as_promised(style, text, wanted):
    assert in_style(text, style) == wanted


def test_a_long_last_sentence_of_a_chat_keeps_its_full_stop():
    short = "слово " * (CHAT_WORDS - 1) + "конец."
    long = "слово " * CHAT_WORDS + "конец."
    assert in_style(short, "chat") == short.removesuffix(".")
    assert in_style(long, "chat") == long


def test_the_text_of_a_snippet_is_not_restyled():
    snippet = Token("«Да» — нет.\nВот")
    assert styled([snippet], "code") == (snippet,)
    assert styled([snippet], "formal") == (snippet,)


def test_an_application_has_the_style_that_was_chosen_for_it():
    styles = {"Telegram Desktop": "chat", "code": "code"}
    assert style_for("telegram desktop", "neutral", styles) == "chat"
    assert style_for("Word", "formal", styles) == "formal"
    assert style_for(None, "formal", styles) == "formal"


@given(st.text("аБ .,!?«»—-\n😀1", max_size=40), st.sampled_from(STYLES))
def test_the_words_stay_whatever_the_style(text, style):
    def letters(text):
        return "".join(letter for letter in text.lower() if letter.isalnum())

    assert letters(written(styled(read(text), style))) == letters(text)
