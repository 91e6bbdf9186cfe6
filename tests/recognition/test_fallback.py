from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.audio import WINDOW_LIMIT_SAMPLES
from workers.contract.engine import Again, Plan
from workers.contract.requests import Hypothesis, Priority, Request
from workers.recognition.fallback import (
    Reading,
    Tail,
    compression_ratio,
    cut_repetition,
    next_plan,
    repeated_tail,
    review,
)

SHORT = Plan(window_samples=96_000, beam=5)
WHOLE = Plan(window_samples=WINDOW_LIMIT_SAMPLES, beam=5, attempt=1)
TOP = Plan(window_samples=WINDOW_LIMIT_SAMPLES, temperature=0.4, attempt=3)
SENTENCE = "Прошу посмотреть договор до пятницы и прислать замечания."


def request(priority: Priority = Priority.FINAL) -> Request:
    return Request(
        id="r",
        session="s",
        user="u",
        utterance=0,
        priority=priority,
        deadline=None,
        pcm=b"\0\0" * 64_000,
    )


def reading(text: str, *, reached_cap: bool = False, log_probability: float = -0.1) -> Reading:
    return Reading(
        hypothesis=Hypothesis(
            request="r",
            text=text,
            language="ru",
            mean_log_probability=log_probability,
        ),
        reached_cap=reached_cap,
    )


def test_a_sane_reading_is_the_answer():
    sane = reading(SENTENCE)

    assert review(request(), SHORT, sane, None) == sane.hypothesis


@pytest.mark.parametrize(
    ("doubtful", "reason"),
    [
        (reading("пять пять пять", reached_cap=True), "token_cap"),
        (reading("да " * 60), "compression"),
        (reading("мы поедем поедем поедем"), "repetition"),
        (reading("всё будет хорошо завтра всё будет хорошо завтра"), "repetition"),
        (reading(SENTENCE, log_probability=-1.3), "log_probability"),
    ],
)
def test_a_doubtful_short_window_is_decoded_at_full_length(doubtful, reason):
    outcome = review(request(), SHORT, doubtful, None)

    assert outcome == Again(
        request="r",
        plan=Plan(window_samples=WINDOW_LIMIT_SAMPLES, beam=5, attempt=1),
        reason=reason,
        best=doubtful.hypothesis,
    )


def test_a_phrase_said_three_times_stands_when_both_windows_heard_it():
    said = reading("Раз, раз, раз.")
    first = review(request(), SHORT, said, None)
    assert isinstance(first, Again)

    again = reading("раз раз раз")

    assert review(request(), first.plan, again, first.best) == again.hypothesis


def test_a_menu_that_compresses_like_a_loop_stands_when_both_windows_heard_it():
    items = ["связи", "записи", "выхода", "справки", "удаления", "ответа", "повтора", "отправки"]
    menu = " ".join(f"Для {item} сообщения нажмите {n}." for n, item in enumerate(items * 2))
    first = review(request(), SHORT, reading(menu), None)
    assert isinstance(first, Again)

    nearly = reading(menu.replace("справки", "правки"))

    assert review(request(), first.plan, nearly, first.best) == nearly.hypothesis


def test_improbable_text_is_tried_once_at_full_length_and_no_warmer():
    improbable = reading(SENTENCE, log_probability=-1.3)

    assert isinstance(review(request(), SHORT, improbable, None), Again)
    assert review(request(), WHOLE, improbable, None) == improbable.hypothesis


def test_the_ladder_goes_from_the_whole_window_to_warmer_ones_and_ends():
    plans = [SHORT]
    while (following := next_plan(plans[-1])) is not None:
        plans.append(following)

    assert [(plan.window_samples, plan.beam, plan.temperature) for plan in plans] == [
        (96_000, 5, 0.0),
        (WINDOW_LIMIT_SAMPLES, 5, 0.0),
        (WINDOW_LIMIT_SAMPLES, 1, 0.2),
        (WINDOW_LIMIT_SAMPLES, 1, 0.4),
    ]
    assert [plan.attempt for plan in plans] == [0, 1, 2, 3]


def test_at_the_top_the_better_of_all_passes_is_the_answer_without_its_loop():
    loop = reading("ну что ну что ну что", reached_cap=True, log_probability=-0.02)
    honest = Hypothesis(request="r", text=SENTENCE, language="ru", mean_log_probability=-1.1)

    assert review(request(), TOP, loop, honest) == honest
    alone = review(request(), TOP, loop, None)
    assert isinstance(alone, Hypothesis)
    assert (alone.text, alone.filtered) == ("ну что", "repetition")


def test_a_partial_never_climbs_but_loses_its_loop():
    loop = reading("мы едем едем едем едем", reached_cap=True)

    outcome = review(request(Priority.PARTIAL), SHORT, loop, None)

    assert isinstance(outcome, Hypothesis)
    assert outcome.text == "мы едем"


