"""The state machine of one dictation: random speech, cut and answered at random moments."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dictation.speech import (
    MS,
    Finished,
    Output,
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

patterns = st.lists(
    st.tuples(st.sampled_from(("speech", "silence")), st.integers(10, 4000)), min_size=1, max_size=8
)


def audio_of(pattern: list[tuple[str, int]]) -> bytes:
    return b"".join(
        speech(ms, seed=index) if kind == "speech" else silence(ms)
        for index, (kind, ms) in enumerate(pattern)
    )


def asked_for(outputs: list[Output], *, previews: bool) -> list[tuple[str, bytes]]:
    """Each window once: one whose speculative answer came in time is not asked for again."""
    windows = [
        (o.request.id, o.request.pcm)
        for o in outputs
        if isinstance(o, Recognise) and (previews or o.request.priority is not Priority.PARTIAL)
    ]
    return list(dict.fromkeys(windows))


def cuts_of(audio: bytes, data: st.DataObject) -> Iterator[bytes]:
    while audio:
        size = 2 * data.draw(st.integers(1, 40_000))
        yield audio[:size]
        audio = audio[size:]


@given(pattern=patterns, data=st.data())
def test_the_same_audio_cut_otherwise_gives_the_same_windows_and_text(pattern, data) -> None:
    audio = audio_of(pattern)
    whole = driven()
    whole.push_at_once(audio)
    whole.finish()

    cut = driven()
    for part in cuts_of(audio, data):
        cut.push_at_once(part)
    cut.finish()

    assert whole.finals == cut.finals
    assert asked_for(whole.outputs, previews=False) == asked_for(cut.outputs, previews=False)
    assert whole.outputs[-1] == cut.outputs[-1]


@given(pattern=patterns, data=st.data())
def test_as_long_as_nothing_is_answered_previews_too_are_the_same_however_audio_is_cut(
    pattern, data
) -> None:
    audio = audio_of(pattern)
    whole, cut = new_session(), new_session()

    at_once = whole.audio(audio) + whole.finish()
    in_parts = [output for part in cuts_of(audio, data) for output in cut.audio(part)]
    in_parts += cut.finish()

    assert asked_for(at_once, previews=True) == asked_for(in_parts, previews=True)


@given(pattern=patterns)
def test_finals_are_numbered_without_gaps_lie_in_the_audio_and_never_overlap(pattern) -> None:
    audio = audio_of(pattern)
    run = driven()
    run.push(audio)
    run.finish()

    finals = run.of(ShowFinal)
    assert [f.utterance for f in finals] == list(range(len(finals)))
    assert all(0 <= f.start < f.end <= len(audio) // 2 for f in finals)
    assert all(a.end <= b.start for a, b in itertools.pairwise(finals))
    assert isinstance(run.outputs[-1], Finished)


@given(pattern=patterns)
def test_every_stretch_of_speech_longer_than_a_click_is_inside_a_final(pattern) -> None:
    run = driven()
    run.push(audio_of(pattern))
    run.finish()

    covered = [(f.start, f.end) for f in run.of(ShowFinal)]
    position = 0
    for kind, ms in pattern:
        end = position + ms * MS
        if kind == "speech" and ms >= 250:
            middle = (position + end) // 2
            assert any(start <= middle < stop for start, stop in covered)
        position = end


@given(pattern=patterns)
def test_the_stable_part_of_a_partial_never_shrinks(pattern) -> None:
    run = driven()
    run.push(audio_of(pattern))
    run.finish()

    by_utterance: dict[int, str] = {}
    for partial in run.of(ShowPartial):
        assert partial.stable.startswith(by_utterance.get(partial.utterance, ""))
        by_utterance[partial.utterance] = partial.stable


@pytest.mark.parametrize("late", [0, 1, 5])
def test_finals_do_not_depend_on_when_answers_come(late: int) -> None:
    """Answers held back for `late` further messages give the same finals."""
    audio = speech(1500, seed=1) + silence(800) + speech(900, seed=2) + silence(250) + speech(700)
    session = new_session()
    waiting: list[list] = []
    finals: list = []

    def answer(requests: list) -> None:
        for output in requests:
            if isinstance(output, Recognise):
                collect(session.answered(output.request, heard(output.request)))

    def collect(outputs: list) -> None:
        finals.extend(o for o in outputs if isinstance(o, ShowFinal))
        waiting.append([o for o in outputs if isinstance(o, Recognise)])

    for first in range(0, len(audio), 6400):
        collect(session.audio(audio[first : first + 6400]))
        while len(waiting) > late:
            answer(waiting.pop(0))
    collect(session.finish())
    while waiting:
        answer(waiting.pop(0))

    reference = driven()
    reference.push(audio)
    reference.finish()
    assert [(f.start, f.end, f.hypothesis.text) for f in finals] == reference.finals
