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
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from benchmarks.durability_checks import Checks, NoAnswer
from benchmarks.durability_ledger import Ledger
from benchmarks.durability_people import People
from benchmarks.durability_served import Kill, NotServing, Served, Target
from benchmarks.durability_takes import Expected, Take, make_takes
from benchmarks.figures import nearest_rank
from benchmarks.machine import describe_machine
from benchmarks.results import FOLDER, now

TARGETS: Final[tuple[Target, ...]] = ("service", "postmaster", "backend", "recogniser")
_SECOND_KILL: Final = 1 / 6
_CENSUS_EVERY: Final = 10
"""Rounds between two looks at everything there is."""
_WAITING_LIMIT: Final = 150
"""Recordings that may wait for their text before another one is begun."""
_CHUNKS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything."""

    rounds: int
    uploads: int
    sessions: int
    seed: int
    first: tuple[Target, ...] = ()
    """Killed in this order; then chance decides."""
    calm_s: float = 3.0
    """Longest time from serving again to the next kill."""
    pause_s: float = 4.0
    """Between two chunks of an upload, on average."""
    minutes: float = 60.0
    """No round begins later."""
    settle_s: float = 240.0
    """For what was acknowledged to become transcripts at the end; leases last 30 s."""


@dataclass(slots=True, kw_only=True)
class Rounds:
    """What was done to the service."""

    run: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    back_s: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from the (first) kill until it served again, by what was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All of a run."""

    plan: Plan
    ledger: Ledger
    rounds: Rounds
    left_behind: list[str]
    """Processes that were still there after the end."""
    seconds: float


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
            expected = await _undisturbed(takes, people, checks, ledger)
            print(f"{len(takes)} takes transcribed undisturbed", flush=True)
            await _disturbed(plan, served, people, checks, list(zip(takes, expected, strict=True)),
                             rounds=rounds, chance=chance, ledger=ledger)  # fmt: skip
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


async def _undisturbed(
    takes: list[Take], people: People, checks: Checks, ledger: Ledger
) -> list[Expected]:
    """Transcribe every take as a recording, and say what its text is."""
    few = asyncio.Semaphore(4)

    async def one(take: Take) -> str:
        async with few:
            entry = await people.upload(take, None, chunks=1, pause_s=0)
        while entry is not None and entry.checked is None:
            await asyncio.sleep(0.1)
        if entry is None or entry.checked in ("lost", "failed"):
            raise NoAnswer("a take was not transcribed even undisturbed")
        return str(entry.checked)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(checks.keep_looking())
        transcripts = [await made for made in [tasks.create_task(one(take)) for take in takes]]
        looking.cancel()
    expected = [await checks.expected(transcript) for transcript in transcripts]
    for take, found in zip(takes, expected, strict=True):
        if len(found.borders) != take.utterances:
            ledger.violated(f"{len(found.borders)} utterances of {take.utterances}, undisturbed")
    return expected


async def _disturbed(
    plan: Plan,
    served: Served,
    people: People,
    checks: Checks,
    work: list[tuple[Take, Expected]],
    *,
    rounds: Rounds,
    chance: random.Random,
    ledger: Ledger,
) -> None:
    """Run the rounds while everybody works; then let everybody end what they began."""
    over = asyncio.Event()

    async def again_and_again(once: Callable[[], Awaitable[object]]) -> None:
        while not over.is_set():
            while ledger.unfinished > _WAITING_LIMIT and not over.is_set():
                await asyncio.sleep(0.5)
            await once()

    def uploading(take: Take, expected: Expected) -> Callable[[], Awaitable[object]]:
        return lambda: people.upload(take, expected, chunks=_CHUNKS, pause_s=plan.pause_s)

    def speaking(take: Take, expected: Expected) -> Callable[[], Awaitable[object]]:
        return lambda: people.speak(take, expected, pace=1.0)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(checks.keep_looking())
        async with asyncio.TaskGroup() as busy:
            for number, (take, expected) in enumerate(work):
                kind = uploading if number < plan.uploads else speaking
                busy.create_task(again_and_again(kind(take, expected)))
            try:
                await _kill_round_by_round(plan, served, checks, rounds, chance, ledger)
            finally:
                over.set()
                people.hurry = True
        looking.cancel()


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


