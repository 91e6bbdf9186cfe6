"""A text and its row of tokens are the same thing."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workers.contract.words import Word
from workers.text.tokens import Token, as_words, heard, one, read, written

BLANKS = re.compile("[\t-\r\x1c-\x1f \x85\u2028\u2029]+")
NONCHARACTERS = re.compile("[\ufdd0-\ufdef]")
MARKED = st.text(
    st.sampled_from("аБё1 \t\n\xa0.,!?…:;—–-\"'«»()[]*%+#😀é\u200f"), max_size=60
) | st.text(max_size=60)


@given(MARKED)
def test_a_text_is_written_as_it_was_read_but_for_blanks(text):
    assert written(read(text)) == " ".join(filter(None, BLANKS.split(NONCHARACTERS.sub("", text))))


def test_signs_that_steps_use_between_themselves_come_from_nobody():
    assert written(read("а\ufdd0б \ufdd1 в\ufdef")) == "аб в"


def test_a_no_break_space_parts_no_words():
    text = "За 25\N{NO-BREAK SPACE}000 рублей"
    assert [token.word for token in read(text)] == ["За", "25\N{NO-BREAK SPACE}000", "рублей"]
    assert written(read(text)) == text


@given(MARKED)
def test_only_a_text_without_words_has_an_empty_one(text):
    tokens = read(text)
    assert all(token.word for token in tokens) or (len(tokens) == 1 and not tokens[0].word)


def test_marks_stick_to_words_and_stay_inside_them():
    assert read("— Кто-то (в 17:30) сказал: «Да»… — и C++ 3,5% .") == (
        Token("Кто-то", lead="— "),
        Token("в", lead="("),
        Token("17:30", trail=")"),
        Token("сказал", trail=":"),
        Token("Да", lead="«", trail="»… —"),
        Token("и"),
        Token("C++"),
        Token("3,5%", trail=" ."),
    )


@given(st.lists(st.text("аб,. —", min_size=1, max_size=5), max_size=12), st.data())
def test_each_token_gets_the_time_of_what_it_was_made_of(parts, data):
    text = "".join(parts)
    letters = "".join(text.split())
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(letters) - 1)), max_size=6)))
    edges = [0, *[cut for cut in cuts if cut < len(letters)], len(letters)]
    words = [
        Word(text=letters[start:end], start=start, end=end, probability=0.5)
        for start, end in pairwise(edges)
        if end > start
    ]
    place = 0
    for token in heard(read(text), words):
        length = len("".join(token.text.split()))
        assert token.heard is not None
        assert token.heard.start <= place
        assert token.heard.end >= place + length
        assert any(token.heard.start == word.start for word in words)
        place += length


def test_words_of_another_text_give_no_times():
    word = Word(text="нет", start=0, end=9, probability=1.0)
    assert heard(read("да"), [word]) == read("да")


def test_one_word_takes_the_place_of_several():
    words = [
        Word(text="(двадцать", start=0, end=10, probability=0.5),
        Word(text="пять).", start=12, end=20, probability=1.0),
    ]
    made = one(heard(read("(двадцать пять)."), words), "25")
    assert made.text == "(25)."
    assert as_words([made, Token("x")]) == (Word(text="(25).", start=0, end=20, probability=0.75),)
