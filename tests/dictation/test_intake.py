"""What a socket handed in is kept in order, in slices, and counted."""

from hypothesis import given
from hypothesis import strategies as st

from service.dictation.intake import SLICE_BYTES, End, Intake, Mark


@given(
    st.lists(
        st.one_of(
            st.integers(0, 3 * SLICE_BYTES // 2).map(lambda samples: samples * 2),
            st.just("mark"),
        ),
        max_size=12,
    )
)
def test_nothing_is_lost_or_reordered_and_slices_are_bounded(puts: list) -> None:
    intake = Intake()
    expected: list[object] = []
    for number, put in enumerate(puts):
        if put == "mark":
            intake.put(Mark(id=str(number)))
            expected.append(str(number))
        else:
            pcm = bytes([number % 256]) * put
            intake.audio(pcm)
            expected += list(pcm)
    intake.put(End(at=0.0))

    assert intake.samples == sum(put // 2 for put in puts if put != "mark")
    assert intake.marks == puts.count("mark")
    taken: list[object] = []
    while not isinstance(item := intake.take(), End):
        if isinstance(item, Mark):
            taken.append(item.id)
        else:
            assert 0 < len(item) <= SLICE_BYTES
            taken += list(item)
    assert taken == expected
    assert intake.samples == intake.marks == 0


def test_many_small_messages_are_few_items() -> None:
    intake = Intake()
    for _ in range(SLICE_BYTES):
        intake.audio(b"\x00\x00")

    assert intake.samples == SLICE_BYTES
    assert [len(intake.take()), len(intake.take())] == [SLICE_BYTES, SLICE_BYTES]
