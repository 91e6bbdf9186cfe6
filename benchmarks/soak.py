"""Whether a service and a worker, used for an hour as people use them, come back to what they were.

    python -m benchmarks.soak --minutes 60

NATS, `alfavoice serve` with its embedded PostgreSQL and `alfavoice worker` with the scripted engine
run as processes of their own. The capacity is the engine's: a script says how long a second of audio
takes, so it stands for a GPU of that speed. How much engine time one person needs, partials
included, is measured first with a few people; as many come as take 70 % of the engine's time.

    begin ─ everything once ─ rest: «before» ─ people ─ load ──────────── all leave ─ rest: «after»
                                                        └ warm-up ┘└ fit ┘

Every ten seconds each process's memory, files and sockets, and what service, worker and NATS say of
themselves, go to a file. Promised is: memory grows by less than 2 % after the warm-up (a line of
least squares through the samples), and nothing is held afterwards that was not before. The exit
status says whether that was kept.
"""

import argparse
import asyncio
import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import structlog

from benchmarks.durability_takes import make_takes
from benchmarks.results import FOLDER
from benchmarks.soak_people import People, Person
from benchmarks.soak_report import Soaked, not_back, plot, report, summed_up
from benchmarks.soak_samples import EVERY_S, Sample, Sampler
from benchmarks.soak_served import SoakFailed, served

SHARE: Final = 0.7
POOL_IDLE_S: Final = 320.0
"""After so long without use the pool has closed its connections (asyncpg: 300 s)."""
_ENDS_S: Final = 180.0
"""For what people have under way when the load ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything."""

    minutes: float = 60.0
    warm_up_minutes: float = 10.0
    lanes: int = 2
    work_s_per_audio_s: float = 0.08
    seed: int = 1
    people: int = 0
    """At work; 0: as many as take 70 % of the engine's time."""
    measuring_s: float = 120.0
    """For how long a few people are watched to find that out."""
    settle_s: float = 480.0
    """At most, for everything to come to rest afterwards."""
    resume_s: float = 60.0
    """How long a session outlives its socket here: those nobody comes back to end within the run."""
    pause_s: float = 1.0
    """Between two things that a person does, on average."""
    punctuation: str = "auto"
    """As the setting."""


async def soak(plan: Plan, folder: Path) -> tuple[Soaked, bool]:
    """Serve from an empty folder under load; give what was seen, and whether the pool was given up.

    Raises:
        SoakFailed: something does not start, or people cannot leave.
    """
    script, raw = folder / "script.json", folder / "samples.jsonl"
    script.write_text(json.dumps({"work_s_per_audio_s": plan.work_s_per_audio_s}), "utf-8")
    settings = {
        "ALFAVOICE_ENGINE": "scripted",
        "ALFAVOICE_SCRIPT": str(script),
        "ALFAVOICE_LANES": str(plan.lanes),
        "ALFAVOICE_QUEUE": "nats",
        "ALFAVOICE_LOGIN": "required",
        "ALFAVOICE_PUNCTUATION": plan.punctuation,
        "ALFAVOICE_RESUME_S": str(plan.resume_s),
        "ALFAVOICE_DISK_RESERVE_MB": "64",
    }
    takes = make_takes(24, chance=random.Random(plan.seed))
    async with served(folder, settings=settings) as running:
        people = People(running.url, takes, seed=plan.seed)
        sampler = Sampler(running, raw)
        try:
            everybody = await people.arrive(running.invitation, plan.people or 24)
            for name in ("dictated", "resumed", "uploaded", "history", "search", "text"):
                await people.do(everybody[0], name)
            count = plan.people or await _people_needed(plan, people, everybody, sampler)
            print(f"{count} people", flush=True)
            before = await _rested(plan, sampler)
            people.did.clear()
            sampler.begun, sampler.phase = time.monotonic(), "load"
            await _load(plan, people, everybody[:count], sampler)
            sampler.phase = "after"
            rested_at = time.monotonic()
            while True:
                after = await sampler.look()
                rested_s = time.monotonic() - rested_at
                is_pool_given_up = plan.settle_s > POOL_IDLE_S
                if rested_s > plan.settle_s or (
                    rested_s > plan.resume_s
                    and not not_back(before, after, is_pool_given_up=is_pool_given_up)
                ):
                    break
                await asyncio.sleep(EVERY_S)
        finally:
            await sampler.leave()
            await people.leave()
    soaked = Soaked(
        plan=asdict(plan) | {"people": count},
        samples=sampler.samples,
        before=before,
        after=after,
        did=people.did,
        failed=people.failed,
        left_behind=running.left_behind,
        commit=_commit(),
    )
    return soaked, is_pool_given_up


