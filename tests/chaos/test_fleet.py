"""Each part of a fleet is wronged once while people dictate and upload through Nginx.

`make chaos ARGS="--fleet --rounds 200"` does it for longer.
"""

import random
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.fleet_durability import run
from benchmarks.fleet_durability_report import NEVER_S, FleetPlan, report, summed_up
from benchmarks.fleet_faults import KINDS, PARTS, Fault, draw
from benchmarks.fleet_machines import links_of
from tests.deploy.nginx import nginx_program
from tests.storage.fixtures import new_data_folder

__all__ = ["new_data_folder"]

ONE_OF_EACH = (
    Fault(part="service", target="service-2", kind="kill", links=(), lasts_s=0.0),
    Fault(part="postgres", target="postgres", kind="forget", links=links_of("postgres"), lasts_s=1),
    Fault(part="nats", target="nats", kind="kill", links=(), lasts_s=0.0),
    Fault(part="nginx", target="nginx", kind="restart", links=(), lasts_s=0.0),
    Fault(part="worker", target="worker-1", kind="cut", links=links_of("worker-1"), lasts_s=2.0),
)


@pytest.mark.nginx
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_whatever_part_of_a_fleet_is_wronged_nothing_is_lost_and_people_are_served_again(
    new_data_folder: Path,
) -> None:
    nginx_program()
    plan = FleetPlan(
        rounds=len(ONE_OF_EACH),
        uploads=2,
        sessions=3,
        seed=random.Random(uuid4().int).randrange(10_000),
        first=ONE_OF_EACH,
        recovery_s=NEVER_S,  # a machine that runs other tests keeps no time
    )

    outcome = await run(plan, new_data_folder)

    found = summed_up(outcome)
    assert found["violations"] == [], report(found)
    assert [each["part"] for each in found["rounds"]] == [fault.part for fault in ONE_OF_EACH]
    assert found["sessions"]["done"] == found["sessions"]["transcripts_checked"] > 2 * 5
    assert found["recordings"]["acknowledged"] == found["recordings"]["transcripts_checked"] > 6
    assert found["sessions"]["resumes"] > 0
    assert found["programs_left_running"] == []


def test_the_faults_of_a_run_are_decided_by_its_seed_and_leave_no_part_out() -> None:
    faults = draw(200, random.Random(3))

    assert faults == draw(200, random.Random(3))
    assert faults != draw(200, random.Random(4))
    assert {fault.kind for fault in faults} == set(KINDS)
    for part in PARTS:
        assert sum(fault.part == part for fault in faults) == 40
