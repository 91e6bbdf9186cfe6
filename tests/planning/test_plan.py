"""How many machines so many people need."""

import heapq
import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.commands.program import run
from service.planning.machines import Machine, measured, shipped
from service.planning.plan import Habits, Wishes, load_of, recognisers, surroundings
from service.planning.queueing import erlang_c, wait_quantile_s
from service.problems import SetUpError

MACHINE = Machine(
    name="one",
    model="base",
    gpu=False,
    lanes=2,
    audio_s_per_s=20.0,
    alone_s=0.5,
    cores=2,
    memory_mb=1000,
    certainty="measured",
    source="",
)


@pytest.mark.parametrize(
    ("servers", "offered", "probability"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (10, 8.0, 0.4092), (1, 0.0, 0.0)],
)
def test_erlangs_formula_gives_the_values_of_the_tables(
    servers: int, offered: float, probability: float
) -> None:
    assert erlang_c(servers, offered) == pytest.approx(probability, abs=1e-4)


def test_more_work_than_the_servers_can_do_is_no_queue() -> None:
    with pytest.raises(ValueError, match="more work"):
        erlang_c(2, 2.0)


def simulated_wait_s(quantile: float, *, servers: int, arrivals_per_s: float) -> float:
    """Play first come, first served with service times of mean 1 s between 0.33 and 1.67 s."""
    chance = random.Random(5)
    free_at = [0.0] * servers
    now, waits = 0.0, []
    for _ in range(40_000):
        now += chance.expovariate(arrivals_per_s)
        begins = max(now, free_at[0])
        waits.append(begins - now)
        heapq.heapreplace(free_at, begins + chance.uniform(1 / 3, 5 / 3))
    return sorted(waits)[int(quantile * len(waits))]


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.6), (1, 0.8), (2, 0.5), (2, 0.8), (6, 0.8)])
def test_the_reckoned_wait_is_near_what_a_simulated_queue_waits(servers: int, busy: float) -> None:
    variation = (4 / 3) ** 2 / 12  # of the uniform distribution above
    reckoned = wait_quantile_s(
        0.95, servers=servers, arrivals_per_s=servers * busy, service_s=1.0, variation=variation
    )

    assert reckoned == pytest.approx(
        simulated_wait_s(0.95, servers=servers, arrivals_per_s=servers * busy), rel=0.2
    )


def test_the_busiest_hour_is_peoples_minutes_times_its_share() -> None:
    load = load_of(Habits(people=500, minutes_a_day=30, peak_share=0.2, speech_share=0.5))

    assert load.microphones == 50  # 500 people x 6 minutes of that hour
    assert load.speech_s_per_s == 25
    assert 70 < load.microphones_busiest < 75  # Poisson: 99.9 % is 73


@given(
    people=st.integers(1, 20_000),
    p95_s=st.floats(0.51, 5),
    audio_s_per_s=st.floats(1, 500),
    lanes=st.integers(1, 8),
    partials=st.booleans(),
)
def test_what_is_needed_keeps_p95_and_more_people_never_need_fewer(
    people: int,
    p95_s: float,
    audio_s_per_s: float,
    lanes: int,
    partials: bool,  # noqa: FBT001
) -> None:
    machine = replace(MACHINE, audio_s_per_s=audio_s_per_s, lanes=lanes)
    habits, wishes = Habits(people=people), Wishes(p95_s=p95_s, partials=partials)

    found = recognisers(machine, habits, wishes)

    assert found.needed is not None
    assert found.p95_s <= p95_s
    assert found.busy <= wishes.fullest + 1e-9
    more_people = recognisers(machine, replace(habits, people=people + 100), wishes)
    assert more_people.needed is not None
    assert more_people.needed >= found.needed


def test_a_published_figure_is_trusted_by_half_and_a_measured_one_whole() -> None:
    habits, wishes = Habits(people=500), Wishes()
    published = replace(MACHINE, certainty="published")

    assert recognisers(MACHINE, habits, wishes).planned_audio_s_per_s == 20
    assert recognisers(published, habits, wishes).planned_audio_s_per_s == 10


