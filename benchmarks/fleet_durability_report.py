"""What a run of `benchmarks.fleet_durability` was asked to do, what came of it, the page and the plot."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from benchmarks.durability_ledger import Ledger
from benchmarks.figures import nearest_rank
from benchmarks.fleet_faults import DESCRIBED, KINDS, PARTS, Fault
from benchmarks.machine import describe_machine
from benchmarks.results import now

mpl.use("Agg")

from matplotlib import pyplot as plt

RECOVERY_S: Final = 10.0
"""What is promised."""
NEVER_S: Final = 60.0
"""Who is not served after so long is not waited for."""
_COLOURS: Final = ("#c81e5b", "#1f4fd8", "#4c7a4c", "#b0763b", "#8c5aa5", "#3f7f8c", "#7a7a7a")


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """How much of everything."""

    rounds: int
    uploads: int
    sessions: int
    seed: int
    first: tuple[Fault, ...] = ()
    """In this order; then chance decides."""
    calm_s: tuple[float, float] = (0.3, 1.5)
    """From one round to the next."""
    pause_s: float = 1.0
    """Between two chunks of an upload, on average."""
    recovery_s: float = RECOVERY_S
    """Whoever is served later makes the round a violation."""
    minutes: float = 120.0
    """No round begins later."""
    settle_s: float = 240.0
    """For what was acknowledged to become transcripts at the end; leases last 30 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One fault and what came of it."""

    fault: Fault
    recovery_s: float | None
    """None: within a minute not everybody was served."""
    stalled_s: float
    """Longest that the machine itself kept a program waiting meanwhile, for processor or disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOutcome:
    """All of a run."""

    plan: FleetPlan
    ledger: Ledger
    rounds: list[Round]
    left_running: list[str]
    """Programs that did not end when they were asked to, at the end."""
    complaints: dict[str, int]
    """Errors in the logs of services and workers."""
    seconds: float


def summed_up(outcome: FleetOutcome) -> dict[str, Any]:
    """Give the figures of a run, as they are stored."""
    ledger, plan = outcome.ledger, outcome.plan
    recordings, sessions = ledger.recordings.values(), ledger.sessions.values()
    return {
        "when": now(),
        "machine": describe_machine(),
        "seed": plan.seed,
        "uploads": plan.uploads,
        "dictating": plan.sessions,
        "seconds": round(outcome.seconds, 1),
        "rounds_asked": plan.rounds,
        "rounds": [
            {
                "part": each.fault.part,
                "target": each.fault.target,
                "kind": each.fault.kind,
                "links": list(each.fault.links),
                "lasts_s": round(each.fault.lasts_s, 2),
                "stalled_s": round(each.stalled_s, 2),
                "recovery_s": None if each.recovery_s is None else round(each.recovery_s, 3),
            }
            for each in outcome.rounds
        ],
        "recordings": {
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
            "finals_checked": ledger.finals_checked,
            "interruptions": ledger.session_interruptions,
            "resumes": ledger.session_resumes,
            "late_s": {
                "p50": round(nearest_rank(ledger.late_s, 50) or 0, 2),
                "p95": round(nearest_rank(ledger.late_s, 95) or 0, 2),
                "worst": round(max(ledger.late_s, default=0.0), 2),
            },
            "text_as_undisturbed": ledger.letter_for_letter,
            "finals_shown_then_cut_otherwise": ledger.shown_otherwise,
        },
        "errors_logged": outcome.complaints,
        "violations": [asdict(one) for one in ledger.violations],
        "programs_left_running": outcome.left_running,
    }


