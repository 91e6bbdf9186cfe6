"""The pure parts of the queue over NATS."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.windows import plan_by_length, window
from workers.contract.engine import Job
from workers.contract.finishing import Finishing, Term
from workers.contract.requests import Priority
from workers.queues.nats.demands import SILENT_S, Demands
from workers.queues.nats.messages import EngineState, Present
from workers.queues.nats.parts import HEADER, Assembly, split
from workers.queues.nats.vocabularies import Vocabularies, put_back
from workers.queues.nats.workforce import GRACE_S, LOST_S, Workforce
from workers.scheduling.batching import Batch

SENDER = b"sender01"
FINAL, FILE = int(Priority.FINAL), int(Priority.FILE)


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    st.integers(min_value=1, max_value=9),
    st.randoms(use_true_random=False),
)
def test_messages_come_together_from_parts_in_any_order(messages, part_bytes, random) -> None:
    parts = [
        part
        for number, message in enumerate(messages)
        for part in split(SENDER, number, message, part_bytes=part_bytes)
    ]
    random.shuffle(parts)
    assembly = Assembly()

    found = [message for part in parts if (message := assembly.add(part)) is not None]

    assert sorted(found) == sorted(messages)


@given(st.binary(min_size=2, max_size=40), st.data())
def test_a_message_that_lost_a_part_never_comes(message: bytes, data: st.DataObject) -> None:
    parts = list(split(SENDER, 0, message, part_bytes=1))
    del parts[data.draw(st.integers(0, len(parts) - 1))]
    assembly = Assembly()

    assert [assembly.add(part) for part in parts] == [None] * len(parts)


@given(st.binary(max_size=2 * HEADER.size))
def test_nonsense_is_passed_over(part: bytes) -> None:
    found = Assembly().add(part)
    assert found is None or found == part[HEADER.size :]


def test_the_service_with_the_most_urgent_work_is_asked_and_among_equals_who_waits_longest() -> (
    None
):
    demands = Demands()
    demands.hear("files", {FILE: 5.0}, 10.0)
    demands.hear("later", {FINAL: 0.1}, 10.0)
    demands.hear("sooner", {FINAL: 0.2, FILE: 1.0}, 10.0)

    assert demands.choose(10.0) == "sooner"
    demands.declined("sooner")
    assert demands.choose(10.0) == "later"
    demands.declined("later")
    assert demands.choose(10.0) == "files"
    demands.declined("files")
    assert demands.choose(10.0) is None


def test_a_service_that_fell_silent_is_not_asked() -> None:
    demands = Demands()
    demands.hear("gone", {FINAL: 0.0}, 0.0)

    assert demands.choose(SILENT_S + 0.1) is None
    assert not demands.is_there("gone", SILENT_S + 0.1)


def test_files_of_one_service_are_not_starved_by_the_finals_of_others() -> None:
    demands = Demands()
    asked = []
    for now in range(100, 110):
        demands.hear("finals", {FINAL: 0.1}, now)
        demands.hear("files", {FILE: 60.0}, now)
        asked.append(demands.choose(now))

    assert 1 <= asked.count("files") < asked.count("finals")


def present(name: str = "w", *holds: int) -> Present:
    return Present(
        worker=name,
        engines=[EngineState(lanes=2, description=None)],
        free=1,
        holds={"us": list(holds)},
        punctuator=None,
    )


def batch(number: int) -> Batch:
    request = window(str(number))
    job = Job(request=request, plan=plan_by_length(request))
    return Batch(number=number, jobs=(job,), priority=Priority.FINAL, taken_at=0.0, engine=0)


def test_a_batch_its_worker_does_not_know_of_got_lost_on_its_way() -> None:
    workforce = Workforce()
    workforce.hear("us", present(), 0.0)
    worker = workforce.get("w")
    assert worker is not None
    worker.handed |= {1: (batch(1), 0.0), 2: (batch(2), 0.0)}

    assert workforce.hear("us", present("w", 1), GRACE_S) == [], "it may still be on its way"
    missing = workforce.hear("us", present("w", 1), GRACE_S + 0.1)

    assert [each.number for each in missing] == [2]
    assert list(worker.handed) == [1]


def test_a_silent_worker_is_lost_unless_nobody_could_be_heard() -> None:
    workforce = Workforce()
    workforce.hear("us", present("a"), 0.0)
    workforce.excuse(10.0)
    workforce.hear("us", present("b"), 12.0)

    assert workforce.lose(10.0 + LOST_S, all_of_them=False) == []
    lost = workforce.lose(10.1 + LOST_S, all_of_them=False)

    assert [each.name for each in lost] == ["a"]
    assert workforce.lanes == 2


def test_a_dictionary_is_taken_off_and_put_back_as_the_same_tuples() -> None:
    terms = tuple(Term(term=f"слово{n}") for n in range(10))
    wishes = Finishing(terms=terms)
    kept = Vocabularies()

    bare, digest = kept.take_off(wishes)
    again = kept.take_off(replace(wishes, style="chat"))[1]
    found = kept.get(digest)

    assert (bare.terms, digest) == ((), again)
    assert found is not None
    assert put_back(bare, found) == wishes
    assert put_back(bare, found).terms is terms
    assert kept.take_off(Finishing()) == (Finishing(), "")


def test_vocabularies_used_longest_ago_are_let_go() -> None:
    kept = Vocabularies(most_things=25)
    digests = [
        kept.take_off(Finishing(terms=tuple(Term(term=f"{n} {m}") for m in range(10))))[1]
        for n in range(3)
    ]

    assert [kept.get(digest) is None for digest in digests] == [True, False, False]


def test_a_message_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        list(split(SENDER, 0, b"x" * 70_000, part_bytes=1))
