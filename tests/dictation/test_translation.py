"""What a session shows, as it is stored."""

from service.dictation.outputs import ShowFinal
from service.dictation.transcripts import StoredFinal
from service.dictation.translation import stored_final
from workers.contract.finishing import Finished
from workers.contract.requests import Hypothesis
from workers.contract.words import Word


def shown(text: str, *, small_inside: bool) -> ShowFinal:
    words = tuple(
        Word(text=word, start=place, end=place + 1, probability=1.0)
        for place, word in enumerate(text.split())
    )
    finished = Finished(text=text, words=words, small_inside=small_inside)
    heard = Hypothesis(request="r", text=text.lower(), language="ru", finished=finished)
    return ShowFinal(utterance=1, start=100, end=200, hypothesis=heard)


def after(text: str, said: ShowFinal) -> StoredFinal:
    before = StoredFinal(utterance=0, start=0, end=90, text=text, raw=text, language="ru")
    return stored_final(said, [before], text)


def test_a_final_that_goes_on_with_a_sentence_begins_small_and_so_does_its_first_word():
    final = after("Мы поехали на", shown("Вокзал в город.", small_inside=True))
    assert (final.text, final.glue) == ("вокзал в город.", " ")
    assert [word.text for word in final.words] == ["вокзал", "в", "город."]
    assert final.raw == "вокзал в город."


def test_a_name_and_the_beginning_of_a_sentence_keep_their_capital():
    for before, small_inside in (("Мы поехали на", False), ("Мы поехали.", True), ("", True)):
        final = after(before, shown("Москва ждёт.", small_inside=small_inside))
        assert final.text == "Москва ждёт."
        assert final.words[0].text == "Москва"
