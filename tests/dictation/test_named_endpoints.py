"""Utterances that end, or are forgotten, because the client says so."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from service.dictation.markers import AtMarker
from service.dictation.outputs import SpeechStarted, SpeechStopped
from tests.dictation.speech import (
    MS,
    Driven,
    Finished,
    MarkerPassed,
    Recognise,
    ShowFinal,
    driven,
    silence,
    speech,
)
from workers.contract.requests import Priority


def test_an_utterance_ended_by_its_speaker_is_a_final_at_once() -> None:
    run = driven()

    run.push(silence(500) + speech(1003))
    run.mark("key up", AtMarker.ENDS)

    assert [end for _, end, _ in run.finals] == [1503 * MS]
    assert run.outputs[-1] == MarkerPassed(id="key up")


def test_speech_that_goes_on_after_a_named_end_loses_no_sample() -> None:
    run = driven()

    run.push(speech(1003))
    run.mark("cut", AtMarker.ENDS)
    run.push(speech(997, seed=1))
    run.finish()

    (_, end, _), (start, last, _) = run.finals
    assert end == start == 1003 * MS
    assert last == 2000 * MS


def test_a_word_that_only_just_began_at_a_named_end_is_whole_in_the_next_final() -> None:
    run = driven()

    run.push(silence(1000) + speech(100))
    run.mark("cut", AtMarker.ENDS)
    assert run.finals == []
    assert run.outputs[-1] == MarkerPassed(id="cut")
    run.push(speech(700, seed=1))
    run.finish()

    ((start, end, _),) = run.finals
    assert start < 1000 * MS
    assert end == 1800 * MS


def test_a_named_end_in_a_pause_uses_what_was_decoded_ahead() -> None:
    run = driven(partial_interval_ms=0)

    run.push(speech(1000) + silence(400))
    run.mark("key up", AtMarker.ENDS)

    assert [r.request.priority for r in run.of(Recognise)] == [Priority.SPECULATIVE]
    assert len(run.finals) == 1


def test_a_named_end_in_silence_changes_nothing() -> None:
    run = driven()

    run.push(silence(777))
    run.mark("key up", AtMarker.ENDS)
    run.finish()

    assert run.outputs == [MarkerPassed(id="key up"), Finished(samples=777 * MS)]


def test_what_is_dropped_never_becomes_text_and_takes_nothing_else_with_it() -> None:
    run = driven(partial_interval_ms=0)

    run.push(speech(900) + silence(1000) + speech(1003, seed=1))
    run.mark("clear", AtMarker.DROPPED)
    run.push(speech(1500, seed=2))
    run.finish()

    assert [f.utterance for f in run.of(ShowFinal)] == [0, 1]
    (_, end, _), (start, _, _) = run.finals
    assert end < 1200 * MS
    assert start == 2903 * MS


def test_speech_is_told_to_start_and_stop_once_for_each_final_and_not_for_a_click() -> None:
    run = driven(tells_speech=True)

    run.push(speech(70) + silence(900) + speech(900) + silence(900) + speech(29_000, seed=1))
    run.finish()

    told = [o for o in run.outputs if isinstance(o, SpeechStarted | SpeechStopped)]
    finals = run.of(ShowFinal)
    assert len(finals) == 3
    assert [o.utterance for o in told] == [0, 0, 1, 1, 2, 2]
    assert [(o.start, o.end) for o in told if isinstance(o, SpeechStopped)] == [
        (f.start, f.end) for f in finals
    ]


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("speech", "silence")), st.integers(10, 3000)),
        st.tuples(st.sampled_from((AtMarker.ENDS, AtMarker.DROPPED)), st.just(0)),
    ),
    min_size=1,
    max_size=10,
)


def played(script: list, *, message_samples: int) -> Driven:
    run = driven()
    for index, (kind, ms) in enumerate(script):
        if isinstance(kind, AtMarker):
            run.mark(str(index), kind)
            continue
        pcm = speech(ms, seed=index) if kind == "speech" else silence(ms)
        for first in range(0, len(pcm), 2 * message_samples):
            run.push_at_once(pcm[first : first + 2 * message_samples])
    run.finish()
    return run


@given(script=steps, message_samples=st.integers(200, 40_000))
def test_named_ends_at_the_same_places_give_the_same_finals_however_audio_is_cut(
    script, message_samples
) -> None:
    whole, cut = (
        played(script, message_samples=10**9),
        played(script, message_samples=message_samples),
    )

    assert whole.finals == cut.finals
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(whole.finals))
    assert len(whole.of(MarkerPassed)) == sum(isinstance(kind, AtMarker) for kind, _ in script)
    assert isinstance(whole.outputs[-1], Finished)


@given(script=steps)
def test_named_ends_lose_no_speech(script) -> None:
    kept = [(kind, ms) for kind, ms in script if kind is not AtMarker.DROPPED]
    covered = [(start, end) for start, end, _ in played(kept, message_samples=10**9).finals]

    position = 0
    for kind, ms in kept:
        end = position + ms * MS
        if kind == "speech" and ms >= 250:
            middle = (position + end) // 2
            assert any(start <= middle < stop for start, stop in covered)
        position = end
