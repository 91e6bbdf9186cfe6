"""Obscene words are masked, innocent ones that hold the same letters are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.text.profanity import is_obscene, mask_profanity
from workers.text.tokens import read, written

OBSCENE = (
    "хуй хуя хуйня хуёво хуею нахуй похуй похуям дохуя нихуя охуел охуенно ахуеть захуярить хули "
    "пизда пизды пиздец пиздишь спиздил распиздяй ёб ебать ебёт ёбаный ебало ебанутый заебал "
    "наебали выебон доебался проебал уебок поебень долбоеб долбоёб съебался отъебись подъебка "
    "разъебал объебал ебля еблан блядь бляди бля блять блядский выблядок проблядь мудак мудаки "
    "мудила мудацкий мудозвон залупа залупился манда мандавошка пидор пидоры пидарас пидорас "
    "гондон гандон сука суки сукой"
).split()
INNOCENT = (
    "оскорблять хлебать употреблять команда сабля колебать застрахуй психуй застрахуют страхуя "
    "плохую сухую глухую тебе себе тебя себя ребенок ребята небо неба хребет дебаты учеба "
    "учебник вебинар мебель лебедь зебра гребля погребок требовать требуй истреблять грабли рубля "
    "корабля потреблять ослаблять мандарин мандат мандала командир мудрый мудрец сук сучья "
    "скипидар помидор коридор барсук барсука рассуждать ебитда худеть похудеть уху ухо духи "
    "хулиган хутор художник поезда опоздать звезда езда целебный хлеб хлебом стебель стебли "
    "нахлебник служебный лечебный небось ничей подебатировать потребитель колеблется оглобля "
    "разглядел заблудиться блюдо шхуна педагог гондола кандагар лапуля"
).split()


def masked(text):
    return written(mask_profanity(read(text)))


@pytest.mark.parametrize("word", OBSCENE)
def test_an_obscene_word_keeps_its_first_and_last_letter_only(word):
    assert masked(word) == f"{word[0]}{'*' * (len(word) - 2)}{word[-1]}"


@pytest.mark.parametrize("word", INNOCENT)
def test_an_innocent_word_is_not_touched(word):
    assert masked(word) == word


def test_marks_and_capitals_stay_as_they_are():
    assert masked("Вот «Блядь», сказал он; бля-бля!") == "Вот «Б***ь», сказал он; б*я-б*я!"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What the fuck?", "What the f**k?"),
        ("Bullshit.", "B******t."),
        ("Scunthorpe, shiitake, Hitchcock, assess.", "Scunthorpe, shiitake, Hitchcock, assess."),
    ],
)
def test_english_is_masked_too(text, wanted):
    assert masked(text) == wanted


@given(st.text(max_size=30))
def test_no_letter_more_or_less(text):
    tokens = read(text)
    assert [len(token.word) for token in mask_profanity(tokens)] == [
        len(token.word) for token in tokens
    ]


def test_a_long_word_is_no_trouble():
    assert not is_obscene("на" * 2_500)
    mask_profanity(read("-".join(["бля"] * 2_000)))
