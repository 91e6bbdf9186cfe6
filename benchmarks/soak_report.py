"""What came of a soak: does memory grow, is anything held that should not be, and the page of it."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from benchmarks.results import now
from benchmarks.soak_samples import Sample

mpl.use("Agg")

from matplotlib import pyplot as plt

FloatArray: TypeAlias = "NDArray[np.float64]"

GROWTH_LIMIT: Final = 0.02
"""Share of the memory after the warm-up by which it may have grown at the end of the load."""
OURS: Final = ("service", "worker", "recogniser")
OTHERS: Final = ("nats", "postgres")
POOL: Final = 10
"""Connections to the database that a service may keep for a while."""
_BACK: Final[Mapping[str, Callable[[Sample], float]]] = {
    "tasks of the service": lambda s: s.figures["tasks"],
    "tasks of the worker": lambda s: s.figures["worker_tasks"],
    "sessions": lambda s: s.figures["sessions"],
    "sockets of sessions": lambda s: s.figures["session_sockets"],
    "windows waiting": lambda s: s.figures["waiting"],
    "busy lanes, by the service": lambda s: s.figures["busy_lanes"],
    "busy lanes, by the worker": lambda s: s.figures["worker_busy_lanes"],
    "database connections in use": lambda s: s.figures["pool_in_use"],
    "files of the service but for its pool": lambda s: (
        s.held["service"].files - s.figures["pool_open"]
    ),
    "sockets of the service but for its pool": lambda s: (
        s.held["service"].sockets - s.figures["pool_open"]
    ),
    "files of the worker": lambda s: s.held["worker"].files,
    "files of the recogniser": lambda s: s.held["recogniser"].files,
    "files of NATS": lambda s: s.held["nats"].files,
    "NATS connections": lambda s: s.figures["nats_connections"],
    "NATS subscriptions": lambda s: s.figures["nats_subscriptions"],
    "decoder processes": lambda s: s.held["decoders"].processes,
    "recogniser processes": lambda s: s.held["recogniser"].processes,
}
"""What must be no more after the load than before it."""
_OF_THE_POOL: Final[Mapping[str, Callable[[Sample], float]]] = {
    "database connections of the pool": lambda s: s.figures["pool_open"],
    "processes of PostgreSQL": lambda s: s.held["postgres"].processes,
}
"""Likewise, once the pool has closed what it does not use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Memory of one role under load: a line of least squares through the samples."""

    role: str
    samples: int
    begin_mb: float
    """Of the line, where the warm-up ends."""
    end_mb: float
    grown: float
    """Share of `begin_mb`."""
    scatter_mb: float
    """Standard deviation of the samples about the line."""
    peak_mb: float


def growths(samples: Sequence[Sample], *, warm_up_s: float) -> list[Growth]:
    """Fit the memory of each role after the warm-up.

    Resident size (RSS) of our processes and of NATS; of PostgreSQL, whose backends map the same
    buffers, the sum of the proportional sizes (PSS). Our three are also added up.
    """
    under_load = [s for s in samples if s.phase == "load" and s.at_s >= warm_up_s]
    at_s = np.array([sample.at_s for sample in under_load])
    lines = {role: [s.held[role].rss for s in under_load] for role in (*OURS, "nats")}
    lines["postgres"] = [s.held["postgres"].pss for s in under_load]
    lines["ours"] = [sum(s.held[role].rss for role in OURS) for s in under_load]
    return [_growth(role, at_s, np.array(sizes) / 1e6) for role, sizes in lines.items()]


def _growth(role: str, at_s: FloatArray, sizes_mb: FloatArray) -> Growth:
    slope, offset = np.polyfit(at_s, sizes_mb, 1)
    begin, end = (float(slope * at + offset) for at in (at_s[0], at_s[-1]))
    return Growth(
        role=role,
        samples=len(at_s),
        begin_mb=round(begin, 3),
        end_mb=round(end, 3),
        grown=round((end - begin) / begin, 5),
        scatter_mb=round(float(np.std(sizes_mb - (slope * at_s + offset))), 3),
        peak_mb=round(float(sizes_mb.max()), 3),
    )


def not_back(before: Sample, after: Sample, *, is_pool_given_up: bool) -> dict[str, list[float]]:
    """Give what is more after the load than before it, with both values.

    Args:
        before: everything was done once, and all was at rest.
        after: at rest again.
        is_pool_given_up: whether connections of the pool had time to be closed for idleness; else
            there may be as many as the pool holds.
    """
    found = {
        name: [look(before), look(after)]
        for name, look in _BACK.items()
        if look(after) > look(before)
    }
    spare = 0 if is_pool_given_up else POOL
    for name, look in _OF_THE_POOL.items():
        if look(after) > look(before) + spare:
            found[name] = [look(before), look(after)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """All of a run."""

    plan: Mapping[str, Any]
    samples: Sequence[Sample]
    before: Sample
    after: Sample
    did: Mapping[str, int]
    failed: Mapping[str, int]
    left_behind: Sequence[str]
    commit: str


def summed_up(soaked: Soaked, *, warm_up_s: float, is_pool_given_up: bool) -> dict[str, Any]:
    """Give the figures of a run, as they are stored."""
    load = [sample for sample in soaked.samples if sample.phase == "load"]
    steady = [sample for sample in load if sample.at_s >= warm_up_s] or load
    first, last = steady[0], steady[-1]
    elapsed_s = last.at_s - first.at_s
    lanes = statistics.mean(sample.figures["ready_lanes"] for sample in steady)

    def a_second(figure: str) -> float:
        return (last.figures[figure] - first.figures[figure]) / elapsed_s

    grown = growths(soaked.samples, warm_up_s=warm_up_s)
    leaks = not_back(soaked.before, soaked.after, is_pool_given_up=is_pool_given_up)
    # NATS and PostgreSQL are not ours; what they hold is told, and their files are looked at above.
    growing = [one.role for one in grown if one.role not in OTHERS and one.grown >= GROWTH_LIMIT]
    return {
        "when": now(),
        "machine": describe_machine(),
        "commit": soaked.commit,
        "plan": dict(soaked.plan),
        "load_s": round(load[-1].at_s - load[0].at_s, 1),
        "lanes_busy": round(a_second("engine_s") / lanes, 4),
        "cores": {
            role: round((last.held[role].cpu_s - first.held[role].cpu_s) / elapsed_s, 3)
            for role in (*OURS, *OTHERS)
        },
        "finals": last.figures["finals"] - load[0].figures["finals"],
        "speech_s_per_s": round(a_second("audio_s"), 3),
        "given_up": last.figures["given_up"],
        "engine_restarts": last.figures["engine_restarts"],
        "did": dict(sorted(soaked.did.items())),
        "failed": dict(sorted(soaked.failed.items())),
        "growth": [asdict(one) for one in grown],
        "before": asdict(soaked.before),
        "after": asdict(soaked.after),
        "most": {
            name: max(sample.figures[name] for sample in load)
            for name in ("tasks", "sessions", "waiting", "pool_open", "nats_subscriptions")
        },
        "not_back": leaks,
        "left_behind": list(soaked.left_behind),
        "growing": growing,
        "kept": not (growing or leaks or soaked.left_behind),
    }


def report(found: Mapping[str, Any]) -> str:
    """Write the page of a run."""
    plan = found["plan"]
    did = ", ".join(f"{name} {count}" for name, count in found["did"].items())
    failed = ", ".join(f"{name} × {count}" for name, count in found["failed"].items()) or "nothing"
    cores = ", ".join(f"{role} {used:.2f}" for role, used in found["cores"].items())
    lines = [
        f"# Soak: {found['load_s'] / 60:.0f} minutes at {found['lanes_busy']:.0%} of the engine",
        "",
        f"{found['when']}, commit {found['commit']}, {found['machine']['processor']}, "
        f"{found['machine']['cores']} cores shared with other programs. `alfavoice serve` with its "
        "own PostgreSQL, `alfavoice worker` and NATS, each a process of its own. How it is measured "
        "stands in [the README](../README.md#soak).",
        *([found["note"]] if found.get("note") else []),
        "",
        f"- Engine: scripted, {plan['lanes']} lanes, {plan['work_s_per_audio_s']:g} s of work for a "
        f"second of audio: a GPU that recognises {plan['lanes'] / plan['work_s_per_audio_s']:.0f} s "
        "of audio a second.",
        f"- Load: {plan['people']} people at work, {found['speech_s_per_s']:.2f} s of speech a "
        f"second that became finals. Lanes were busy {found['lanes_busy']:.1%} of the time after "
        "the warm-up, partials included.",
        f"- Done: {did}. Went wrong: {failed}. Utterances given up: {found['given_up']:.0f}.",
        f"- Cores used: {cores}.",
        "",
        f"Memory, a line through the samples from minute {plan['warm_up_minutes']:g} to the end of "
        "the load:",
        "",
        "| process | at the beginning, MB | at the end, MB | grown | scatter, MB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one['role']} | {one['begin_mb']:.1f} | {one['end_mb']:.1f} | {one['grown']:+.2%} | "
        f"{one['scatter_mb']:.2f} |"
        for one in found["growth"]
    ]
    lines += [
        "",
        "Before the load, at most under it, and at rest after it:",
        "",
        "| | before | most | after |",
        "| --- | ---: | ---: | ---: |",
    ]
    before, after = (found[when] for when in ("before", "after"))
    for name in sorted(before["figures"]):
        if name.endswith("_s") or name in ("finals", "given_up"):
            continue
        most = found["most"].get(name)
        lines.append(
            f"| {name} | {before['figures'][name]:.0f} | {'' if most is None else f'{most:.0f}'} | "
            f"{after['figures'][name]:.0f} |"
        )
    for role in before["held"]:
        lines += [
            f"| {what}, {role} | {before['held'][role][what]} | | {after['held'][role][what]} |"
            for what in ("processes", "files", "sockets", "threads")
        ]
    lines += ["", "**Kept.**" if found["kept"] else "**Not kept.**"]
    lines += [f"- {role} grows by 2 % or more" for role in found["growing"]]
    lines += [
        f"- {name}: {was:.0f} before, {stayed:.0f} after"
        for name, (was, stayed) in found["not_back"].items()
    ]
    lines += [f"- {name} had to be killed at the end" for name in found["left_behind"]]
    return "\n".join(lines) + "\n"


def plot(samples: Sequence[Sample], growth: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw memory over time since the beginning of the load, and below it what is held."""
    samples = [sample for sample in samples if sample.phase != "before"]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(10, 8), sharex=True, layout="constrained", height_ratios=(3, 2)
    )
    minutes = [sample.at_s / 60 for sample in samples]
    colours = {
        "service": "#1f4fd8",
        "worker": "#c81e5b",
        "recogniser": "#4c7a4c",
        "nats": "#b0763b",
    }
    colours["postgres"] = "#7a7a7a"
    fitted = {one["role"]: one for one in growth}
    for role, colour in colours.items():
        sizes = [
            (s.held[role].pss if role == "postgres" else s.held[role].rss) / 1e6 for s in samples
        ]
        name = f"{role} (PSS)" if role == "postgres" else role
        above.plot(
            minutes, sizes, color=colour, linewidth=1.4,
            label=f"{name}, {fitted[role]['grown']:+.1%} after the warm-up",
        )  # fmt: skip
    above.set_ylabel("resident memory, MB")
    above.set_ylim(bottom=0)
    for name, colour in (("tasks", "#1f4fd8"), ("sessions", "#c81e5b"), ("pool_open", "#7a7a7a")):
        below.plot(
            minutes, [s.figures[name] for s in samples], color=colour, label=name, linewidth=1
        )
    below.plot(
        minutes, [s.held["service"].files for s in samples], color="#b0763b", linewidth=1,
        label="files of the service",
    )  # fmt: skip
    below.set_ylabel("held")
    below.set_xlabel("minutes since the load began")
    below.set_ylim(bottom=0)
    ends = [s.at_s / 60 for s in samples if s.phase == "load"]
    for axes in (above, below):
        axes.grid(visible=True, alpha=0.3)
        axes.axvspan(ends[0], ends[-1], color="black", alpha=0.04)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)
    figure.savefig(path, dpi=130)
    plt.close(figure)
