"""A person's terms, by the language they are said in."""

from hypothesis import given
from hypothesis import strategies as st

from service.library.wanted import MOST_LANGUAGES, MOST_LETTERS, Vocabulary

words = st.text("абв", min_size=1, max_size=3)
stored_terms = st.lists(
    st.fixed_dictionaries({"term": words, "language": st.sampled_from([None, "ru", "en", "de"])})
)


@given(stored_terms, st.lists(st.sampled_from([None, "ru", "en", "de", "fr", "fi"]), max_size=12))
def test_a_vocabulary_has_the_terms_of_a_language_and_of_none(stored, languages):
    vocabulary = Vocabulary(stored)
    for language in languages:
        wanted = [
            one["term"] for one in stored if language is None or one["language"] in (None, language)
        ]
        found = vocabulary.of(language)

        assert [term.term for term in found] == wanted
        assert vocabulary.of(language) is found


def test_a_vocabulary_is_bounded():
    letters = "а" * (MOST_LETTERS // 4)
    vocabulary = Vocabulary({"term": letters, "language": f"l{n}"} for n in range(9))

    for language in range(9):
        vocabulary.of(f"l{language}")

    assert len(vocabulary.of(None)) == 4
    assert vocabulary.bytes_held < 3 * MOST_LETTERS + MOST_LANGUAGES * 1000
