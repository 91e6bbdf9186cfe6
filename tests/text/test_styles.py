"""Each style makes a text look as it should where it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.finishing import Finishing, Step, style_for
from workers.text.pipeline import Utterance, Wishes, finished
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
        ("chat", "До н. э.", "До н. э."),
        ("chat", "Это V в. до н. э.", "Это V в. до н. э."),
        ("chat", "В XIX в.", "В XIX в."),
        ("chat", "Скинь 5 тыс.", "Скинь 5 тыс."),
        ("chat", "Приду (наверное).", "Приду (наверное)"),
        ("chat", "Ответ — «хорошо».", "Ответ — «хорошо»"),
        ("chat", "Он сказал: «Приду.»", "Он сказал: «Приду»"),
        ("chat", "Он сказал: «Приду!»", "Он сказал: «Приду!»"),
        ("chat", "Жду в 10\u00a0000.", "Жду в 10\u00a0000"),
        ("code", "Исправь имя файла.", "исправь имя файла"),
        ("code", "Он сказал «да» — и ушёл…", 'он сказал "да" - и ушёл...'),
        ("code", "Python упал.", "Python упал"),
        ("code", "Return the value.", "return the value"),
        ("code", "МИД закрыт.", "МИД закрыт"),
        ("code", "I am here.", "I am here"),
        ("code", "Цена 10\u00a0000.", "цена 10 000"),
        ("code", "Позвони по 8\u00a0912\u00a0123-45-67.", "позвони по 8 912 123-45-67"),
        ("code", "Проверь «main».", 'проверь "main"'),
        ("code", "Таймаут (по умолчанию).", "таймаут (по умолчанию)"),
        ("code", "Вызов f(a[0]).", "вызов f(a[0])"),
        ("code", "Готово. (Почти.)", "готово. (Почти)"),
        ("code", "Жди (и т. д.).", "жди (и т. д.)"),
        ("code", "Жди (и т. д.)", "жди (и т. д.)"),
        ("code", "Он (кто?).", "он (кто?)"),
        ("code", "Он (не знаю…)", "он (не знаю...)"),
        (
            "email",
            "здравствуйте, Иван Петрович! Высылаю счёт. Жду ответа. С уважением, Анна.",
            "Здравствуйте, Иван Петрович!\n\nВысылаю счёт. Жду ответа.\n\nС уважением, Анна",
        ),
        (
            "email",
            "Добрый день! Счёт готов. С уважением, ООО «Ромашка».",
            "Добрый день!\n\nСчёт готов.\n\nС уважением, ООО «Ромашка»",
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


@pytest.mark.parametrize("text", ["Цена 10\u00a0000.", "Проверь «main».", "Он сказал: «Приду.»"])
def test_a_full_stop_that_a_style_leaves_off_is_kept_for_what_is_said_next(text):
    wishes = Wishes(Finishing(steps=frozenset({Step.STYLE}), style="code"))
    (done,) = finished([Utterance(tokens=read(text), wishes=wishes)])
    assert "." not in done.text
    assert done.withheld == "."


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
