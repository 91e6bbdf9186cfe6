"""Previews of an open utterance: what is asked for, and what is shown of the answers."""

from dataclasses import replace

from service.dictation.previews import CUT_FROM_SAMPLES, Previews
from tests.dictation.speech import (
    MS,
    Recognise,
    ShowFinal,
    ShowPartial,
    driven,
    heard,
    new_session,
    silence,
    speech,
)
from workers.contract.requests import Priority

SECOND = 1000 * MS
PAUSED = 350 * MS
PAUSE = silence(
    350
)  # PAUSED of it: longer than what makes a pause, shorter than what ends an utterance


def shown(previews: Previews, revision: int, text: str) -> str:
    one = previews.answered(revision, text)
    assert one is not None
    return one.stable + one.tail


def test_each_preview_carries_the_one_before_it_as_a_draft() -> None:
    previews = Previews(0, interval=SECOND)
    first = previews.ask(SECOND, interval=SECOND)
    shown(previews, first.revision, "раз два")
    assert first.draft == ""
    assert previews.ask(2 * SECOND, interval=SECOND).draft == "раз два"


def test_after_a_pause_in_a_long_stretch_only_the_rest_is_decoded_and_all_of_it_is_shown() -> None:
    previews = Previews(0, interval=SECOND)
    pause = previews.ask_to_pause(5 * SECOND, now=5 * SECOND + PAUSED, interval=SECOND)
    shown(previews, pause.revision, "Раз, два, три.")
    rest = previews.ask(6 * SECOND, interval=SECOND)
    assert (rest.start, rest.draft) == (5 * SECOND, "")
    assert shown(previews, rest.revision, "Четыре.") == "Раз, два, три. Четыре."


def test_an_answer_from_before_the_cut_is_shown_whole() -> None:
    previews = Previews(0, interval=SECOND)
    pause = previews.ask_to_pause(5 * SECOND, now=5 * SECOND + PAUSED, interval=SECOND)
    asked_before_the_answer = previews.ask(6 * SECOND, interval=SECOND)
    shown(previews, pause.revision, "раз два")
    assert asked_before_the_answer.start == 0
    assert shown(previews, asked_before_the_answer.revision, "раз два три") == "раз два три"


def test_the_draft_is_never_taken_from_another_stretch() -> None:
    previews = Previews(0, interval=SECOND)
    pause = previews.ask_to_pause(5 * SECOND, now=5 * SECOND + PAUSED, interval=SECOND)
    whole = previews.ask(6 * SECOND, interval=SECOND)
    shown(previews, pause.revision, "раз два")
    shown(previews, whole.revision, "раз два три")
    assert previews.ask(7 * SECOND, interval=SECOND).draft == ""


def test_short_stretches_and_empty_texts_are_not_cut_off() -> None:
    previews = Previews(0, interval=SECOND)
    later = {"now": 6 * SECOND, "interval": SECOND}
    previews.cut(CUT_FROM_SAMPLES - 1, "раз", **later)
    assert previews.ask(5 * SECOND, interval=SECOND).start == 0
    previews.cut(5 * SECOND, "", **later)
    assert previews.ask(6 * SECOND, interval=SECOND).start == 0
    previews.cut(5 * SECOND, "раз", **later)
    assert previews.ask(7 * SECOND, interval=SECOND).start == 5 * SECOND


def test_an_answer_older_than_what_is_shown_changes_nothing() -> None:
    previews = Previews(0, interval=SECOND)
    older = previews.ask_to_pause(5 * SECOND, now=5 * SECOND + PAUSED, interval=SECOND)
    newer = previews.ask(6 * SECOND, interval=SECOND)
    shown(previews, newer.revision, "раз два три")
    assert previews.answered(older.revision, "раз два") is None
    assert previews.ask(7 * SECOND, interval=SECOND).start == 0
    assert previews.answered(newer.revision, "второй раз") is None


def test_without_pauses_previews_of_long_stretches_come_half_as_often() -> None:
    previews = Previews(0, interval=SECOND)
    previews.ask(8 * SECOND, interval=SECOND)
    assert not previews.is_due(10 * SECOND - 1)
    assert previews.is_due(10 * SECOND)


def test_a_preview_is_never_a_pause_and_the_first_moment_of_what_follows() -> None:
    previews = Previews(0, interval=SECOND)
    previews.ask_to_pause(5 * SECOND, now=5 * SECOND + PAUSED, interval=SECOND)
    assert not previews.is_due(6 * SECOND)
    assert previews.is_due(6 * SECOND + PAUSED)
    previews.cut(10 * SECOND, "раз", now=12 * SECOND, interval=SECOND)
    assert not previews.is_due(13 * SECOND - 1)
    assert previews.is_due(13 * SECOND)


