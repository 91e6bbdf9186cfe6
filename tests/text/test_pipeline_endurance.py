"""Whatever is put in: no crash, no lost word, and work that grows with the text and not faster."""

import random
import re
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.text.random_texts import ENDLESS, LONG_WORDS, random_text
from workers.contract.finishing import Finished, Finishing, Person, Snippet, Step, Term
from workers.text.commands.table import COMMANDS
from workers.text.letters import capitalised, lowered
from workers.text.pipeline import Utterance, Wishes, finished
from workers.text.rubert.labels import CASES, MARKS, WordLabels
from workers.text.tokens import Heard, Token, read, written

INPUTS = 10_000
BATCH = 50
WORD = re.compile(r"\w+")
STYLES = ("neutral", "formal", "chat", "code", "email")
NONCHARACTERS = dict.fromkeys([*range(0xFDD0, 0xFDF0)])
WORDS_STAY = frozenset({Step.PUNCTUATION, Step.STYLE})
"""Steps that change marks and case and nothing else."""
TERMS = (
    Term(term="Kubernetes", sounds_like=("кубернетес",)),
    Term(term="GitHub"),
    Term(term="Альфавойс"),
    Term(term="API"),
    Term(term="Яндекс Облако"),
)
SNIPPETS = (
    Snippet(trigger="моя почта", text="ivan@example.ru {cursor}"),
    Snippet(trigger="подпись", text="{{}}\n{name}, {date}\n{clipboard}"),
)
LONGEST_INSERTED = 40
LETTERS = st.characters(exclude_categories=())
"""All there are, also halves of surrogate pairs."""
HUGE = ("words without a mark", "marks alone", "marks said together", "joined")
"""Kinds in which something can grow by itself: a word, the marks of one word, a list."""


class Whims:
    """A punctuator that says anything at all, with any certainty."""

    name = "whims"

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def label(self, texts: Sequence[Sequence[str]]) -> list[list[WordLabels]]:
        return [self._of(len(text)) for text in texts]

    def _of(self, words: int) -> list[WordLabels]:
        marks = self._rng.dirichlet([0.1] * len(MARKS), words).astype(np.float32)
        cases = self._rng.dirichlet([0.1] * len(CASES), words).astype(np.float32)
        return [WordLabels(mark, case) for mark, case in zip(marks, cases, strict=True)]


def words_of(text: str) -> list[str]:
    """The words of a text without regard to case, marks and blanks."""
    return WORD.findall(text.translate(NONCHARACTERS).casefold())


def wishes(rng: random.Random, steps: frozenset[Step]) -> Wishes:
    return Wishes(
        Finishing(
            steps=steps,
            style=rng.choice(STYLES),
            commands_off=frozenset(each.name for each in COMMANDS if rng.random() < 0.1),
            terms=TERMS,
            snippets=SNIPPETS,
            person=Person(name="Иван", time_zone="Europe/Moscow"),
        )
    )


def utterance(text: str, steps: frozenset[Step]) -> Utterance:
    return Utterance(tokens=read(text), language="ru", wishes=wishes(random.Random(4), steps))


def timed(rng: random.Random, text: str) -> tuple[Token, ...]:
    """Read a text as if it had been said, with pauses here and there; or as if nobody knew when."""
    tokens = read(text)
    if rng.random() < 0.5:
        return tokens
    now, said = 0, []
    for token in tokens:
        now += rng.choice([0, 300, 9_000])
        heard = Heard(start=now, end=now + 3_000, probability=rng.random())
        now += 3_000
        said.append(Token(token.word, token.lead, token.trail, token.gap, heard))
    return tuple(said)


