"""What the scheduler's rules are, one sentence each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.windows import plan_by_length, window
from workers.contract.engine import Again, Plan
from workers.contract.errors import QueueClosed, QueueFull
from workers.contract.requests import Failure, Hypothesis, Priority, Request
from workers.scheduling.batching import Batch, BatchLimits
from workers.scheduling.priorities import Patience, Room
from workers.scheduling.scheduler import Scheduler, SchedulerLimits

FINAL, SPECULATIVE, FILE, PARTIAL = Priority


def scheduler(
    *,
    room: Room | None = None,
    batch: BatchLimits | None = None,
    patience: Patience | None = None,
    reserved_lanes: int = 1,
) -> Scheduler:
    return Scheduler(
        SchedulerLimits(
            room=room or Room(),
            batch=batch or BatchLimits(),
            patience=patience or Patience(),
            reserved_lanes=reserved_lanes,
        )
    )


def offer(waiting: Scheduler, *requests: Request, now: float = 0.0) -> list[tuple[str, str]]:
    failures = [f for r in requests for f in waiting.offer(r, plan_by_length(r), now)]
    return [(failure.request, failure.code) for failure in failures]


def ids(batch: Batch | None) -> list[str]:
    return [] if batch is None else [job.request.id for job in batch.jobs]


def said(batch: Batch) -> list[Hypothesis]:
    return [Hypothesis(request=j.request.id, text=j.request.id, language="ru") for j in batch.jobs]


def again(request: Request, *, samples: int = 480_000) -> Again:
    return Again(
        request=request.id,
        plan=Plan(window_samples=samples, attempt=1),
        reason="repetition",
        best=Hypothesis(request=request.id, text="first pass", language="ru"),
    )


def test_the_more_urgent_kind_goes_first() -> None:
    waiting = scheduler(batch=BatchLimits(windows=1))
    offer(waiting, window("partial", priority=PARTIAL), window("file", priority=FILE))
    offer(waiting, window("speculative", priority=SPECULATIVE), window("final"))

    order = [ids(waiting.take(0.0)) for _ in range(4)]

    assert order == [["final"], ["speculative"], ["file"], ["partial"]]


def test_only_windows_of_one_plan_share_a_batch_and_no_partial_slows_a_final() -> None:
    waiting = scheduler()
    offer(waiting, window("short"), window("long", samples=200_000))
    offer(waiting, window("rider", priority=PARTIAL), window("other", session="s", utterance=3))

    assert ids(waiting.take(0.0)) == ["short", "other"]
    assert ids(waiting.take(0.0)) == ["long"]


def test_a_partial_never_displaces_a_final_from_a_full_batch() -> None:
    waiting = scheduler(batch=BatchLimits(windows=2))
    offer(waiting, window("rider", priority=PARTIAL), window("f1"), window("f2"))

    assert ids(waiting.take(0.0)) == ["f1", "f2"]


def test_a_batch_is_bounded_by_its_audio_and_one_window_always_fits() -> None:
    limits = BatchLimits(windows=8, samples=20 * 16_000, background_samples=4 * 16_000)
    waiting = scheduler(batch=limits)
    offer(waiting, *(window(f"f{n}", samples=150_000) for n in range(3)))  # 10 s of window each
    offer(waiting, window("file", priority=FILE), window("file2", priority=FILE))

    sizes = [len(ids(waiting.take(0.0))) for _ in range(4)]

    assert sizes == [2, 1, 1, 1]


def test_equal_windows_are_spread_over_lanes_that_have_nothing_else_to_do() -> None:
    waiting = scheduler()
    offer(waiting, *(window(f"f{n}") for n in range(6)))

    assert len(ids(waiting.take(0.0, lanes_free=2, lanes=2))) == 3
    assert len(ids(waiting.take(0.0, lanes_free=1, lanes=2))) == 3


def test_a_newer_partial_replaces_the_waiting_one_and_keeps_its_place() -> None:
    waiting = scheduler(batch=BatchLimits(windows=1))
    offer(waiting, window("p1", session="s", priority=PARTIAL, revision=1))
    offer(waiting, window("other", priority=PARTIAL), now=0.1)

    replaced = offer(waiting, window("p2", session="s", priority=PARTIAL, revision=2), now=0.2)

    assert replaced == [("p1", "request.replaced")]
    assert ids(waiting.take(0.3)) == ["p2"]


def test_a_partial_older_than_the_waiting_one_is_refused() -> None:
    waiting = scheduler()
    offer(waiting, window("p2", session="s", priority=PARTIAL, revision=2))

    refused = offer(waiting, window("p1", session="s", priority=PARTIAL, revision=1))

    assert refused == [("p1", "request.replaced")]
    assert ids(waiting.take(0.0)) == ["p2"]


def test_the_final_of_an_utterance_ends_its_partials() -> None:
    waiting = scheduler()
    offer(waiting, window("early", session="s", priority=PARTIAL))

    assert offer(waiting, window("final", session="s")) == [("early", "request.replaced")]
    assert offer(waiting, window("late", session="s", priority=PARTIAL, revision=9)) == [
        ("late", "request.replaced")
    ]
    following = window("next", session="s", utterance=1, priority=PARTIAL)
    assert offer(waiting, following) == []


def test_one_partial_of_a_session_is_recognised_at_a_time() -> None:
    waiting = scheduler()
    offer(waiting, window("p1", session="s", priority=PARTIAL, revision=1))
    first = waiting.take(0.0)
    assert first is not None
    offer(waiting, window("p2", session="s", priority=PARTIAL, revision=2))
    offer(waiting, window("final", session="other"))

    assert ids(waiting.take(0.0)) == ["final"]
    waiting.settle(first, said(first), 0.5)
    assert ids(waiting.take(0.5)) == ["p2"]


def test_partials_leave_a_lane_for_finals() -> None:
    waiting = scheduler(batch=BatchLimits(windows=1), reserved_lanes=1)
    offer(waiting, window("p1", priority=PARTIAL), window("p2", priority=PARTIAL))

    assert ids(waiting.take(0.0, lanes_free=2, lanes=2)) == ["p1"]
    assert waiting.take(0.0, lanes_free=1, lanes=2) is None
    offer(waiting, window("final"))
    assert ids(waiting.take(0.0, lanes_free=1, lanes=2)) == ["final"]


def test_what_expired_is_answered_and_never_decoded() -> None:
    waiting = scheduler()
    offer(waiting, window("p", priority=PARTIAL, deadline=1.0), window("f", deadline=1.0))
    offer(waiting, window("sp", priority=SPECULATIVE, deadline=5.0))

    assert ids(waiting.take(1.0)) == ["f", "sp"]
    assert [(f.request, f.code) for f in waiting.expire(1.0)] == [("p", "request.expired")]
    assert waiting.expire(9.0) == []
    assert offer(waiting, window("late", priority=PARTIAL, deadline=1.0), now=2.0) == [
        ("late", "request.expired")
    ]


def test_the_same_id_joins_and_a_promoted_speculative_outlives_its_deadline() -> None:
    waiting = scheduler(batch=BatchLimits(windows=1))
    offer(waiting, window("x", priority=SPECULATIVE, deadline=1.0), window("file", priority=FILE))

    assert offer(waiting, window("x", priority=FINAL, wants_words=True)) == []

    assert waiting.expire(2.0) == []
    batch = waiting.take(2.0)
    assert ids(batch) == ["x"]
    assert batch is not None
    assert batch.jobs[0].request.wants_words
    assert ids(waiting.take(2.0)) == ["file"]


def test_a_speculative_promoted_while_in_a_batch_is_kept_when_the_engine_breaks() -> None:
    waiting = scheduler()
    offer(waiting, window("x", priority=SPECULATIVE))
    batch = waiting.take(0.0)
    assert batch is not None
    offer(waiting, window("x", priority=FINAL))

    assert waiting.broke(batch) == []
    assert ids(waiting.take(1.0)) == ["x"]


def test_over_the_limit_the_oldest_partial_is_shed_and_others_are_refused() -> None:
    waiting = scheduler(room=Room(final=1, speculative=1, file=1, partial=2))
    offer(waiting, window("p1", priority=PARTIAL), window("p2", priority=PARTIAL), now=1.0)
    assert offer(waiting, window("p3", priority=PARTIAL), now=2.0) == [("p1", "request.shed")]

    offer(waiting, window("s1", priority=SPECULATIVE), window("f1"))
    assert not waiting.has_room(FINAL)
    with pytest.raises(QueueFull) as refusal:
        offer(waiting, window("s2", priority=SPECULATIVE))
    assert refusal.value.retry_after_ms > 0


def test_a_window_to_decode_again_keeps_its_place_under_its_new_plan() -> None:
    waiting = scheduler(batch=BatchLimits(windows=1))
    difficult = window("difficult", user="u")
    offer(waiting, difficult)
    batch = waiting.take(1.0)
    assert batch is not None
    offer(waiting, window("later", user="u"), now=1.5)

    assert waiting.settle(batch, [again(difficult)], 2.0) == []

    second = waiting.take(2.0)
    assert ids(second) == ["difficult"]
    assert second is not None
    assert second.plan == Plan(window_samples=480_000, attempt=1)
    assert second.jobs[0].best is not None
    (answer,) = waiting.settle(second, said(second), 4.0)
    assert isinstance(answer, Hypothesis)
    assert (answer.cost.passes, answer.cost.queue_ms) == (2, 1000.0)
    assert answer.cost.recognise_ms == 3000.0


def test_a_window_that_never_convinces_is_answered_with_its_best() -> None:
    waiting = scheduler()
    stubborn = window("stubborn")
    offer(waiting, stubborn)
    answers: list[Hypothesis | Failure] = []
    for turn in range(20):
        batch = waiting.take(float(turn))
        if batch is None:
            break
        answers += waiting.settle(batch, [again(stubborn)], turn + 0.5)

    assert [a.text for a in answers if isinstance(a, Hypothesis)] == ["first pass"]
    assert waiting.idle


def test_a_poison_window_is_found_alone_and_its_companions_are_not_blamed() -> None:
    waiting = scheduler()
    names = ["good", "poison", "fine"]
    offer(waiting, *(window(name) for name in names), window("elsewhere", samples=200_000))
    batches = [waiting.take(0.0, lanes_free=1, lanes=2) for _ in range(2)]
    answered: dict[str, str] = {}
    for batch in batches:  # both lanes of the engine break with it
        assert batch is not None
        assert waiting.broke(batch) == []

    while (batch := waiting.take(1.0, lanes=2)) is not None:
        assert len(batch.jobs) == 1
        assert waiting.take(1.0, lanes=2) is None, "it must be alone in its engine"
        if ids(batch) == ["poison"]:
            answered |= {f.request: f.code for f in waiting.broke(batch)}
        else:
            answered |= {a.request: "text" for a in waiting.settle(batch, said(batch), 1.0)}

    assert answered == {
        "good": "text",
        "fine": "text",
        "elsewhere": "text",
        "poison": "request.poison",
    }


def test_another_engine_goes_on_while_one_tries_suspects() -> None:
    waiting = scheduler()
    offer(waiting, window("suspect"))
    batch = waiting.take(0.0, engine=0)
    assert batch is not None
    waiting.broke(batch)
    assert ids(waiting.take(0.0, engine=1)) == ["suspect"]
    offer(waiting, window("new"))

    assert waiting.take(0.0, engine=1) is None
    assert ids(waiting.take(0.0, engine=0)) == ["new"]


def test_a_partial_that_was_there_when_the_engine_broke_is_answered_at_once() -> None:
    waiting = scheduler()
    offer(waiting, window("p", priority=PARTIAL))
    batch = waiting.take(0.0)
    assert batch is not None

    (failure,) = waiting.broke(batch)

    assert (failure.code, failure.retryable) == ("engine.failed", True)
    assert waiting.idle


def test_after_close_what_waits_is_answered_and_a_running_batch_still_settles() -> None:
    waiting = scheduler(batch=BatchLimits(windows=1))
    offer(waiting, window("running"), window("waiting"))
    batch = waiting.take(0.0)
    assert batch is not None

    assert [(f.request, f.code) for f in waiting.close()] == [("waiting", "queue.closed")]
    with pytest.raises(QueueClosed):
        offer(waiting, window("new"))
    assert [a.request for a in waiting.settle(batch, said(batch), 1.0)] == ["running"]
    assert waiting.idle


@given(
    lengths=st.lists(st.integers(1, 480_000), min_size=20, max_size=20),
    lonely=st.integers(1, 480_000),
)
@settings(max_examples=40, deadline=None)
def test_twenty_sessions_of_one_user_get_no_more_than_the_one_of_another(
    lengths: list[int], lonely: int
) -> None:
    waiting = scheduler(batch=BatchLimits(windows=1), room=Room(final=1000))
    served = {"crowd": 0, "lonely": 0}
    count = 0
    for length in lengths:
        offer(waiting, window(f"c{count}", samples=length, user="crowd"))
        count += 1
    offer(waiting, window("l", samples=lonely, user="lonely"))
    for turn in range(60):
        batch = waiting.take(float(turn))
        assert batch is not None
        (job,) = batch.jobs
        served[job.request.user] += job.plan.window_samples
        waiting.settle(batch, said(batch), float(turn))
        count += 1
        offer(
            waiting,
            window(f"n{count}", samples=job.request.samples, user=job.request.user),
            now=float(turn),
        )

        # Goyal, Vin and Cheng 1996, theorem 1: apart by at most the largest window of each.
        assert abs(served["crowd"] - served["lonely"]) <= 2 * 480_000


@given(
    flood=st.lists(
        st.tuples(st.sampled_from(["u1", "u2", "u3", "patient"]), st.integers(1, 480_000)),
        min_size=1,
        max_size=8,
    ),
    victim=st.sampled_from([FILE, SPECULATIVE, PARTIAL]),
    batch_s=st.floats(0.01, 3.0),
)
@settings(max_examples=60, deadline=None)
def test_nothing_starves_under_a_flood_of_finals(
    flood: list[tuple[str, int]], victim: Priority, batch_s: float
) -> None:
    patience = Patience()
    waiting = scheduler(patience=patience, batch=BatchLimits(windows=2), room=Room(final=1_000))
    offer(waiting, window("victim", user="patient", priority=victim, samples=480_000))
    now, batches_after_patience = 0.0, 0
    for turn in range(10_000):
        for place, (user, length) in enumerate(flood * 2):
            if waiting.has_room(FINAL):
                offer(waiting, window(f"{turn}-{place}", user=user, samples=length), now=now)
        batch = waiting.take(now)
        assert batch is not None
        if "victim" in ids(batch):
            break
        batches_after_patience += now > patience.after_s[victim]
        assert batches_after_patience <= patience.relief_interval
        now += batch_s
        waiting.settle(batch, said(batch), now)
    else:
        pytest.fail("the victim starved")