def test_a_better_earlier_pass_is_carried_up_the_ladder():
    honest = Hypothesis(request="r", text=SENTENCE, language="ru", mean_log_probability=-1.2)
    loop = reading("да да да да да да", reached_cap=True, log_probability=-0.01)

    outcome = review(request(), WHOLE, loop, honest)

    assert isinstance(outcome, Again)
    assert outcome.best == honest


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("", None),
        ("да", None),
        ("да да", None),
        ("да да да", Tail(1, 3)),
        ("он сказал да да да да", Tail(1, 4)),
        ("мало по малу мало по малу", None),
        ("раз два три четыре раз два три четыре", Tail(4, 2)),
        ("раз два раз два раз два", Tail(2, 3)),
        ("раз два три раз два", None),
        ("ну раз два раз два раз", Tail(2, 2, 1)),
        ("раз два три раз два три раз два т", Tail(3, 2, 3)),
        ("раз два раз два три", None),
        ("да да д", None),
    ],
)
def test_a_tail_repeats_when_said_three_times_or_four_words_twice_or_broken_off_two_words_twice_and_begun(
    text, tail
):
    assert repeated_tail(tuple(text.split()), broken_off=True) == tail


@pytest.mark.parametrize(
    "text",
    [
        "звони еще и еще и еще",
        "раз два раз два раз",
        "код 5 7 5 7 5",
        "не знаю не знаю не",
        "всё выше и выше и выше",
    ],
)
def test_a_text_that_ended_by_itself_is_not_broken_off(text):
    assert repeated_tail(tuple(text.split())) is None
    honest = Hypothesis(request="r", text=text, language="ru")
    assert cut_repetition(honest) is honest
    assert review(request(), SHORT, reading(text), None) == reading(text).hypothesis


@given(
    st.lists(st.sampled_from("абвгд"), max_size=6),
    st.lists(st.sampled_from("абвгд"), min_size=1, max_size=5),
    st.integers(3, 30),
)
def test_a_cut_text_is_a_beginning_of_it_and_no_longer_repeats(head, phrase, times):
    words = head + phrase * times
    looping = Hypothesis(request="r", text=" ".join(words), language="ru")

    cut = cut_repetition(looping)

    kept = cut.text.split()
    assert kept == words[: len(kept)]
    assert len(kept) < len(words)
    assert repeated_tail(tuple(kept)) is None


def test_a_loop_that_the_token_cap_broke_off_is_cut_to_one_turn():
    # What base wrote on a hum, once in thirty times that its last bits were changed.
    loop = Hypothesis(request="r", text="Матрики, Элли, Матрики, Элли, Матрики, Эл", language="ru")

    assert cut_repetition(loop, broken_off=True).text == "Матрики, Элли,"


def test_marks_and_dashes_do_not_hide_a_repetition():
    looping = Hypothesis(request="r", text="Так — да, да! Да. Да", language="ru")

    assert cut_repetition(looping).text == "Так — да,"


@pytest.mark.parametrize("loop", ["А" + "а" * 200, "R.I.R.I.R.I.R.I.R.I.R.I.R.I."])
def test_a_loop_within_a_word_is_dropped_with_its_word(loop):
    assert cut_repetition(Hypothesis(request="r", text=f"Так {loop}", language="ru")).text == "Так"


_SAID = "Мы договорились, что пришлём договор завтра, завтра, завтра, завтра"
_NUMBERED = "Это стоит 1000000 рублей вместе с доставкой и установкой, а потом"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Матрики, Элли, Матрики, Элли, Матрики, Эл", ""),
        ("Слышь, а-а-а-а-а-а-а-а-а-а-а-а-а-", ""),
        ("R.I.E.R.E.R.E.R.E.R.E.R.E.R.E.R", ""),
        (_SAID, _SAID),
        (_NUMBERED, _NUMBERED),
    ],
)
def test_a_capped_pass_is_come_back_to_unless_it_is_nothing_but_a_loop(text, left):
    outcome = review(request(), SHORT, reading(text, reached_cap=True), None)

    assert isinstance(outcome, Again)
    assert outcome.reason == "token_cap"
    assert outcome.best.text == left


@pytest.mark.parametrize(("times", "left"), [(12, 1), (3, 1), (2, 2)])
def test_a_text_before_a_loop_that_breaks_off_is_kept_to_the_end(times, left):
    head = "Мы вчера обсудили договор с заказчиком, он просит прислать смету и чертежи до пятницы"
    text = f"{head}{' и дальше потом' * times} и дал"
    first = review(request(), SHORT, reading(text, reached_cap=True), None)
    assert isinstance(first, Again)
    worse = reading("ну что ну что ну что", reached_cap=True, log_probability=-0.9)

    last = review(request(), TOP, worse, first.best)

    assert isinstance(last, Hypothesis)
    assert last.text == f"{head}{' и дальше потом' * left}"


def test_any_text_is_better_than_none():
    loop = reading("ну что ну что ну что", reached_cap=True, log_probability=-0.9)
    empty = Hypothesis(request="r", text="", language="ru", mean_log_probability=-0.1)

    outcome = review(request(), TOP, loop, empty)

    assert isinstance(outcome, Hypothesis)
    assert outcome.text == "ну что"


def test_text_without_a_loop_is_not_touched():
    sane = Hypothesis(request="r", text=SENTENCE, language="ru", words=())

    assert cut_repetition(sane) is sane


def test_honest_speech_compresses_less_than_a_loop():
    assert compression_ratio("") == 0.0
    assert compression_ratio(SENTENCE) < 2.4 < compression_ratio("спасибо " * 30)


def test_a_better_plan_keeps_everything_else():
    assert next_plan(replace(WHOLE, beam=1)) == replace(WHOLE, beam=1, temperature=0.2, attempt=2)
