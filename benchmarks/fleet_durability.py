"""Whether anything is lost or doubled, and how soon people are served again, when a fleet is wronged.

    python -m benchmarks.durability --fleet --rounds 200

Two services, two workers, NATS, PostgreSQL and Nginx run as processes of their own, with a fault
proxy on every way between them (`benchmarks.fleet_machines`). People dictate and upload through Nginx
all the time. A *round* wrongs one part, drawn by chance from `--seed`: it is killed, restarted, stopped,
cut off, or the network to it is spoilt (`benchmarks.fleet_faults`). Then two new sessions begin, with
credentials that Nginx sends to different services: *recovery* is the time until both have a final, counted
from the end of the fault; from its beginning where a service or a worker was killed or restarted,
because there is another one.

Promised is what `benchmarks.durability` promises, and a recovery within 10 s. The exit status says
whether that was kept.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from benchmarks.durability_checks import Checks, NoAnswer
from benchmarks.durability_ledger import Ledger
from benchmarks.durability_people import People
from benchmarks.durability_takes import Expected, Take, make_takes
from benchmarks.durability_work import undisturbed, while_everybody_works
from benchmarks.fleet_durability_report import (
    NEVER_S,
    FleetOutcome,
    FleetPlan,
    Round,
    plot,
    report,
    summed_up,
)
from benchmarks.fleet_faults import Fault, Part, draw, inflict, next_of
from benchmarks.fleet_machines import RESUME_S, SERVICES, Fleet, make_keys, running_fleet
from benchmarks.fleet_programs import NotUp
from benchmarks.results import FOLDER
from benchmarks.stalls import Stalls
from service.client.events import StreamEvent
from service.dictation.wire import Final as FinalMessage
from tests.voice import quiet, voice

_CENSUS_EVERY: Final = 20
_KEYS: Final = 8
_PROBE: Final = Take(pcm=voice(1300, seed=7) + quiet(1100), utterances=1)


class Probes:
    """New sessions, one for each service that Nginx may choose."""

    def __init__(self, people: People, keys: list[str], expected: Expected) -> None:
        self._people = people
        self._keys = keys
        self._expected = expected

    async def recovered(self, tasks: asyncio.TaskGroup, since: float) -> float | None:
        """Begin a session each and wait until all have a final; give the seconds since `since`.

        None: one had none after a minute. The sessions go on to their end in `tasks`.
        """
        heard = [asyncio.Event() for _ in self._keys]

        def listening(event: asyncio.Event) -> Callable[[StreamEvent], None]:
            def hear(said: StreamEvent) -> None:
                if isinstance(said, FinalMessage):
                    event.set()

            return hear

        for key, event in zip(self._keys, heard, strict=True):
            tasks.create_task(
                self._people.speak(
                    _PROBE, self._expected, pace=None, key=key, hear=listening(event)
                )
            )
        try:
            async with asyncio.timeout(NEVER_S):
                for event in heard:
                    await event.wait()
        except TimeoutError:
            return None
        return time.monotonic() - since


async def run(
    plan: FleetPlan, folder: Path, *, store: Callable[[FleetOutcome], None] = lambda _: None
) -> FleetOutcome:
    """Run a fleet in an empty folder, wrong it, check; `store` is given what there is meanwhile."""
    begun = time.monotonic()
    ledger, rounds = Ledger(), list[Round]()
    chance = random.Random(plan.seed)
    takes = make_takes(plan.uploads + plan.sessions, chance=chance)
    left_running: list[str] = []

    def outcome() -> FleetOutcome:
        return FleetOutcome(
            plan=plan,
            ledger=ledger,
            rounds=rounds,
            left_running=left_running,
            complaints=_complaints(folder),
            seconds=time.monotonic() - begun,
        )

    async with running_fleet(folder) as fleet:
        left_running = fleet.left_running
        keys = await make_keys(fleet, _KEYS)
        people = People(fleet.url, ledger, chance=random.Random(plan.seed + 1), keys=keys)
        checks = Checks(fleet.url, ledger, key=keys[0])
        try:
            *expected, of_probe = await undisturbed([*takes, _PROBE], people, checks, ledger)
            chosen = await _keys_of_both(fleet, people, of_probe, keys)
            print(f"{len(takes)} takes transcribed undisturbed", flush=True)
            probes = Probes(people, chosen, of_probe)
            await while_everybody_works(
                lambda: _wrong(
                    plan,
                    fleet,
                    probes,
                    checks,
                    ledger,
                    rounds,
                    chance=chance,
                    folder=folder,
                    so_far=lambda: store(outcome()),
                ),
                people=people,
                checks=checks,
                ledger=ledger,
                work=list(zip(takes, expected, strict=True)),
                uploads=plan.uploads,
                pause_s=plan.pause_s,
            )
            await checks.settle(plan.settle_s)
            # Sessions whose people went on elsewhere end now; that may take nothing away.
            await asyncio.sleep(RESUME_S + 5)
            await checks.census(is_last=True)
        except (NoAnswer, NotUp) as exc:
            ledger.violated(str(exc))
        finally:
            await people.leave()
            await checks.leave()
    return outcome()


async def _keys_of_both(
    fleet: Fleet, people: People, expected: Expected, keys: list[str]
) -> list[str]:
    """Find a key for each service: Nginx chooses by address and credential."""
    found: dict[str, str] = {}
    for key in keys:
        await people.speak(_PROBE, expected, pace=None, key=key)
        while True:
            lines = fleet.proxy_log.read_text(encoding="utf-8").splitlines()
            of_sockets = [line for line in map(json.loads, lines) if line["path"] == "/v1/stream"]
            if len(of_sockets) >= len(found) + 1:
                break
            await asyncio.sleep(0.05)
        found.setdefault(fleet.upstreams[of_sockets[-1]["upstream"]], key)
        if len(found) == len(SERVICES):
            return list(found.values())
    raise NotUp("all credentials lead to one service")


async def _wrong(
    plan: FleetPlan,
    fleet: Fleet,
    probes: Probes,
    checks: Checks,
    ledger: Ledger,
    rounds: list[Round],
    *,
    chance: random.Random,
    folder: Path,
    so_far: Callable[[], None],
) -> None:
    """Do one wrong after the other."""
    faults = [*plan.first, *draw(plan.rounds - len(plan.first), chance)]
    last = time.monotonic() + 60 * plan.minutes
    stalls = Stalls(folder)
    coming: dict[Part, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(stalls.watch())
        await asyncio.sleep(2.0)  # until everybody has begun
        while faults and time.monotonic() < last:
            await asyncio.sleep(chance.uniform(*plan.calm_s))
            # A part that lost one of two is left alone until both are there.
            unfit = [part for part, task in coming.items() if not task.done()]
            fault = next_of(faults, unfit)
            if fault is None:
                await asyncio.wait(coming.values())
                continue
            ledger.round = len(rounds) + 1
            stalls.take()
            since = await inflict(fleet, fault)
            recovery_s = await probes.recovered(tasks, since)
            rounds.append(Round(fault=fault, recovery_s=recovery_s, stalled_s=stalls.take()))
            if fault.leaves_a_twin:
                coming[fault.part] = tasks.create_task(_up(fleet, fault, ledger))
            _say(ledger, fault, recovery_s)
            if recovery_s is None or recovery_s > plan.recovery_s:
                ledger.violated(
                    f"{fault}: recovery {recovery_s or NEVER_S:.1f} s; the machine itself stalled "
                    f"for up to {rounds[-1].stalled_s:.1f} s"
                )
            if len(rounds) % _CENSUS_EVERY == 0:
                await checks.census(is_last=False)
                so_far()
        watching.cancel()


async def _up(fleet: Fleet, fault: Fault, ledger: Ledger) -> None:
    try:
        await fleet.programs[fault.target].up()
    except NotUp as exc:
        ledger.violated(str(exc))


def _say(ledger: Ledger, fault: Fault, recovery_s: float | None) -> None:
    done = sum(one.transcript is not None for one in ledger.sessions.values())
    stored = sum(one.is_stored for one in ledger.recordings.values())
    took = "never" if recovery_s is None else f"after {recovery_s:.2f} s"
    print(
        f"round {ledger.round}: {fault}; served again {took}; {done} sessions done, {stored} "
        f"recordings stored, {ledger.unfinished} waiting",
        flush=True,
    )


def _complaints(folder: Path) -> dict[str, int]:
    """Count what services and workers logged as errors, by name of the event."""
    found: Counter[str] = Counter()
    for log in (*folder.glob("service-*.log"), *folder.glob("worker-*.log")):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("{"):
                try:
                    entry = json.loads(line)
                except ValueError:  # the line is being written, or its program was killed in it
                    continue
                if entry.get("level") in ("error", "critical"):
                    found[str(entry.get("event"))] += 1
            elif line.startswith("Traceback"):
                found["a traceback outside of the log"] += 1
    return dict(found)


def main(arguments: list[str] | None = None) -> int:
    """Run, print and store; the exit status says whether everything promised was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=4, help="under way at once")
    parser.add_argument("--sessions", type=int, default=6, help="likewise")
    parser.add_argument("--seed", type=int, default=1, help="decides what happens to whom")
    parser.add_argument("--minutes", type=float, default=120, help="no round begins later")
    parser.add_argument("--keep", action="store_true", help="keep the folder, and name it")
    parser.add_argument("--no-save", action="store_true", help="leave the stored results alone")
    parser.add_argument("--note", default="", help="what a reader of the results should know")
    given = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    folder = Path(tempfile.mkdtemp(prefix="alfavoice-wronged-"))
    plan = FleetPlan(
        rounds=given.rounds,
        uploads=given.uploads,
        sessions=given.sessions,
        seed=given.seed,
        minutes=given.minutes,
    )
    print(f"seed {plan.seed}", flush=True)

    def store(outcome: FleetOutcome) -> None:
        if given.no_save:
            return
        found = summed_up(outcome) | {"note": given.note}
        stored = FOLDER / "fleet_durability.json"
        text = json.dumps(found, ensure_ascii=False, indent=1)
        stored.write_text(text + "\n", encoding="utf-8")
        stored.with_suffix(".md").write_text(report(found), encoding="utf-8")
        plot(found, stored.with_suffix(".png"))

    try:
        outcome = asyncio.run(run(plan, folder, store=store))
    finally:
        if given.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    store(outcome)
    print(report(summed_up(outcome)))
    return 1 if outcome.ledger.violations or len(outcome.rounds) < plan.rounds else 0


if __name__ == "__main__":
    sys.exit(main())
