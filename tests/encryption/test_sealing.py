"""A sealed value opens where it was sealed, with its key, unchanged; and nowhere else."""

from dataclasses import fields, replace
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.storage.encryption.sealing import (
    KEY_BYTES,
    OVERHEAD_BYTES,
    Place,
    Unreadable,
    key_number,
    seal,
    unseal,
)

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
numbers = st.integers(0, 2**31 - 1)
words = st.text(st.characters(exclude_characters="|", exclude_categories=("Cs",)), max_size=20)
places = st.builds(Place, table=words, column=words, row=words, user=st.uuids())
values = st.binary(max_size=300)


@given(keys, numbers, places, values)
def test_what_is_sealed_opens_again_and_says_its_key(key, number, place, value):
    sealed = seal(key, number, place, value)

    assert unseal(key, place, sealed) == value
    assert key_number(sealed) == number
    assert len(sealed) == len(value) + OVERHEAD_BYTES


@given(keys, numbers, places, values, st.data())
def test_a_value_with_any_bit_changed_is_unreadable(key, number, place, value, data):
    sealed = bytearray(seal(key, number, place, value))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(Unreadable):
        unseal(key, place, bytes(sealed))


@given(keys, places, values, st.data())
def test_a_value_cut_short_or_made_longer_is_unreadable(key, place, value, data):
    sealed = seal(key, 1, place, value)
    other = data.draw(
        st.one_of(
            st.integers(0, len(sealed) - 1).map(lambda end: sealed[:end]),
            st.binary(min_size=1, max_size=40).map(lambda tail: sealed + tail),
        )
    )

    with pytest.raises(Unreadable):
        unseal(key, place, other)


@given(keys, places, values, st.sampled_from([each.name for each in fields(Place)]), st.data())
def test_a_value_moved_to_any_other_place_is_unreadable(key, place, value, part, data):
    other = data.draw(st.uuids() if part == "user" else words)
    assume(other != getattr(place, part))

    with pytest.raises(Unreadable):
        unseal(key, replace(place, **{part: other}), seal(key, 1, place, value))


@given(keys, keys, places, values)
def test_another_key_opens_nothing(key, other, place, value):
    assume(key != other)

    with pytest.raises(Unreadable):
        unseal(other, place, seal(key, 1, place, value))


@given(st.binary(max_size=100), keys, places)
def test_whatever_bytes_are_stored_they_are_unreadable_and_nothing_worse(stored, key, place):
    with pytest.raises(Unreadable):
        unseal(key, place, stored)


def test_no_two_places_are_written_the_same():
    user = UUID(int=7)
    with pytest.raises(ValueError, match="may not hold"):
        seal(bytes(KEY_BYTES), 1, Place(table="a|b", column="c", row="d", user=user), b"")


def test_the_same_value_sealed_twice_looks_different():
    place = Place(table="t", column="c", row="r", user=UUID(int=7))

    assert seal(bytes(KEY_BYTES), 1, place, b"x") != seal(bytes(KEY_BYTES), 1, place, b"x")
