"""The state machine of one dictation: random speech, cut and answered at random moments."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dictation.speech import (
    MS,
    Driven,
    Finished,
    Recognise,
    ShowFinal,
    ShowPartial,
    driven,
    heard,
    new_session,
    silence,
    speech,
)

patterns = st.lists(
    st.tuples(st.sampled_from(("speech", "silence")), st.integers(10, 4000)), min_size=1, max_size=8
)


def audio_of(pattern: list[tuple[str, int]]) -> bytes:
    return b"".join(
        speech(ms, seed=index) if kind == "speech" else silence(ms)
        for index, (kind, ms) in enumerate(pattern)
    )


def asked_for(run: Driven) -> list[tuple[int, bool, str, bytes]]:
    """Each window once: one whose speculative answer came in time is not asked for again.

    Revisions are left out: a speculative answer that comes in time is shown as one.
    """
    windows = [
        (
            r.request.utterance,
            r.request.revision > 0,
            r.request.id.rpartition("/")[2],
            r.request.pcm,
        )
        for r in run.of(Recognise)
    ]
    return list(dict.fromkeys(windows))


@given(pattern=patterns, data=st.data())
def test_the_same_audio_cut_otherwise_gives_the_same_windows_and_text(pattern, data) -> None:
    audio = audio_of(pattern)
    whole = driven()
    whole.push_at_once(audio)
    whole.finish()

    cut = driven()
    rest = audio
    while rest:
        size = 2 * data.draw(st.integers(1, 40_000))
        cut.push_at_once(rest[:size])
        rest = rest[size:]
    cut.finish()

    assert whole.finals == cut.finals
    assert asked_for(whole) == asked_for(cut)
    assert whole.outputs[-1] == cut.outputs[-1]


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
