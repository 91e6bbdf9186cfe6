"""Kill -9 of the service, its recogniser and PostgreSQL while people upload and speak.

`make chaos ARGS="--rounds 100"` does the same for longer, with 50 uploads and 20 sessions.
"""

import random
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.durability import run
from benchmarks.durability_report import Plan, report, summed_up
from benchmarks.durability_takes import Expected, Take, fault_of, make_takes
from tests.storage.fixtures import new_data_folder
from workers.contract.audio import SAMPLE_RATE_HZ
from workers.recognition.scripted import derived_text

__all__ = ["new_data_folder"]


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_whatever_is_killed_all_that_was_acknowledged_is_there_exactly_once(
    new_data_folder: Path,
) -> None:
    seed = random.Random(uuid4().int).randrange(10_000)
    plan = Plan(
        rounds=3,
        uploads=6,
        sessions=3,
        seed=seed,
        first=("recogniser", "service", "postmaster"),
        calm_s=2.0,
        pause_s=0.2,
    )

    outcome = await run(plan, new_data_folder)

    found = summed_up(outcome)
    assert found["violations"] == [], report([found])  # it names the seed
    assert found["rounds"] == 3
    assert {"recogniser", "service", "postmaster"} <= set(found["kills"])
    assert found["recordings"]["acknowledged"] == found["recordings"]["transcripts_checked"] > 9
    assert found["sessions"]["done"] == found["sessions"]["transcripts_checked"] > 0
    assert found["sessions"]["resumes"] > 0
    assert found["processes_left_behind"] == []


@pytest.fixture(scope="module")
def take() -> Take:
    return make_takes(1, chance=random.Random(1))[0]


def transcript(take: Take, borders: list[tuple[int, int]]) -> dict:
    finals = []
    for number, (start, end) in enumerate(borders):
        text = derived_text(take.pcm[2 * start : 2 * end])
        finals.append(
            {
                "utterance": number,
                "start_s": start / SAMPLE_RATE_HZ,
                "end_s": end / SAMPLE_RATE_HZ,
                "raw": text,
                "text": text,
            }
        )
    return {"finals": finals, "text": " ".join(final["text"] for final in finals)}


BORDERS = [(1600, 20_800), (40_000, 56_000), (72_000, 90_400)]
EXPECTED = Expected(text="", borders=tuple(BORDERS))


def test_the_measurement_takes_an_utterance_cut_a_little_otherwise_for_right(take: Take) -> None:
    moved = [BORDERS[0], (40_512, 56_512), BORDERS[2]]

    assert fault_of(take, EXPECTED, transcript(take, BORDERS)) is None
    assert fault_of(take, EXPECTED, transcript(take, moved)) is None


@pytest.mark.parametrize(
    "borders",
    [
        BORDERS[:2],
        [*BORDERS, BORDERS[2]],
        [BORDERS[0], BORDERS[0], BORDERS[2]],
        [BORDERS[0], (40_000, 48_000), BORDERS[2]],
    ],
    ids=["lost", "doubled", "in place of another", "half of it lost"],
)
def test_the_measurement_sees_what_is_lost_or_doubled(
    take: Take, borders: list[tuple[int, int]]
) -> None:
    assert fault_of(take, EXPECTED, transcript(take, borders)) is not None


def test_the_measurement_sees_a_text_of_other_audio(take: Take) -> None:
    wrong = transcript(take, BORDERS)
    wrong["finals"][1]["raw"] = wrong["finals"][0]["raw"]

    assert fault_of(take, EXPECTED, wrong) is not None