def random_batches(seed: int, steps: frozenset[Step]):
    """Give all inputs with what became of them, a batch at a time, every second with a model."""
    rng = random.Random(seed)
    whims = Whims(seed)
    everybody = [wishes(rng, steps) for _ in range(12)]
    for number in range(INPUTS // BATCH):
        texts = [random_text(rng) for _ in range(BATCH)]
        utterances = [
            Utterance(
                tokens=timed(rng, text),
                language=rng.choice(["ru", "ru", None, "en", "uk"]),
                wishes=rng.choice(everybody),
            )
            for text in texts
        ]
        yield from zip(texts, finished(utterances, whims if number % 2 else None), strict=True)


def assert_sound(text: str, done: Finished) -> None:
    """What holds of every finished text."""
    inserted = LONGEST_INSERTED * len(read(text))
    assert len(done.text) <= 3 * len(text) + inserted + 10
    assert done.undo >= 0 <= done.undo_sentences
    assert all(0 <= marker.offset <= len(done.text) for marker in done.markers)
    for before, after in zip(done.steps, done.steps[1:], strict=False):
        assert before.after == after.before
    if done.steps:
        assert done.steps[-1].after == done.text
        assert done.steps[0].before == written(read(text)).translate(NONCHARACTERS)


@pytest.mark.slow
def test_ten_thousand_texts_keep_their_words_whatever_the_model_says():
    for text, done in random_batches(1, WORDS_STAY):
        assert words_of(done.text) == words_of(text), repr(text)
        assert_sound(text, done)


@pytest.mark.slow
def test_ten_thousand_texts_pass_all_steps():
    for text, done in random_batches(2, frozenset(Step)):
        assert_sound(text, done)


@given(st.text(LETTERS, max_size=120), st.sampled_from(STYLES), st.integers(0, 99))
@example("ıstanbul", "formal", 0)  # a letter that has no capital of its own
@example("ИИ\ufdd0И", "neutral", 0)
def test_no_word_of_any_text_is_lost(text, style, seed):
    wanted = Wishes(Finishing(steps=WORDS_STAY, style=style))
    (done,) = finished([Utterance(tokens=read(text), wishes=wanted)], Whims(seed))
    assert done.markers == ()
    assert words_of(done.text) == words_of(text)


@pytest.mark.parametrize("shape", [capitalised, lowered])
def test_a_letter_in_another_case_is_the_same_letter(shape):
    letters = [letter for letter in map(chr, range(0x110000)) if letter.upper() != letter.lower()]
    assert [a for a in letters if shape(f"{a}б").casefold() != f"{a}б".casefold()] == []


@given(st.lists(st.text(LETTERS, max_size=60), max_size=5))
def test_who_else_is_in_the_batch_changes_nothing(texts):
    wanted = wishes(random.Random(3), frozenset(Step))
    utterances = [Utterance(tokens=read(text), wishes=wanted) for text in texts]
    assert finished(utterances) == [finished([one])[0] for one in utterances]


def operations(text: str) -> int:
    """Count the calls, of Python and of C, that it takes to finish a text."""
    whole, whims = utterance(text, frozenset(Step)), Whims(4)
    count = 0

    def counted(_frame: object, event: str, _what: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        finished([whole], whims)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("phrase", ENDLESS.values(), ids=ENDLESS)
def test_four_times_the_words_take_about_four_times_the_work(phrase):
    times = 120 // len(phrase.split())
    assert operations(phrase * 4 * times) <= 5 * operations(phrase * times) + 1_000


@pytest.mark.parametrize("steps", [WORDS_STAY, frozenset(Step)], ids=["words stay", "all"])
@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.timeout(60)
def test_ten_thousand_words_are_finished(kind, steps):
    phrase = ENDLESS[kind]
    text = phrase * (10_000 // len(phrase.split()))
    (done,) = finished([utterance(text, steps)], Whims(5))
    assert_sound(text, done)
    if steps == WORDS_STAY:
        assert words_of(done.text) == words_of(text)


@pytest.mark.parametrize("part", LONG_WORDS, ids=repr)
@pytest.mark.timeout(60)
def test_a_word_of_five_thousand_letters_is_finished(part):
    word = (part * 5_000)[:5_000]
    for text in (word, f"Привет, {word} двадцать пять точка {word}.", f"{word} " * 20):
        for steps in (WORDS_STAY, frozenset(Step)):
            (done,) = finished([utterance(text, steps)], Whims(6))
            assert_sound(text, done)
            if steps == WORDS_STAY:
                assert words_of(done.text) == words_of(text)
