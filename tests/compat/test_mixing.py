"""PCM of any common form, made into PCM16 mono."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compat.mixing import WIDTHS, Mixdown


@given(
    data=st.binary(max_size=600),
    width=st.sampled_from(WIDTHS),
    channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 600), max_size=8),
)
def test_how_a_stream_is_cut_changes_nothing(
    data: bytes, width: int, channels: int, cuts: list[int]
) -> None:
    whole = Mixdown(width=width, channels=channels).mono(data)

    cut = Mixdown(width=width, channels=channels)
    edges = [0, *sorted(cuts), len(data)]
    parts = b"".join(cut.mono(data[first:last]) for first, last in itertools.pairwise(edges))

    assert parts == whole
    assert len(whole) == len(data) // (width * channels) * 2


def test_wide_samples_keep_their_upper_sixteen_bits() -> None:
    values = np.array([0, 1, -1, 32_767, -32_768], "<i4")

    four = Mixdown(width=4, channels=1).mono((values * 65_536 + 65_535).astype("<i4").tobytes())
    three = Mixdown(width=3, channels=1).mono(
        b"".join(int(value * 256).to_bytes(3, "little", signed=True) for value in values)
    )

    assert np.frombuffer(four, "<i2").tolist() == values.tolist()
    assert np.frombuffer(three, "<i2").tolist() == values.tolist()


def test_eight_bits_are_unsigned() -> None:
    pcm = Mixdown(width=1, channels=1).mono(bytes([0, 128, 255]))

    assert np.frombuffer(pcm, "<i2").tolist() == [-32_768, 0, 32_512]


def test_two_loud_channels_do_not_clip() -> None:
    frames = np.array([[32_767, 32_767], [-32_768, -32_768], [100, -100]], "<i2")

    pcm = Mixdown(width=2, channels=2).mono(frames.tobytes())

    assert np.frombuffer(pcm, "<i2").tolist() == [32_767, -32_768, 0]


@pytest.mark.parametrize(("width", "channels"), [(0, 1), (5, 1), (2, 0), (2, 9)])
def test_other_forms_are_refused(width: int, channels: int) -> None:
    with pytest.raises(ValueError, match="channels of"):
        Mixdown(width=width, channels=channels)
