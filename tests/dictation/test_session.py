"""The state machine of one dictation: said with literals."""

import itertools

from service.dictation.endpointing import FRAME_SAMPLES, LONGEST_SAMPLES, TAIL_SAMPLES
from service.dictation.utterances import ATTEMPTS
from tests.dictation.speech import (
    MS,
    Driven,
    Finished,
    GaveUp,
    MarkerPassed,
    Recognise,
    ShowFinal,
    ShowPartial,
    Withdraw,
    driven,
    heard,
    new_session,
    silence,
    speech,
)
from workers.contract.audio import WINDOW_LIMIT_SAMPLES
from workers.contract.errors import BROKEN, POISON, SHED
from workers.contract.requests import Failure, Hypothesis, Priority


def test_silence_asks_for_nothing_and_finishes() -> None:
    run = driven()

    run.push(silence(20_000))
    run.finish()

    assert run.outputs == [Finished(samples=20_000 * MS)]


def test_a_key_tapped_without_a_word_finishes() -> None:
    run = driven()

    run.finish()

    assert run.outputs == [Finished(samples=0)]


def test_two_utterances_give_two_finals_in_order() -> None:
    run = driven()

    run.push(speech(2000, seed=1) + silence(1000) + speech(1500, seed=2) + silence(300))
    run.finish()

    (first_start, first_end, _), (second_start, second_end, _) = run.finals
    assert first_start == 0
    assert abs(first_end - (2000 * MS + TAIL_SAMPLES)) <= FRAME_SAMPLES
    assert first_end <= second_start <= 3000 * MS
    assert second_end <= 4800 * MS
    assert [f.utterance for f in run.of(ShowFinal)] == [0, 1]
    assert run.outputs[-1] == Finished(samples=4800 * MS)


def test_a_click_is_not_an_utterance() -> None:
    run = driven()

    run.push(silence(500) + speech(70) + silence(2000))
    run.finish()

    assert run.finals == []


def test_speech_up_to_the_last_sample_is_in_the_final() -> None:
    run = driven()

    run.push(speech(1234))
    run.finish()

    assert run.finals[0][:2] == (0, 1234 * MS)


def test_a_speculative_final_that_proves_right_is_used_without_asking_again() -> None:
    run = driven(partial_interval_ms=0)

    run.push(silence(500) + speech(2000) + silence(1000))

    asked = run.of(Recognise)
    assert [r.request.priority for r in asked] == [Priority.SPECULATIVE]
    assert len(run.finals) == 1


def test_the_final_is_the_same_with_and_without_speculation() -> None:
    audio = silence(300) + speech(2000) + silence(250) + speech(900, seed=3) + silence(1000)
    ahead, plain = driven(), driven(speculation_ms=0)

    ahead.push(audio)
    plain.push(audio)

    assert ahead.finals == plain.finals
    assert len(plain.finals) == 1


def test_speech_that_resumes_withdraws_the_speculative_final() -> None:
    session = new_session(partial_interval_ms=0)

    outputs = session.audio(speech(1000) + silence(300) + speech(1000, seed=2))

    asked, withdrawn = outputs
    assert isinstance(asked, Recognise)
    assert withdrawn == Withdraw(request=asked.request.id)


def test_a_speculative_final_not_answered_yet_is_asked_for_again_as_a_final() -> None:
    session = new_session(partial_interval_ms=0)

    ahead, final = session.audio(speech(1000) + silence(1000))

    assert isinstance(ahead, Recognise)
    assert isinstance(final, Recognise)
    assert ahead.request.id == final.request.id
    assert (ahead.request.priority, final.request.priority) == (
        Priority.SPECULATIVE,
        Priority.FINAL,
    )
    assert ahead.request.pcm == final.request.pcm
    shown = session.answered(ahead.request, heard(ahead.request))
    assert isinstance(shown[0], ShowFinal)
    assert session.answered(final.request, heard(final.request)) == []


def test_a_failed_speculation_does_not_fail_the_final() -> None:
    session = new_session(partial_interval_ms=0)
    ahead, final = session.audio(speech(1000) + silence(1000))

    shed = Failure(request=ahead.request.id, code=SHED, message="", retryable=True)

    assert session.answered(ahead.request, shed) == []
    assert isinstance(session.answered(final.request, heard(final.request))[0], ShowFinal)


def test_finals_wait_for_those_before_them() -> None:
    session = new_session(partial_interval_ms=0, speculation_ms=0)
    first, second = session.audio(speech(1000) + silence(900) + speech(1000) + silence(900))

    early = session.answered(second.request, heard(second.request))
    both = session.answered(first.request, heard(first.request))

    assert early == []
    assert [output.utterance for output in both] == [0, 1]


def test_a_final_that_fails_is_tried_again_and_then_given_up() -> None:
    session = new_session(partial_interval_ms=0, speculation_ms=0)
    (asked,) = session.audio(speech(1000) + silence(900))
    failure = Failure(request=asked.request.id, code=BROKEN, message="", retryable=True)

    waits = []
    for _ in range(ATTEMPTS - 1):
        (again,) = session.answered(asked.request, failure)
        assert again.request == asked.request
        waits.append(again.after_s)
    (given_up,) = session.answered(asked.request, failure)

    assert waits == sorted(waits)
    assert waits[0] > 0
    assert isinstance(given_up, GaveUp)


