"""Numbers said in words are written in digits where a careful typist would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.rules import write_numbers
from workers.text.tokens import read, written

ROW = st.lists(
    st.sampled_from(
        [*NUMERALS, *"и до в с целых половиной процентов января часов года век дом рублей , .".split()]
    ),
    max_size=14,
).map(" ".join)


@given(ROW)
def test_words_that_are_no_numbers_stay_in_their_order(text):
    kept = [token.word for token in read(text) if token.key not in NUMERALS]
    after = iter(token.word for token in write_numbers(read(text)))
    removed = {"и", "с", "половиной", "целых", "часов", "процентов"}
    missing = [word for word in kept if word not in removed and word not in after]
    assert not missing


@pytest.mark.parametrize("text", ["", "— …", "один", "сорока прилетела", "мою семью"])
def test_texts_without_numbers_stay_as_they_are(text):
    assert written(write_numbers(read(text))) == text