def report(found: dict[str, Any]) -> str:
    """Write the page of a run."""
    machine, sessions, recordings = found["machine"], found["sessions"], found["recordings"]
    rounds = found["rounds"]
    stalled = [each["stalled_s"] for each in rounds]
    cut_off = sum(recordings["requests_cut_off"].values())
    refusals = ", ".join(f"{n} × {what}" for what, n in recordings["refusals"].items()) or "none"
    errors = ", ".join(f"{n} × {what}" for what, n in found["errors_logged"].items()) or "none"
    lines = [
        "# Durability of a fleet",
        "",
        "Two services, two workers with the scripted engine, NATS, PostgreSQL and Nginx, a fault "
        "proxy between all of them; what is promised and how it is looked at stands in "
        "[the README](../README.md#durability-of-a-fleet).",
        "",
        f"{found['when']}: {len(rounds)} rounds of {found['rounds_asked']} asked for, seed "
        f"{found['seed']}; {found['dictating']} people dictate and {found['uploads']} upload all "
        f"the time; {found['seconds'] / 60:.0f} min. {machine['processor']}, {machine['cores']} "
        "cores shared with other programs.",
        *([found["note"]] if found.get("note") else []),
        "",
        f"- Live sessions: {sessions['done']} of {sessions['begun']} got `done`, "
        f"{sessions['transcripts_checked']} found exactly once in the history, their "
        f"{sessions['finals_checked']} finals each with the text of its own audio; "
        f"{sessions['interruptions']} interruptions, {sessions['resumes']} resumes.",
        "- From the last sample spoken to `done`, whatever happened in between: "
        f"p50 {sessions['late_s']['p50']} s, p95 {sessions['late_s']['p95']} s, worst "
        f"{sessions['late_s']['worst']} s.",
        f"- Recordings: {recordings['acknowledged']} acknowledged as stored, "
        f"{recordings['transcripts_checked']} found to be exactly one transcript with the "
        f"undisturbed text. {cut_off} requests were cut off or unanswered; refusals: {refusals}.",
        "- Finals that were shown before a service was lost with them unstored, and that then got "
        f"other borders: {sessions['finals_shown_then_cut_otherwise']}.",
        "- The machine itself kept a program waiting, for processor or disk, for "
        f"{nearest_rank(stalled, 50) or 0:.2f} s at the median of the rounds, "
        f"{nearest_rank(stalled, 95) or 0:.2f} s at the 95th percentile, "
        f"{max(stalled, default=0):.2f} s at worst.",
        f"- Errors logged by services and workers: {errors}.",
        f"- Violations: {len(found['violations'])}.",
        "",
        "![Recovery by part and fault](fleet_durability.png)",
        "",
        "Recovery: seconds until two new sessions, one for each service that Nginx may choose, "
        "both had a final; from the end of the fault, or from its beginning where a twin could do "
        "the work.",
        "",
        *_table("part", [(f"**{each}**", _times(rounds, part=each)) for each in PARTS]),
        *[_row("all", _times(rounds))][: len(rounds)],
        "",
        *_table("fault", [(DESCRIBED[each], _times(rounds, kind=each)) for each in KINDS]),
        "",
        f"| rounds | {' | '.join(KINDS)} |",
        f"| --- |{' ---: |' * len(KINDS)}",
    ]
    counts = Counter((each["part"], each["kind"]) for each in rounds)
    lines += [
        f"| {part} | {' | '.join(str(counts[part, kind]) for kind in KINDS)} |" for part in PARTS
    ]
    if found["violations"]:
        lines += ["", "Violations:", ""]
        lines += [f"- round {one['round']}: {one['what']}" for one in found["violations"]]
    return "\n".join(lines) + "\n"


def _times(rounds: list[dict[str, Any]], **wanted: str) -> list[float]:
    return [
        each["recovery_s"] or NEVER_S
        for each in rounds
        if all(each[name] == value for name, value in wanted.items())
    ]


def _table(of: str, rows: list[tuple[str, list[float]]]) -> list[str]:
    head = [f"| {of} | rounds | p50 | p95 | worst |", "| --- | ---: | ---: | ---: | ---: |"]
    return head + [_row(name, times) for name, times in rows if times]


def _row(name: str, times: list[float]) -> str:
    p50, p95 = nearest_rank(times, 50) or 0, nearest_rank(times, 95) or 0
    return f"| {name} | {len(times)} | {p50:.2f} | {p95:.2f} | {max(times, default=0):.2f} |"


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw every recovery as a point: parts side by side, faults by colour and place."""
    figure, axes = plt.subplots(figsize=(11, 5.5), layout="constrained")
    for place, kind in enumerate(KINDS):
        points = [
            (PARTS.index(each["part"]) + (place - 3) * 0.11, each["recovery_s"] or NEVER_S)
            for each in found["rounds"]
            if each["kind"] == kind
        ]
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            "o",
            color=_COLOURS[place],
            markersize=5,
            alpha=0.75,
            label=DESCRIBED[kind],
        )
    axes.axhline(RECOVERY_S, color="black", linewidth=1, linestyle="--")
    axes.text(-0.45, RECOVERY_S * 1.05, f"promised: {RECOVERY_S:g} s", fontsize=9)
    axes.set_yscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xticks(range(len(PARTS)), PARTS)
    axes.set_xlim(-0.5, len(PARTS) - 0.5)
    axes.set_ylabel("seconds until new sessions have a final")
    axes.set_title(f"Recovery of a fleet in {len(found['rounds'])} rounds")
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