def test_a_poison_window_is_given_up_at_once() -> None:
    session = new_session(partial_interval_ms=0, speculation_ms=0)
    (asked,) = session.audio(speech(1000) + silence(900))

    poison = Failure(request=asked.request.id, code=POISON, message="", retryable=False)

    assert isinstance(session.answered(asked.request, poison)[0], GaveUp)


def test_ten_minutes_without_a_pause_are_cut_into_windows_that_tile_the_speech() -> None:
    run = driven(partial_interval_ms=0)
    audio = b"".join(speech(1000, seed=second) for second in range(600))

    run.push(audio)
    run.finish()

    spans = [(start, end) for start, end, _ in run.finals]
    assert spans[0][0] == 0
    assert spans[-1][1] == 600_000 * MS
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    assert all(end - start <= LONGEST_SAMPLES < WINDOW_LIMIT_SAMPLES for start, end in spans)


def test_a_forced_cut_falls_into_the_quietest_moment() -> None:
    run = driven(partial_interval_ms=0)
    quiet_at = 22_000

    run.push(speech(quiet_at) + silence(120) + speech(8000, seed=2))
    run.finish()

    assert (
        quiet_at * MS - FRAME_SAMPLES <= run.finals[0][1] <= (quiet_at + 120) * MS + FRAME_SAMPLES
    )


def test_partials_come_every_second_of_speech_and_never_in_silence() -> None:
    run = driven()

    run.push(speech(3500) + silence(500))

    partials = [r.request for r in run.of(Recognise) if r.request.priority is Priority.PARTIAL]
    assert [p.revision for p in partials] == [1, 2, 3]
    assert all(p.samples <= 3500 * MS for p in partials)


def test_no_partials_when_the_client_wants_none() -> None:
    run = driven(partial_interval_ms=0)

    run.push(speech(5000) + silence(1000))

    assert run.of(ShowPartial) == []


def test_a_busy_machine_makes_partials_rare_and_an_overloaded_one_stops_them() -> None:
    def partials(factor: int) -> int:
        run = driven()
        run.session.slow_partials(factor)
        run.push(speech(7000))
        return sum(r.request.priority is Priority.PARTIAL for r in run.of(Recognise))

    assert partials(1) > partials(2) > partials(0) == 0


def test_a_late_partial_of_a_closed_utterance_is_not_shown() -> None:
    session = new_session(speculation_ms=0)
    outputs = session.audio(speech(1500) + silence(1000))
    partial = next(o for o in outputs if o.request.priority is Priority.PARTIAL)

    assert session.answered(partial.request, heard(partial.request)) == []


def test_an_older_partial_does_not_replace_a_newer_one() -> None:
    session = new_session()
    first, second = session.audio(speech(2500))

    assert session.answered(second.request, heard(second.request))
    assert session.answered(first.request, heard(first.request)) == []


def test_a_marker_is_passed_when_all_audio_before_it_is_in_a_final() -> None:
    session = new_session(partial_interval_ms=0, speculation_ms=0)
    session.audio(speech(1000))
    assert session.marker("one") == []
    (asked,) = session.audio(silence(900))

    outputs = session.answered(asked.request, heard(asked.request))

    assert outputs[1:] == [MarkerPassed(id="one")]


def test_a_marker_in_silence_is_passed_at_once() -> None:
    session = new_session()
    session.audio(silence(1024))

    assert session.marker("quiet") == [MarkerPassed(id="quiet")]


def test_audio_is_settled_only_when_its_final_is_stored() -> None:
    session = new_session(partial_interval_ms=0, speculation_ms=0)
    (asked,) = session.audio(silence(2000) + speech(1000) + silence(900))
    start = asked.request.id

    assert session.settled < 2000 * MS
    session.answered(asked.request, heard(asked.request))
    assert session.settled < 2000 * MS, start
    session.stored(0)
    assert session.settled >= 3000 * MS


def test_a_certain_language_is_kept_and_an_uncertain_one_is_not() -> None:
    def language_after(probability: float) -> str | None:
        session = new_session(partial_interval_ms=0, speculation_ms=0, language=None)
        (asked,) = session.audio(speech(1000) + silence(900))
        session.answered(
            asked.request,
            Hypothesis(
                request=asked.request.id,
                text="слово",
                language="ru",
                language_probability=probability,
            ),
        )
        return session.language

    assert language_after(0.9) == "ru"
    assert language_after(0.5) is None


def test_a_session_taken_up_again_counts_on_from_where_it_was() -> None:
    run = Driven(new_session(first_sample=48_000, first_utterance=3))

    run.push(speech(1000))
    run.finish()

    assert run.finals[0][0] == 48_000
    assert run.of(ShowFinal)[0].utterance == 3
    assert run.outputs[-1] == Finished(samples=48_000 + 16_000)


def test_memory_is_let_go_once_nothing_can_need_it() -> None:
    session = new_session(partial_interval_ms=0)

    for second in range(300):
        for output in session.audio(speech(700, seed=second) + silence(900)):
            if isinstance(output, Recognise):
                session.answered(output.request, heard(output.request))

    assert session.unanswered_samples == 0
    held = session._buffer.end - session._buffer._start
    assert held <= 2 * 16_000
