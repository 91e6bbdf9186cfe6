"""What people see of an open utterance."""

from hypothesis import given
from hypothesis import strategies as st

from service.dictation.stabilisation import Stabiliser


def shown(*texts: str) -> list[tuple[str, str]]:
    stabiliser = Stabiliser()
    return [stabiliser.update(text) for text in texts]


def test_the_first_hypothesis_is_all_tail() -> None:
    assert shown("добрый день") == [("", "добрый день")]


def test_words_two_hypotheses_agree_on_become_stable_but_for_the_last() -> None:
    assert shown("Добрый день кол", "Добрый день, коллеги")[1] == ("Добрый", " день, коллеги")


def test_case_marks_and_yo_do_not_count_as_disagreement() -> None:
    assert shown("все еще тут да", "Всё, ещё тут да")[1] == ("Всё, ещё тут", " да")


def test_a_later_disagreement_does_not_take_stable_words_back() -> None:
    views = shown("раз два три", "раз два три четыре", "рис два пять шесть")

    assert views[1][0] == "раз два"
    assert views[2][0] == "раз два"


def test_a_disagreeing_hypothesis_does_not_make_words_stable() -> None:
    views = shown("раз два три", "раз два три", "ноль два три пять", "ноль два три пять")

    assert views[-1][0] == "раз два"


words = st.lists(st.sampled_from(["да", "нет", "раз", "Два,", "три."]), max_size=8).map(" ".join)


@given(texts=st.lists(words, max_size=12))
def test_the_stable_part_only_grows(texts: list[str]) -> None:
    stabiliser = Stabiliser()
    before = ""
    for text in texts:
        stable, tail = stabiliser.update(text)
        assert stable.startswith(before)
        assert len((stable + tail).split()) >= len(text.split()) or not tail
        before = stable
