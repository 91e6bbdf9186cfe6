"""The finals of a session that ends, as its transcript has them."""

from collections.abc import Sequence

from service.dictation.composition import composed
from service.dictation.outputs import ShowFinal
from service.dictation.rejoining import as_transcribed
from service.dictation.transcripts import StoredFinal, StoredWord, as_shown
from service.dictation.translation import stored_final
from workers.contract.finishing import Finished, Finishing
from workers.contract.requests import Hypothesis
from workers.contract.texts import FinishingFailed, Text


def final(number: int, text: str, **fields: object) -> StoredFinal:
    words = tuple(
        StoredWord(text=word, start=place, end=place + 1, probability=1.0)
        for place, word in enumerate(text.split())
    )
    return StoredFinal(
        utterance=number, start=0, end=9, text=text, raw=text, language="ru", words=words, **fields
    )


class Joiner:
    """Joins a sentence to one that goes on «на вокзал»."""

    punctuator = "fake"

    async def finish(self, texts: Sequence[Text]) -> list[Finished]:
        raise NotImplementedError

    async def rejoined(self, finals: Sequence[tuple[str, str | None]]) -> list[str]:
        texts = [text for text, _ in finals]
        for place in range(1, len(texts)):
            if texts[place].startswith("На вокзал"):
                texts[place - 1] = texts[place - 1].rstrip(".")
                texts[place] = f"н{texts[place][1:]}"
        return texts


class Failing(Joiner):
    async def rejoined(self, finals: Sequence[tuple[str, str | None]]) -> list[str]:
        raise FinishingFailed("not now")


async def test_a_cut_sentence_is_whole_and_what_was_shown_is_beside_it():
    shown = [final(0, "Мы поехали."), final(1, "На вокзал.")]

    first, second = await as_transcribed(shown, Joiner(), joins=True)

    assert composed([first, second]) == "Мы поехали на вокзал."
    assert [word.text for word in second.words] == ["на", "вокзал."]
    assert [first.typed, second.typed] == [as_shown(one) for one in shown]


async def test_a_mark_that_a_chat_had_left_off_stands_once():
    shown = [final(0, "Привет", withheld="."), final(1, "Пока", glue=". ")]

    assert composed(shown) == "Привет. Пока"
    assert composed(await as_transcribed(shown, Joiner(), joins=True)) == "Привет. Пока"
    cut = [final(0, "Мы поехали", withheld="."), final(1, "На вокзал", glue=". ")]
    assert composed(await as_transcribed(cut, Joiner(), joins=True)) == "Мы поехали на вокзал"


async def test_what_was_erased_is_gone_also_when_nothing_can_be_joined():
    shown = [final(0, "Раз."), final(1, "Два."), final(2, "", erase=5)]

    kept = await as_transcribed(shown, Failing(), joins=True)

    assert composed(kept) == "Раз."
    assert [one.erase for one in kept] == [0, 0, 0]
    assert kept[1].words == ()
    assert kept[0] is shown[0], "who is as shown is not rewritten"


def test_a_mark_left_off_waits_over_noise():
    def said(number: int, before: list[StoredFinal], finished: Finished) -> StoredFinal:
        heard = Hypothesis(request="r", text=finished.text, language="ru", finished=finished)
        shown = ShowFinal(utterance=number, start=0, end=9, hypothesis=heard)
        return stored_final(shown, before, composed(before))

    finals: list[StoredFinal] = []
    for number, (text, withheld) in enumerate([("Привет", "."), ("", ""), ("Пока", ".")]):
        finals.append(said(number, finals, Finished(text=text, withheld=withheld)))

    assert composed(finals) == "Привет. Пока"


def test_sentences_are_joined_where_marks_are_wanted():
    assert Finishing().joins_sentences
    assert not Finishing(style="raw").joins_sentences
    assert not Finishing(steps=frozenset()).joins_sentences
