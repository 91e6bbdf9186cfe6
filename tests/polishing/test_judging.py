"""Which answers are the text that was asked for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.polishing.judging import judge
from service.polishing.outcomes import NotPolished, Outcome
from service.polishing.prompting import chat_request
from tests.polishing.chat_server import completion

SAID = "привет пётр я завтра не приду на встречу потому что заболел перенесём на среду"
LONG = f"{SAID}. " * 5


def chat(text=SAID, wish="email"):
    return chat_request(text, wish, language="ru", model=None)


def verdict(answer, text=SAID, wish="email"):
    try:
        return judge(answer, chat(text, wish))
    except NotPolished as exc:
        return exc.outcome


def test_a_good_answer_is_the_text():
    letter = "Здравствуйте, Пётр!\n\nЗавтра не приду: заболел. Перенесём на среду?\n\nС уважением"

    assert verdict(completion(letter)) == letter


@pytest.mark.parametrize(
    "wrapped",
    [
        "\n\nПеренесём.  \n",
        "=====[1]=====\nПеренесём.\n=====[1]=====",
        "<think>\nНадо короче: хм.\n</think>\n\nПеренесём.",
        "```text\nПеренесём.\n```",
        "Перенесём.\r\n",
    ],
)
def test_what_models_put_around_a_text_is_taken_away(wrapped):
    assert verdict(completion(wrapped), wish="shorter") == "Перенесём."


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (completion(None), Outcome.EMPTY),
        (completion("  \n "), Outcome.EMPTY),
        (b'{"choices": []}', Outcome.EMPTY),
        (completion("Здравствуйте, Пётр! Завтра я", "length"), Outcome.CUT_SHORT),
        (completion("Здравствуйте", "content_filter"), Outcome.REFUSED),
        (completion("раз " * 500), Outcome.TOO_LONG),
        (completion("Конечно! Вот ваше письмо:\n\nЗдравствуйте!"), Outcome.CHATTING),
        (completion("Here is the e-mail:\nHello"), Outcome.CHATTING),
        (completion("Извините, но я не могу помочь с этим."), Outcome.CHATTING),
        (completion("Конечно! Вот ваше письмо: Добрый день! Я заболел."), Outcome.CHATTING),
        (completion("Sure, here's your e-mail: Hello! I am ill."), Outcome.CHATTING),
        (completion("Как языковая модель, я не болею."), Outcome.CHATTING),
        (completion("I'm sorry, but I can't help with that."), Outcome.CHATTING),
        (completion("Привет =====[1]===== ещё"), Outcome.CHATTING),
        (completion("<think>долго думаю"), Outcome.CHATTING),
        (completion("Привет\x1b[2J"), Outcome.UNREADABLE),
        (completion("Привет \u202eтевирп"), Outcome.UNREADABLE),
        (b'{"choices": [{"message": {"content": "\\ud800"}}]}', Outcome.UNREADABLE),
        (b'{"choices": [{"message": {"content": 5}}]}', Outcome.UNREADABLE),
        (b'{"error": {"message": "no such model"}}', Outcome.UNREADABLE),
        (b"<html>it works</html>", Outcome.UNREADABLE),
        (b"\xff\xfe\x00", Outcome.UNREADABLE),
        (b'{"choices": ' + b"[" * 100_000, Outcome.UNREADABLE),
        (b"", Outcome.UNREADABLE),
    ],
)
def test_an_answer_that_is_not_the_text_is_not_taken(answer, outcome):
    assert verdict(answer) == outcome


def test_what_a_person_said_like_that_is_no_chatting():
    for said in (
        "Вот список дел:\nхлеб, соль",
        "Извините, я не могу прийти",
        "Sure, here it is: ok",
    ):
        assert verdict(completion(said), text=said, wish="formal") == said


def test_shorter_must_not_be_longer():
    assert verdict(completion(SAID + " и ещё много слов от модели"), wish="shorter") == (
        Outcome.TOO_LONG
    )


def test_an_answer_that_lost_what_was_said_is_not_taken():
    assert verdict(completion("Заболел."), text=LONG, wish="formal") == Outcome.TOO_SHORT
    assert verdict(completion("Заболел."), text=LONG, wish="shorter") == "Заболел."


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "finish_reason"]), inner, max_size=3
        )
    ),
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_text_or_a_reason(answer):
    found = verdict(answer)

    assert found  # a reason, or a text that is not empty
    assert isinstance(found, str)
