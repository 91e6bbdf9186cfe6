"""Results as a plot: what people wait for their text, over the number who talk."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from benchmarks.figures import GIVE_UP_S
from benchmarks.results import Probe
from benchmarks.tables import OURS, ordered

mpl.use("Agg")

from matplotlib import pyplot as plt

SHORTEST_S = 0.02
"""Shorter latencies are drawn here: the axis is logarithmic."""
_PEER_COLOURS = ("#7a7a7a", "#b0763b", "#4c7a4c", "#8c5aa5", "#a84a4a", "#3f7f8c", "#9a8a2e")


_TICKS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)


def _span(probes: Sequence[Probe], limit_s: float) -> tuple[float, float]:
    """Choose the latencies between which everything is seen."""
    shown = [probe.summary.latency_p95_s or GIVE_UP_S for probe in probes]
    return max(SHORTEST_S, min([*shown, limit_s])) * 0.8, GIVE_UP_S * 1.4


def plot_latency(probes: Sequence[Probe], path: Path, *, limit_s: float, title: str) -> None:
    """Draw p95 over N for every contestant; loads that were given up point upwards.

    Args:
        probes: of one shape of load and one beam.
        path: of the image; its ending chooses the format.
        limit_s: drawn as a line.
        title: above.
    """
    lines: dict[str, list[Probe]] = {}
    for probe in ordered(probes):
        condition = probe.condition
        kind = " (partials)" if condition.partials else " (finals)"
        lines.setdefault(condition.contestant + kind, []).append(probe)
    figure, axes = plt.subplots(figsize=(10, 6), layout="constrained")
    colours = iter(_PEER_COLOURS * 3)
    for label, of_line in lines.items():
        ours = label.startswith(OURS)
        points = [
            (probe.condition.talkers, max(SHORTEST_S, p95), probe.stopped_early)
            for probe in of_line
            if (p95 := GIVE_UP_S if probe.stopped_early else probe.summary.latency_p95_s)
            is not None
        ]
        if not points:
            continue
        colour = ("#c81e5b" if "partials" in label else "#1f4fd8") if ours else next(colours)
        axes.plot(
            [point[0] for point in points],
            [point[1] for point in points],
            color=colour,
            linewidth=2.6 if ours else 1.3,
            marker="o",
            markersize=6 if ours else 4,
            label=label,
            zorder=3 if ours else 2,
        )
        given_up = [point for point in points if point[2]]
        axes.plot(
            [point[0] for point in given_up],
            [point[1] * 1.12 for point in given_up],
            color=colour,
            linestyle="",
            marker="^",
            markersize=8,
            zorder=4,
        )
    axes.axhline(limit_s, color="black", linewidth=0.9, linestyle="--")
    axes.annotate(
        f"limit {limit_s:g} s",
        (0.995, limit_s),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        horizontalalignment="right",
        fontsize=9,
    )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(_TICKS_S, labels=[f"{tick:g}" for tick in _TICKS_S])
    axes.yaxis.set_minor_formatter("")
    axes.set_ylim(*_span(probes, limit_s))
    axes.set_xlabel("people talking at once (mean)")
    axes.set_ylabel("p95 from the last sample to the complete text, s")
    axes.set_title(title)
    axes.grid(visible=True, which="major", alpha=0.35)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)
    figure.text(0.01, 0.005, f"▲ given up: p95 is over {GIVE_UP_S:g} s", fontsize=8, va="bottom")
    figure.savefig(path, dpi=130)
    plt.close(figure)
