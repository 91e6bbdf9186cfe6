"""Whether anything acknowledged is lost or doubled while everything is killed with -9.

    python -m benchmarks.durability --rounds 100

`alfavoice serve` runs with the scripted engine and its embedded PostgreSQL, 50 clients upload
recordings in chunks and 20 dictate, each beginning anew when it is done. A *round* waits a random
moment, kills the service, its recogniser, PostgreSQL's postmaster or one of its backends (in one
round of six two of them, shortly after each other), and waits until it serves again. What is killed
and when comes from `--seed`. Before the first round every take is transcribed once undisturbed.

Promised is: a recording said to be stored becomes exactly one transcript with its undisturbed
text; a session that got `done` is in the history exactly once, each utterance with the text of its
own audio; nothing else is there. The exit status says whether that was kept.

    python -m benchmarks.durability --fleet --rounds 200

does it to two services and two workers behind Nginx: see `benchmarks.fleet_durability`.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import structlog

from benchmarks.durability_checks import Checks, NoAnswer
from benchmarks.durability_ledger import Ledger
from benchmarks.durability_people import People
from benchmarks.durability_report import Outcome, Plan, Rounds, report, summed_up
from benchmarks.durability_served import Kill, NotServing, Served, Target
from benchmarks.durability_takes import make_takes
from benchmarks.durability_work import undisturbed, while_everybody_works
from benchmarks.results import FOLDER

TARGETS: Final[tuple[Target, ...]] = ("service", "postmaster", "backend", "recogniser")
_SECOND_KILL: Final = 1 / 6
_CENSUS_EVERY: Final = 10
"""Rounds between two looks at everything there is."""


async def run(plan: Plan, folder: Path) -> Outcome:
    """Serve from an empty folder, disturb, check."""
    begun = time.monotonic()
    script = folder / "script.json"
    script.write_text(json.dumps({"work_s_per_audio_s": 0.01}), encoding="utf-8")
    served = Served(
        folder,
        settings={
            "ALFAVOICE_ENGINE": "scripted",
            "ALFAVOICE_SCRIPT": str(script),
            "ALFAVOICE_LANES": "2",
            "ALFAVOICE_LOGIN": "off",
            "ALFAVOICE_DISK_RESERVE_MB": "64",
        },
    )
    ledger, rounds = Ledger(), Rounds()
    left_behind: list[str] = []
    chance = random.Random(plan.seed)
    takes = make_takes(plan.uploads + plan.sessions, chance=chance)
    people = People(served.url, ledger, chance=random.Random(plan.seed + 1))
    checks = Checks(served.url, ledger)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(served.keep())
        try:
            await served.serves()
            expected = await undisturbed(takes, people, checks, ledger)
            print(f"{len(takes)} takes transcribed undisturbed", flush=True)
            await while_everybody_works(
                lambda: _kill_round_by_round(plan, served, checks, rounds, chance, ledger),
                people=people,
                checks=checks,
                ledger=ledger,
                work=list(zip(takes, expected, strict=True)),
                uploads=plan.uploads,
                pause_s=plan.pause_s,
            )
            await checks.settle(plan.settle_s)
            await checks.census(is_last=True)
        except (NoAnswer, NotServing) as exc:
            ledger.violated(str(exc))
        finally:
            left_behind = await served.stop()
            keeping.cancel()
            await people.leave()
            await checks.leave()
    return Outcome(
        plan=plan,
        ledger=ledger,
        rounds=rounds,
        left_behind=left_behind,
        seconds=time.monotonic() - begun,
    )


async def _kill_round_by_round(
    plan: Plan,
    served: Served,
    checks: Checks,
    rounds: Rounds,
    chance: random.Random,
    ledger: Ledger,
) -> None:
    last = time.monotonic() + 60 * plan.minutes
    order = iter(plan.first)
    await asyncio.sleep(2.0)  # until everybody has begun
    while rounds.run < plan.rounds and time.monotonic() < last:
        ledger.round = rounds.run + 1
        calm_s, drawn = chance.uniform(0, plan.calm_s), chance.choice(TARGETS)
        is_twice, after_s, second = (
            chance.random() < _SECOND_KILL, chance.uniform(0, 1.5), chance.choice(TARGETS)
        )  # fmt: skip
        await asyncio.sleep(calm_s)
        kills: list[Kill] = []
        killed_at = time.monotonic()
        if first := await served.kill(next(order, drawn), chance):
            kills.append(first)
        if is_twice:
            await asyncio.sleep(after_s)
            if other := await served.kill(second, chance):
                kills.append(other)
        back_s = await served.serves(after=tuple(kills)) - killed_at
        names = " + ".join(kill.target for kill in kills)
        rounds.kills.update(kill.target for kill in kills)
        rounds.back_s.setdefault(names or "nothing", []).append(back_s)
        rounds.run += bool(kills)
        stored = sum(one.is_stored for one in ledger.recordings.values())
        done = sum(one.transcript is not None for one in ledger.sessions.values())
        print(
            f"round {ledger.round}: {calm_s:.2f} s, then {names or 'nothing there'}, served again "
            f"after {back_s:.2f} s; {stored} recordings stored, {ledger.unfinished} of them "
            f"waiting, {done} sessions done",
            flush=True,
        )
        if rounds.run % _CENSUS_EVERY == 0:
            await checks.census(is_last=False)


def main() -> int:
    """Run, print and store; the exit status says whether everything promised was kept."""
    if "--fleet" in sys.argv:
        from benchmarks import fleet_durability

        return fleet_durability.main([each for each in sys.argv[1:] if each != "--fleet"])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fleet", action="store_true", help="several machines; its own --help")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--uploads", type=int, default=50, help="under way at once")
    parser.add_argument("--sessions", type=int, default=20, help="likewise")
    parser.add_argument("--seed", type=int, default=1, help="decides what is killed and when")
    parser.add_argument("--minutes", type=float, default=60, help="no round begins later")
    parser.add_argument("--keep", action="store_true", help="keep the data folder, and name it")
    parser.add_argument("--no-save", action="store_true", help="leave the stored results alone")
    parser.add_argument("--note", default="", help="what a reader of the results should know")
    parser.add_argument("--beside", action="store_true", help="keep the runs stored before")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-durability-"))
    plan = Plan(
        rounds=given.rounds,
        uploads=given.uploads,
        sessions=given.sessions,
        seed=given.seed,
        minutes=given.minutes,
    )
    print(f"seed {plan.seed}", flush=True)
    try:
        outcome = asyncio.run(run(plan, folder))
    finally:
        if given.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    found = summed_up(outcome) | {"note": given.note}
    if not given.no_save:
        stored = FOLDER / "durability.json"
        runs = [found]
        if given.beside and stored.exists():
            runs = [*json.loads(stored.read_text(encoding="utf-8"))["runs"], found]
        text = json.dumps({"runs": runs}, ensure_ascii=False, indent=1)
        stored.write_text(text + "\n", encoding="utf-8")
        stored.with_suffix(".md").write_text(report(runs), encoding="utf-8")
    print(report([found]))
    return 1 if outcome.ledger.violations or outcome.rounds.run < plan.rounds else 0


if __name__ == "__main__":
    sys.exit(main())
