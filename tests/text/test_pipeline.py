"""The steps together: in their order, each to be switched off, for many people at once."""

from datetime import UTC, datetime, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from workers.contract.finishing import (
    USUAL_STEPS,
    Finished,
    Finishing,
    Person,
    Snippet,
    Step,
    Term,
)
from workers.moments import moment_of
from workers.text.pipeline import Utterance, Wishes, finished
from workers.text.tokens import read

WISHES = Finishing(
    terms=(Term(term="Kubernetes", sounds_like=("кубернетес",)),),
    snippets=(Snippet(trigger="моя почта", text="ivan@example.ru {cursor}"),),
    person=Person(name="Иван", time_zone="Europe/Moscow"),
)


def utterance(text: str, wanted: Finishing = WISHES, language: str | None = "ru") -> Utterance:
    return Utterance(tokens=read(text), language=language, wishes=Wishes(wanted))


def finish(text: str, wanted: Finishing = WISHES, language: str | None = "ru") -> Finished:
    return finished([utterance(text, wanted, language)])[0]


def test_every_step_does_its_part():
    done = finish("Э-э, встреча по кубернетес двадцать пятого января, пишите на моя почта.")

    assert done.text == "Встреча по Kubernetes 25 января, пишите на ivan@example.ru ."
    assert [marker.name for marker in done.markers] == ["cursor"]
    assert [taken.step for taken in done.steps] == [step for step in Step if step in USUAL_STEPS]
    assert done.steps[0].before.startswith("Э-э, встреча")
    assert done.steps[-1].after == done.text
    for before, after in zip(done.steps, done.steps[1:], strict=False):
        assert before.after == after.before


def test_a_step_that_is_off_is_not_taken():
    text = "Э-э, двадцать пять человек."
    for step, kept in ((Step.FILLERS, "Э-э"), (Step.NUMBERS, "двадцать пять")):
        done = finish(text, Finishing(steps=USUAL_STEPS - {step}))
        assert kept.lower() in done.text.lower()
        assert step not in {taken.step for taken in done.steps}


def test_a_command_goes_before_a_snippet_of_the_same_words():
    wanted = Finishing(snippets=(Snippet(trigger="новая строка", text="СТРОКА"),))
    said = "Молоко, новая строка, хлеб"

    assert finish(said, wanted).text == "Молоко\nХлеб"
    for without in (
        Finishing(snippets=wanted.snippets, steps=USUAL_STEPS - {Step.COMMANDS}),
        Finishing(snippets=wanted.snippets, commands_off=frozenset({"new_line"})),
    ):
        assert finish(said, without).text == "Молоко, СТРОКА, хлеб"


def test_raw_is_the_text_as_recognised():
    text = "э-э двадцать пять точка"
    assert finish(text, Finishing(style="raw")) == Finished(text=text)


def test_other_languages_keep_their_numbers_and_marks():
    assert finish("twenty five people", language="en").text == "twenty five people"
    assert finish("у мене сорок п'ять", language="uk").text == "у мене сорок п'ять"


def test_a_snippet_says_the_day_and_the_hour_at_which_it_is_inserted():
    wanted = Finishing(
        snippets=(Snippet(trigger="печать", text="{date}, {time}, {name}"),),
        person=Person(name="Вера", time_zone="Asia/Vladivostok"),
    )
    said = [utterance("печать", wanted)]
    late = datetime(2026, 11, 22, 13, 59, tzinfo=UTC)

    (before,) = finished(said, moment_of=partial(moment_of, late))
    (after,) = finished(said, moment_of=partial(moment_of, late + timedelta(minutes=2)))

    assert before.text == "22 ноября 2026 г., 23:59, Вера"
    assert after.text == "23 ноября 2026 г., 00:01, Вера"


def test_what_a_command_deletes_elsewhere_is_told():
    done = finish("Удали последнее слово.")
    assert (done.text, done.undo) == ("", 1)


def test_nobody_gets_anything_of_anybody_else():
    alone = [finish("пишите на моя почта"), finish("пишите на моя почта", Finishing())]
    together = finished([utterance("пишите на моя почта", one) for one in (WISHES, Finishing())])
    assert together == alone


@given(st.text(max_size=200), st.sampled_from(["ru", "en", None]))
def test_any_text_can_be_finished(text, language):
    done = finish(text, language=language)
    assert isinstance(done.text, str)


def test_only_a_first_capital_that_punctuation_gave_is_small_inside_a_sentence():
    assert finish("на вокзал.").small_inside
    assert finish("на вокзал.").text == "На вокзал."
    for said in (
        "На вокзал.",
        "«на вокзал».",
        "пятого мая.",
        "кубернетес растёт.",
        "капсом вокзал.",
    ):
        assert not finish(said).small_inside, said
    assert not finish("на вокзал.", Finishing(style="raw")).small_inside
    assert not finish("на вокзал.", Finishing(style="code")).small_inside
