"""What a run of `benchmarks.durability` was asked to do, what came of it, and the page about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.durability_ledger import Ledger
from benchmarks.durability_served import Target
from benchmarks.figures import nearest_rank
from benchmarks.machine import describe_machine
from benchmarks.results import now


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
    pause_s: float = 1.5
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
            "requests_cut_off": dict(ledger.cut_off),
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


def report(runs: Sequence[dict[str, Any]]) -> str:
    """Write the page of some runs."""
    lines = [
        "# Durability: everything killed with -9",
        "",
        "Scripted recogniser, embedded PostgreSQL with its default settings; what is promised and "
        "how it is looked at stands in [the README](../README.md#durability).",
    ]
    for found in runs:
        lines += _told(found)
    return "\n".join(lines) + "\n"


def _told(found: dict[str, Any]) -> list[str]:
    plan, machine = found["plan"], found["machine"]
    recordings, sessions = found["recordings"], found["sessions"]
    refusals = ", ".join(f"{n} × {name}" for name, n in recordings["refusals"].items()) or "none"
    kills = ", ".join(f"{name} {n}" for name, n in sorted(found["kills"].items()))
    cut_off = sum(recordings["requests_cut_off"].values())
    lines = [
        "",
        f"## {found['when']}: {found['rounds']} rounds, {len(found['violations'])} violations",
        "",
        f"{found['rounds']} rounds run of {plan['rounds']} asked for, seed {plan['seed']}; "
        f"{plan['uploads']} uploads and {plan['sessions']} live sessions all the time; "
        f"{found['seconds'] / 60:.0f} min. {machine['processor']}, {machine['cores']} cores shared "
        "with other programs.",
        *([found["note"]] if found.get("note") else []),
        "",
        f"- Kills: {kills}.",
        f"- Recordings: {recordings['acknowledged']} acknowledged as stored "
        f"({plan['uploads'] + plan['sessions']} of them undisturbed, before the first round), "
        f"{recordings['transcripts_checked']} found to be exactly one transcript with the "
        f"undisturbed text. {cut_off} requests were cut off or unanswered; refusals: {refusals}.",
        f"- Live sessions: {sessions['done']} got `done`, {sessions['transcripts_checked']} found "
        "exactly once in the history, every utterance with the text of its own audio; "
        f"{sessions['text_as_undisturbed']} letter for letter as undisturbed (in the others a new "
        "process set the border of an utterance some frames earlier or later). "
        f"{sessions['interruptions']} interruptions, {sessions['resumes']} resumes.",
        "- Finals that were shown before the service died with them unstored, and that then "
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
        if one["rounds"]
    ]
    if found["violations"]:
        lines += ["", "Violations:", ""]
        lines += [f"- round {one['round']}: {one['what']}" for one in found["violations"]]
    return lines