def summed_up(outcome: Outcome) -> dict[str, Any]:
    """Give the figures of a run, as they are stored."""
    ledger, rounds = outcome.ledger, outcome.rounds
    recordings, sessions = ledger.recordings.values(), ledger.sessions.values()
    every = [took for times in rounds.back_s.values() for took in times]
    by_kill = {"all": every} | dict(sorted(rounds.back_s.items()))
    return {
        "when": now(),
        "machine": describe_machine(),
        "plan": asdict(outcome.plan),
        "seconds": round(outcome.seconds, 1),
        "rounds": rounds.run,
        "kills": dict(rounds.kills),
        "recordings": {
            "begun": len(recordings),
            "acknowledged": sum(one.is_stored for one in recordings),
            "transcripts_checked": sum(
                one.checked not in (None, "lost", "failed") for one in recordings
            ),
            "requests_cut_off": ledger.upload_interruptions,
            "refusals": dict(ledger.answers),
        },
        "sessions": {
            "begun": len(sessions),
            "done": sum(one.transcript is not None for one in sessions),
            "transcripts_checked": sum(one.is_checked for one in sessions),
            "interruptions": ledger.session_interruptions,
            "resumes": ledger.session_resumes,
            "text_as_undisturbed": ledger.letter_for_letter,
            "finals_shown_then_cut_otherwise": ledger.shown_otherwise,
        },
        "serves_again_s": {
            name: {
                "rounds": len(times),
                "p50": round(nearest_rank(times, 50) or 0, 2),
                "p95": round(nearest_rank(times, 95) or 0, 2),
                "worst": round(max(times, default=0.0), 2),
            }
            for name, times in by_kill.items()
        },
        "violations": [asdict(one) for one in ledger.violations],
        "processes_left_behind": outcome.left_behind,
    }


def report(found: dict[str, Any]) -> str:
    """Write the page."""
    plan, machine = found["plan"], found["machine"]
    recordings, sessions = found["recordings"], found["sessions"]
    refusals = ", ".join(f"{n} × {name}" for name, n in recordings["refusals"].items()) or "none"
    kills = ", ".join(f"{name} {n}" for name, n in sorted(found["kills"].items()))
    lines = [
        "# Durability: everything killed with -9",
        "",
        f"**{found['rounds']} rounds run** of {plan['rounds']} asked for, seed {plan['seed']}, "
        f"{plan['uploads']} uploads and {plan['sessions']} live sessions all the time; "
        f"**{len(found['violations'])} violations**.",
        f"{machine['processor']}, {machine['cores']} cores shared with other programs, "
        f"{found['seconds'] / 60:.0f} min, {found['when']}. Scripted recogniser, embedded "
        "PostgreSQL with its default settings.",
        "",
        f"- Kills: {kills}.",
        f"- Recordings: {recordings['acknowledged']} acknowledged as stored, "
        f"{recordings['transcripts_checked']} found to be exactly one transcript with the "
        f"undisturbed text. {recordings['requests_cut_off']} requests were cut off or unanswered; "
        f"refusals: {refusals}.",
        f"- Live sessions: {sessions['done']} got `done`, {sessions['transcripts_checked']} found "
        "exactly once in the history, every utterance with the text of its own audio; "
        f"{sessions['text_as_undisturbed']} letter for letter as undisturbed (in the others a new "
        "process set the border of an utterance some frames earlier or later). "
        f"{sessions['interruptions']} interruptions, {sessions['resumes']} resumes.",
        f"- Finals that a person saw before the service died with them unstored, and that then "
        f"got other borders: {sessions['finals_shown_then_cut_otherwise']}.",
        "",
        "Seconds from the first kill until `/health/ready` said 200 and what was killed was gone:",
        "",
        "| killed | rounds | p50 | p95 | worst |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {one['rounds']} | {one['p50']} | {one['p95']} | {one['worst']} |"
        for name, one in found["serves_again_s"].items()
    ]
    if found["violations"]:
        lines += ["", "## Violations", ""]
        lines += [f"- round {one['round']}: {one['what']}" for one in found["violations"]]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, print and store; the exit status says whether everything promised was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--uploads", type=int, default=50, help="under way at once")
    parser.add_argument("--sessions", type=int, default=20, help="likewise")
    parser.add_argument("--seed", type=int, default=1, help="decides what is killed and when")
    parser.add_argument("--minutes", type=float, default=60, help="no round begins later")
    parser.add_argument("--keep", action="store_true", help="keep the data folder, and name it")
    parser.add_argument("--no-save", action="store_true", help="leave the stored results alone")
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
    found = summed_up(outcome)
    if not given.no_save:
        text = json.dumps(found, ensure_ascii=False, indent=1)
        (FOLDER / "durability.json").write_text(text + "\n", encoding="utf-8")
        (FOLDER / "durability.md").write_text(report(found), encoding="utf-8")
    print(report(found))
    return 1 if outcome.ledger.violations or outcome.rounds.run < plan.rounds else 0


if __name__ == "__main__":
    sys.exit(main())