def test_a_doubtful_text_is_shown_but_nothing_is_built_on_it() -> None:
    previews = Previews(0, interval=SECOND)
    pause = previews.ask_to_pause(5 * SECOND, now=5 * SECOND + PAUSED, interval=SECOND)
    assert previews.answered(pause.revision, "раз", sound=False) is not None
    assert previews.ask(7 * SECOND, interval=SECOND).start == 0


def test_what_disagrees_with_stable_words_at_a_cut_hides_nothing_that_is_said_later() -> None:
    previews = Previews(0, interval=SECOND)
    for text in ("Мы поедем в Москву завтра", "Мы поедем в Москву завтра"):
        shown(previews, previews.ask(5 * SECOND, interval=SECOND).revision, text)
    pause = previews.ask_to_pause(6 * SECOND, now=6 * SECOND + PAUSED, interval=SECOND)
    shown(previews, pause.revision, "Мы едем Москву завтра утром рано.")
    seen = ""
    for seconds, text in ((8, "Там"), (9, "Там встретимся"), (10, "Там встретимся все")):
        one = previews.answered(previews.ask(seconds * SECOND, interval=SECOND).revision, text)
        assert one is not None
        assert one.stable.startswith(seen)
        seen = one.stable
        assert (one.stable + one.tail).endswith(text)
    assert seen.endswith("Там")


def test_the_previews_of_a_number_used_again_go_on_counting() -> None:
    previews = Previews(SECOND, interval=SECOND, revision=3)
    assert previews.ask(2 * SECOND, interval=SECOND).revision == 4
    assert previews.answered(3, "что-то до этого") is None


def long_speech_with_a_pause() -> bytes:
    return speech(5000, seed=1) + PAUSE + speech(2500, seed=2)


def previews_asked(outputs: list) -> list:
    return [
        o.request
        for o in outputs
        if isinstance(o, Recognise) and o.request.priority is Priority.PARTIAL
    ]


def test_a_speculative_text_ends_a_long_stretch_when_speech_goes_on() -> None:
    run = driven()
    run.push(long_speech_with_a_pause())
    (ahead,) = [r.request for r in run.of(Recognise) if r.request.priority is Priority.SPECULATIVE]
    after = previews_asked(run.outputs)[-1]
    assert all(request.samples >= 1000 * MS for request in previews_asked(run.outputs))
    assert after.samples < 3000 * MS
    last = run.of(ShowPartial)[-1]
    assert last.stable + last.tail == f"{heard(ahead).text} {heard(after).text}"


def test_without_speculation_the_pause_itself_is_previewed_once_speech_goes_on() -> None:
    run = driven(speculation_ms=0)
    run.push(speech(5500, seed=1) + PAUSE)
    assert len(previews_asked(run.outputs)) == 5
    run.push(speech(2500, seed=2))
    at_pause, rest, last = previews_asked(run.outputs)[5:]
    assert 5500 * MS <= at_pause.samples <= 6100 * MS
    assert rest.samples < last.samples < 3000 * MS
    said = run.of(ShowPartial)[-1]
    assert said.stable + said.tail == f"{heard(at_pause).text} {heard(last).text}"


def test_the_pause_is_previewed_too_where_the_speculative_text_did_not_come_in_time() -> None:
    session = new_session()
    session.audio(speech(5500, seed=1) + PAUSE)
    outputs = session.audio(speech(300, seed=2))
    (asked,) = previews_asked(outputs)
    assert 5500 * MS <= asked.samples <= 6100 * MS


def test_nothing_is_built_on_a_speculative_text_that_a_guard_had_to_cut() -> None:
    session = new_session()
    outputs = session.audio(speech(5500, seed=1) + PAUSE)
    (ahead,) = [
        o.request
        for o in outputs
        if isinstance(o, Recognise) and o.request.priority is Priority.SPECULATIVE
    ]
    session.answered(ahead, replace(heard(ahead), filtered="repetition"))
    asked = previews_asked(session.audio(speech(2500, seed=2)))
    assert asked
    assert all(request.samples > 5500 * MS for request in asked)


def test_the_end_of_a_long_utterance_costs_no_preview_of_its_own() -> None:
    session = new_session()
    session.audio(speech(5500, seed=1) + PAUSE)
    assert previews_asked(session.audio(silence(1000))) == []


def test_a_cut_of_the_previews_leaves_the_final_whole() -> None:
    run = driven()
    run.push(long_speech_with_a_pause() + silence(1000))
    (final,) = run.of(ShowFinal)
    assert (final.end - final.start) > 7500 * MS
    ahead = next(
        place
        for place, output in reversed(list(enumerate(run.outputs)))
        if isinstance(output, Recognise) and output.request.priority is Priority.SPECULATIVE
    )
    shown = [one for one in run.outputs[:ahead] if isinstance(one, ShowPartial)][-1]
    # The draft is what was heard of all of it, not of the part behind the cut.
    draft = run.outputs[ahead].request.draft
    assert len(draft.split()) == len((shown.stable + shown.tail).split()) > 1
    assert (shown.stable + shown.tail).endswith(draft.split()[-1])
