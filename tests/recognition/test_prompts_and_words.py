import numpy as np
import pytest

from tests.whisper_base import whisper_base_folder
from workers.recognition.alignment import TokenPath, text_tokens, words_of
from workers.recognition.prompts import TERM_TOKENS, decoder_prompt, term_tokens
from workers.recognition.vocabulary import Vocabulary

pytestmark = pytest.mark.model

TEXTS = [
    "Привет, мир — это «тест»; ok?",
    "25 % скидки… Да. 🎉 эмодзи",
    "Кто-то сказал: «Не знаю, что-нибудь».",
    "It's a test, isn't it? Mr. O'Neil's 3.5-inch disk",
    "слово",
]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.load(whisper_base_folder())


def even_path(tokens: int, *, positions_each: int = 5) -> TokenPath:
    path = [
        (token, token * positions_each + step)
        for token in range(tokens + 1)
        for step in range(positions_each)
    ]
    return TokenPath(alignments=path, probabilities=[0.5] * tokens)


@pytest.mark.parametrize("text", TEXTS)
def test_words_joined_are_the_text_and_marks_stick_to_their_word(vocabulary, text):
    path = even_path(len(text_tokens(text, vocabulary)))

    words = words_of(text, path, vocabulary, language="ru", samples=480_000)

    assert [word.text for word in words] == text.split()


def test_languages_without_blanks_are_split_between_readable_characters(vocabulary):
    text = "今天天气很好"
    path = even_path(len(text_tokens(text, vocabulary)))

    words = words_of(text, path, vocabulary, language="zh", samples=480_000)

    assert "".join(word.text for word in words) == text
    assert len(words) > 1


def test_times_rise_and_stay_within_the_audio(vocabulary):
    text = TEXTS[0]
    path = even_path(len(text_tokens(text, vocabulary)), positions_each=20)
    samples = 16_000

    words = words_of(text, path, vocabulary, language="ru", samples=samples)

    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[-1] <= samples


def test_a_path_that_misses_tokens_still_gives_every_word_a_place(vocabulary):
    text = "раз два три"
    path = TokenPath(alignments=[(0, 3)], probabilities=[])

    words = words_of(text, path, vocabulary, language="ru", samples=16_000)

    assert [word.text for word in words] == ["раз", "два", "три"]
    assert all(0 <= word.start <= word.end <= 16_000 for word in words)
    assert all(0.0 <= word.probability <= 1.0 for word in words)


def test_a_word_after_a_pause_does_not_begin_with_the_pause(vocabulary):
    text = "да нет"
    first = len(text_tokens("да", vocabulary))
    path = TokenPath(
        alignments=[(0, 0), *((first, position) for position in range(10, 500)), (99, 500)],
        probabilities=[0.9] * first + [0.9],
    )

    last = words_of(text, path, vocabulary, language="ru", samples=160_000)[-1]

    assert last.end - last.start <= 2 * 16_000


def test_a_word_begins_with_the_first_sound_of_its_stretch(vocabulary):
    path = TokenPath(alignments=[(0, 0), (99, 50)], probabilities=[0.9])
    audible = np.zeros(100, np.bool_)
    audible[30:40] = True

    (word,) = words_of("да", path, vocabulary, language="ru", samples=32_000, audible=audible)

    assert (word.start, word.end) == (30 * 320, 16_000)


def test_the_first_terms_are_kept_whole_within_the_budget(vocabulary):
    terms = tuple(f"Термин{number}" for number in range(200))

    tokens = term_tokens(terms, vocabulary)

    assert 0 < len(tokens) <= TERM_TOKENS
    kept = vocabulary.decode(tokens).strip().split(", ")
    assert kept == list(terms[: len(kept)])


def test_without_terms_there_is_no_previous_text(vocabulary):
    prompt = decoder_prompt("ru", term_tokens((" ", ""), vocabulary), vocabulary)

    assert vocabulary.previous not in prompt
    assert prompt == [
        vocabulary.start,
        vocabulary.language("ru"),
        vocabulary.transcribe,
        vocabulary.no_timestamps,
    ]


def test_a_term_that_spells_a_control_token_is_left_out(vocabulary):
    tokens = term_tokens(("<|endoftext|>", "Иннополис", "<|translate|>"), vocabulary)

    assert vocabulary.decode(tokens).strip() == "Иннополис"
    assert max(tokens) < vocabulary.end


def test_a_model_of_one_language_gets_no_language_token(vocabulary):
    assert decoder_prompt(None, [], vocabulary) == [vocabulary.start, vocabulary.no_timestamps]
