"""Results as Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figures import DISTURBED_CORES, GIVE_UP_S, holds
from benchmarks.results import Probe, error_rates, first_hypotheses
from benchmarks.speech import Clip

OURS = "AlfaVoice"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ordered(probes: Iterable[Probe]) -> list[Probe]:
    """Ours first, then by contestant, kind of load and load."""
    return sorted(
        probes,
        key=lambda probe: (
            not probe.condition.contestant.startswith(OURS),
            probe.condition.contestant,
            probe.condition.beam,
            probe.condition.shape,
            probe.condition.partials,
            probe.condition.talkers,
        ),
    )


def probe_table(probes: Iterable[Probe]) -> str:
    """One row a probe."""
    header = [
        *("server", "beam", "texts", "load", "N", "takes", "lost / refused"),
        *("p50 / p95 / p99, s", "≤ 1 s", "≤ 2 s", "partials, first", "cores", "MB", "others"),
    ]
    return table(header, [_probe_row(probe) for probe in ordered(probes)])


def _probe_row(probe: Probe) -> list[str]:
    condition, summary, usage = probe.condition, probe.summary, probe.usage
    percentiles = (summary.latency_p50_s, summary.latency_p95_s, summary.latency_p99_s)
    latency = " / ".join("–" if value is None else f"{value:.2f}" for value in percentiles)
    first = summary.first_partial_p50_s
    return [
        condition.contestant,
        str(condition.beam),
        "partials" if condition.partials else "finals",
        condition.shape,
        str(condition.talkers),
        str(summary.takes),
        f"{summary.lost} / {summary.refused}",
        f"given up, p95 ≥ {GIVE_UP_S:g}" if probe.stopped_early else latency,
        "–" if probe.stopped_early else f"{100 * summary.within_1_s:.0f} %",
        "–" if probe.stopped_early else f"{100 * summary.within_2_s:.0f} %",
        "–" if first is None else f"{summary.partials_per_take:.1f}, {first:.1f} s",
        f"{usage.server_cores:.2f}",
        f"{usage.server_pss_mb:.0f}",
        f"**{usage.other_cores:.2f}**"
        if usage.other_cores > DISTURBED_CORES
        else f"{usage.other_cores:.2f}",
    ]


def capacity_table(probes: Sequence[Probe], *, limits_s: Sequence[float] = (1.0, 2.0)) -> str:
    """The largest load that each contestant held, by limit."""
    kinds: dict[tuple[str, int, str, bool], list[Probe]] = {}
    for probe in ordered(probes):
        condition = probe.condition
        kind = (condition.contestant, condition.beam, condition.shape, condition.partials)
        kinds.setdefault(kind, []).append(probe)
    header = ["server", "beam", "load", "texts", *[f"N at p95 < {limit:g} s" for limit in limits_s]]
    rows = [
        [
            contestant,
            str(beam),
            shape,
            "partials" if partials else "finals",
            *[str(held(of_kind, limit_s=limit)) for limit in limits_s],
        ]
        for (contestant, beam, shape, partials), of_kind in kinds.items()
    ]
    return table(header, rows)


def held(probes: Iterable[Probe], *, limit_s: float) -> int:
    """The largest load held below the smallest that was not, of probes of one kind."""
    best = 0
    for probe in sorted(probes, key=lambda each: each.condition.talkers):
        if probe.stopped_early or not holds(probe.summary, limit_s=limit_s):
            break
        best = probe.condition.talkers
    return best


def accuracy_table(probes: Sequence[Probe], clips: Mapping[str, Clip]) -> str:
    """Word error rates, each beside ours on the same clips."""
    by_contestant: dict[tuple[str, int], list[Probe]] = {}
    for probe in ordered(probes):
        condition = probe.condition
        by_contestant.setdefault((condition.contestant, condition.beam), []).append(probe)
    ours = {
        beam: first_hypotheses(each) for (name, beam), each in by_contestant.items() if name == OURS
    }
    rows = []
    for (name, beam), each in by_contestant.items():
        texts = first_hypotheses(each)
        rates = error_rates(texts, clips)
        same = {clip: text for clip, text in ours.get(beam, {}).items() if clip in texts}
        our_rates = error_rates(same, clips)
        for group, (rate, count) in rates.items():
            our_rate, our_count = our_rates.get(group, (float("nan"), 0))
            compared = f"{our_rate:.1f} ({our_count})" if our_count and name != OURS else "–"
            rows.append([name, str(beam), group, f"{rate:.1f} ({count})", compared])
    header = ["server", "beam", "group", "WER, % (clips)", "AlfaVoice on the same clips"]
    return table(header, rows)