def test_a_machine_that_alone_is_too_slow_is_out_of_reach_in_any_number() -> None:
    found = recognisers(replace(MACHINE, alone_s=1.5), Habits(people=1), Wishes(p95_s=1.0))

    assert found.needed is None
    assert found.p95_s == 1.5


@pytest.mark.parametrize(
    ("alone_s", "enough_s"), [(1.54, 2.0), (1.5, 2.0), (0.3, 0.5), (60.0, None)]
)
def test_of_a_machine_out_of_reach_the_wish_is_named_with_which_it_will_do(
    alone_s: float, enough_s: float | None
) -> None:
    machine, habits = replace(MACHINE, alone_s=alone_s), Habits(people=1)
    found = recognisers(machine, habits, Wishes(p95_s=0.05))

    assert (found.needed, found.enough_s) == (None, enough_s)
    if enough_s is not None:
        assert recognisers(machine, habits, Wishes(p95_s=enough_s)).needed == 1


def test_the_line_of_a_machine_out_of_reach_says_what_to_ask_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--language", "ru", "plan", "--users", "1"]) == 0
    of_the_cpu = capsys.readouterr().out.partition("cpu-2-cores")[2].splitlines()[1]

    assert of_the_cpu.strip() == (
        "не раньше чем через 1,54 с (p95), сколько их ни поставь; хватит, если согласны ждать до 2 с: "
        "--p95-s 2"
    )


def test_kept_recordings_take_their_share_of_the_dictation_for_as_long_as_they_are_kept() -> None:
    habits = Habits(people=100, minutes_a_day=60, recorded_share=0.1)
    a_day_gb = 100 * 3600 * 0.1 * 32_000 / 1e9

    assert surroundings(habits, Wishes(keep_audio_days=10)).recordings_gb == pytest.approx(
        10 * a_day_gb
    )
    assert surroundings(habits, Wishes()).recordings_gb == 0


def test_every_shipped_figure_says_where_it_is_from() -> None:
    machines = shipped()

    assert "cpu-2-cores" in machines
    for machine in machines.values():
        assert machine.source
        assert re.search("[а-я]", machine.source_in("ru"))
        assert not re.search("[а-яё]", machine.source_in("en"))
        assert machine.certainty in {"measured", "published"}
        assert machine.audio_s_per_s > 0
        assert 0 < machine.alone_s < 30


def test_ones_own_measurement_gives_the_largest_load_that_was_carried_whole() -> None:
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "capacity.json"

    machine = measured(results)

    assert machine.certainty == "measured"
    assert machine.lanes == 2
    assert machine.audio_s_per_s == 16
    assert machine.alone_s == pytest.approx(0.975)  # the worst but one of its first 20 takes


@pytest.mark.parametrize("content", ["", "{}", '{"probes": []}', '{"probes": [1]}', "[]"])
def test_another_file_is_no_measurement(content: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)

    with pytest.raises(SetUpError) as failure:
        measured(path)

    assert failure.value.code == "setup.no_measurement"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_command_shows_what_it_assumes_and_what_is_needed(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(
        [
            *("--language", language, "plan", "--users", "500", "--minutes-a-day", "17"),
            *("--throughput", "60", "--machine", "ours", "--no-partials", "--keep-audio-days", "7"),
        ]
    )

    said = capsys.readouterr().out
    assert status == 0
    assert "17" in said
    assert "ours" in said
    assert "cpu-2-cores" not in said
    assert "{" not in said


def test_as_json_the_command_gives_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--users", "500", "--machine", "rtx-3090", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["recognisers"][0]["machine"]["name"] == "rtx-3090"
    assert document["load"]["microphones"] == 50


def test_what_no_machine_gives_is_said_by_the_exit_status() -> None:
    assert run(["plan", "--users", "5", "--machine", "t4", "--p95-s", "0.2"]) == 1


def test_a_kind_of_machine_without_figures_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--users", "5", "--machine", "abacus"]) == 1

    assert "setup.no_such_machine" in capsys.readouterr().err