async def _people_needed(
    plan: Plan, people: People, everybody: list[Person], sampler: Sampler
) -> int:
    """Watch a few at work; give how many of them take 70 % of the engine's time."""
    few = max(1, plan.lanes)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for person in everybody[:few]:
            tasks.create_task(people.live(person, over, pause_s=plan.pause_s))
        await asyncio.sleep(15)  # until all are at work
        first = await sampler.look()
        await asyncio.sleep(plan.measuring_s)
        last = await sampler.look()
        over.set()
    used_s = last.figures["engine_s"] - first.figures["engine_s"]
    each = used_s / (last.at_s - first.at_s) / few
    needed = round(SHARE * plan.lanes / each)
    print(f"one person takes {each:.3f} s of the engine a second", flush=True)
    return max(1, min(len(everybody), needed))


async def _rested(plan: Plan, sampler: Sampler) -> Sample:
    """Wait until the sessions that somebody left have ended by themselves, and give what is held."""
    until = time.monotonic() + 2 * plan.resume_s + _ENDS_S
    while (seen := await sampler.look()).figures["sessions"]:
        if time.monotonic() > until:
            raise SoakFailed("sessions do not end before the load")
        await asyncio.sleep(2)
    return seen


async def _load(plan: Plan, people: People, everybody: list[Person], sampler: Sampler) -> None:
    """Let everybody work for the minutes of the plan, then end what they began."""
    over = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as looking:
            watching = looking.create_task(sampler.keep_looking())
            async with asyncio.timeout(60 * plan.minutes + _ENDS_S), asyncio.TaskGroup() as tasks:
                for person in everybody:
                    tasks.create_task(people.live(person, over, pause_s=plan.pause_s))
                await asyncio.sleep(60 * plan.minutes)
                over.set()
                watching.cancel()
    except TimeoutError:
        raise SoakFailed(f"people were still at work {_ENDS_S:g} s after the end") from None


def _commit() -> str:
    """Name the commit that runs, where it is known."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    said = subprocess.run(
        [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip
    return said.stdout.strip() or "unknown"


def main() -> int:
    """Run, print and store; the exit status says whether everything promised was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    plan = Plan()
    parser.add_argument("--minutes", type=float, default=plan.minutes, help="of load")
    parser.add_argument("--warm-up", type=float, default=plan.warm_up_minutes, help="minutes")
    parser.add_argument("--people", type=int, default=0, help="0: as many as take 70 %%")
    parser.add_argument("--measuring", type=float, default=plan.measuring_s, help="seconds")
    parser.add_argument("--settle", type=float, default=plan.settle_s, help="seconds at most")
    parser.add_argument("--work", type=float, default=plan.work_s_per_audio_s)
    parser.add_argument("--punctuation", default=plan.punctuation, help="as ALFAVOICE_PUNCTUATION")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--note", default="", help="what a reader of the results should know")
    parser.add_argument("--keep", action="store_true", help="keep the data folder, and name it")
    parser.add_argument("--no-save", action="store_true", help="leave the stored results alone")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    plan = Plan(
        minutes=given.minutes, warm_up_minutes=given.warm_up, people=given.people,
        measuring_s=given.measuring, settle_s=given.settle, work_s_per_audio_s=given.work,
        punctuation=given.punctuation, seed=given.seed,
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-soak-"))
    print(f"samples go to {folder / 'samples.jsonl'}", flush=True)
    try:
        soaked, is_pool_given_up = asyncio.run(soak(plan, folder))
        found = summed_up(
            soaked, warm_up_s=60 * plan.warm_up_minutes, is_pool_given_up=is_pool_given_up
        )
        found["note"] = given.note
        text = report(found)
        print(text)
        if not given.no_save:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / "soak.json").write_text(
                json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            (FOLDER / "soak.md").write_text(
                text + "\n![Memory over time](soak.png)\n", encoding="utf-8"
            )
            raw = (folder / "samples.jsonl").read_bytes()
            (FOLDER / "soak.samples.jsonl.gz").write_bytes(gzip.compress(raw, mtime=0))
            plot(soaked.samples, found["growth"], FOLDER / "soak.png")
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if found["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
