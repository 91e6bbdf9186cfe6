"""The search for the largest load that holds."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.search import CapacitySearch


def run(search, capacity):
    tried = []
    while (talkers := search.propose()) is not None:
        assert talkers not in tried
        tried.append(talkers)
        search.record(talkers, held=talkers <= capacity)
    return tried


def test_it_doubles_until_a_load_fails_then_halves_the_gap():
    search = CapacitySearch(first=8, resolution=0.0)

    tried = run(search, capacity=52)

    assert tried[:4] == [8, 16, 32, 64]
    assert search.held == 52


@given(capacity=st.integers(0, 1000), first=st.integers(1, 64), resolution=st.floats(0, 0.2))
def test_the_answer_held_and_lies_within_the_resolution(capacity, first, resolution):
    search = CapacitySearch(first=first, resolution=resolution)

    tried = run(search, capacity)

    assert search.held <= capacity
    assert capacity - search.held <= max(1, int(search.held * resolution))
    assert search.held == 0 or search.held in tried


def test_a_server_that_holds_nobody_is_asked_down_to_one():
    search = CapacitySearch(first=16)

    assert run(search, capacity=0)[-1] == 1
    assert search.held == 0


def test_the_search_ends_at_the_ceiling_of_the_client():
    search = CapacitySearch(first=4, ceiling=32)

    assert run(search, capacity=10_000) == [4, 8, 16, 32]
    assert search.held == 32
