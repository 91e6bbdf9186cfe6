"""The results of `benchmarks.fleet` as a page of Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

TARGETS: Final = {"local": 5.0, "nats": 15.0}
"""Milliseconds at p95 that the queue may cost."""
RATIO: Final = 1.8
KB_EACH: Final = 300.0
LAG_MS: Final = 50.0


def report(content: Mapping[str, Any]) -> str:
    """Write what there is."""
    machine = ", ".join(f"{name} {value}" for name, value in content["machine"].items())
    lines = [
        "# Fleet",
        "",
        f"Made by `python -m benchmarks.fleet` on: {machine}. What the columns mean is in "
        "benchmarks/README.md; everything, load included, shared these cores.",
    ]
    for name, write in (("overhead", _overhead), ("workers", _workers), ("sessions", _sessions)):
        if name in content:
            lines += ["", *write(content[name])]
    return "\n".join(lines) + "\n"


def worker_ratio(workers: Mapping[str, Any]) -> float:
    """Give how many times as much two workers did as one did, before and after them."""
    done: dict[int, list[float]] = {}
    for each in workers["rounds"]:
        done.setdefault(each["workers"], []).append(each["audio_s_per_s"])
    one, two = (sum(done[count]) / len(done[count]) for count in (1, 2))
    return two / one


def _overhead(overhead: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## What the queue costs a window",
        "",
        "| queue | windows a second, each | p50 / p95 / p99, ms | limit at p95 | windows a batch | "
        "cpu ms a window, service / everywhere |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in overhead:
        limit = TARGETS[each["queue"]]
        lines.append(
            f"| {each['queue']} | {each['rate']:.0f} of {each['window_s']:g} s | "
            f"{each['p50_ms']:.1f} / {each['p95_ms']:.1f} / {each['p99_ms']:.1f} | "
            f"{_kept(each['p95_ms'] < limit)} {limit:.0f} | {each['windows_per_batch']:.1f} | "
            f"{each['cpu_ms_per_request']:.2f} / {each['cpu_ms_per_request_everywhere']:.2f} |"
        )
    return lines


def _workers(workers: Mapping[str, Any]) -> list[str]:
    ratio = worker_ratio(workers)
    ideal = 1 / workers["work_s_per_audio_s"]
    lines = [
        "## Two services, one worker beside two",
        "",
        f"Engine: {ideal:.0f} s of audio a second, one lane a worker. {workers['people']} people at "
        f"each service. Two workers did {ratio:.2f} times what one did ({_kept(ratio >= RATIO)} "
        f"{RATIO}).",
        "",
        "| workers | takes | failed | s of audio a second | of the engines' most | cores |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in workers["rounds"]:
        most = each["audio_s_per_s"] / (ideal * each["workers"])
        lines.append(
            f"| {each['workers']} | {each['takes']} | {each['failed']} | "
            f"{each['audio_s_per_s']:.1f} | {most:.0%} | {each['cores']:.2f} |"
        )
    return lines


def _sessions(rows: list[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## Sessions open at one service",
        "",
        "| sessions | speaking | KB each, idle / speaking | limit | loop late at p99, ms, idle / speaking "
        "| limit | longest | service's cores | sentences | final at p95, s | load late at p99, ms | lost |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in rows:
        memory = max(each["idle_kb_each"], each["speaking_kb_each"])
        lag = max(each["lag_p99_idle_ms"], each["lag_p99_speaking_ms"])
        final = "–" if each["final_p95_ms"] is None else f"{each['final_p95_ms'] / 1000:.2f}"
        lines.append(
            f"| {each['sessions']} | {each['spoke_at_once']:.0f} ({each['share_speaking']:.0%}) | "
            f"{each['idle_kb_each']:.0f} / {each['speaking_kb_each']:.0f} | "
            f"{_kept(memory < KB_EACH)} {KB_EACH:.0f} | {each['lag_p99_idle_ms']:.1f} / "
            f"{each['lag_p99_speaking_ms']:.1f} | {_kept(lag < LAG_MS)} {LAG_MS:.0f} | "
            f"{each['lag_longest_ms']:.0f} | {each['service_cores']:.2f} | {each['sentences']} | "
            f"{final} | {each['sent_late_ms']:.0f} | {each['lost']} |"
        )
    return lines


def _kept(reached: bool) -> str:  # noqa: FBT001 - a verdict
    return "within" if reached else "**misses**"
