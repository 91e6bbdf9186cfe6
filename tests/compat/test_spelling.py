"""Words without marks, and languages as programs name them."""

import pytest

from service.compat.languages import session_language
from service.compat.spelling import bare_text


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Поднимите мне веки!", "поднимите мне веки"),
        ("«Кое-что», — сказал он…", "кое-что сказал он"),
        ("Скидка 3,5% до 12:30.", "скидка 3,5% до 12:30"),
        ("Don't! It's -5° (really).", "don't it's 5° really"),
        (" — ", ""),
        ("", ""),
    ],
)
def test_marks_around_words_go_and_those_within_stay(text: str, bare: str) -> None:
    assert bare_text(text) == bare


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("ru", "ru"),
        ("RU-ru", "ru"),
        ("en_US", "en"),
        ("zh-Hans-CN", "zh"),
        ("", "auto"),
        ("multi", "auto"),
        ("auto", "auto"),
        ("русский", None),
        ("e", None),
        ("english", None),
        ("ru\n", None),
    ],
)
def test_a_tag_is_a_language_auto_or_none(tag: str, language: str | None) -> None:
    assert session_language(tag) == language
