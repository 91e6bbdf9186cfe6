"""A dashboard drawn to a picture, its panels where Grafana puts them: for pages, not for watching.

Drawn from the dashboard's own JSON and the answers to its own queries: places, titles, units, limits,
stacking and names of lines are those that Grafana is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from monitoring.units import axis_labels

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

WIDTH_PX: Final = 1680
_COLUMNS: Final = 24
_ROW_PX: Final = 32
_GAP_PX: Final = 8
_HEAD_PX: Final = 44
_DPI: Final = 100
_PAGE, _PANEL, _EDGE, _GRID = "#111217", "#181b1f", "#2a2d33", "#2b2e34"
_TEXT, _DIM = "#d5d6db", "#8e9199"
_LINES: Final = (
    "#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9",
    "#37872d", "#e0b400", "#1f60c4", "#fa6400", "#c4162a", "#8f3bb8",
)  # fmt: skip
"""Grafana's classic palette, as it is on dark."""
_LIMIT: Final = "#e02f44"
_MOST_COLOURS: Final = 256
_LIMIT_IN_SIGHT: Final = 4.0
"""A limit further above than so many times what is seen is not drawn: it would flatten the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line."""

    label: str
    points: Sequence[tuple[float, float]]
    """Seconds since the epoch and values, in order."""


Answers = Mapping[int, Sequence[Series]]
"""What the queries of each panel answered, by its id."""


def draw(document: Mapping[str, Any], answers: Answers, path: Path, *, note: str) -> None:
    """Draw a dashboard.

    Args:
        document: its JSON.
        answers: the lines of its panels; a panel without any says so, and why.
        path: of the PNG.
        note: at its head, on the right: what the data are.
    """
    panels = document["panels"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    height = _HEAD_PX + rows * _ROW_PX + _GAP_PX
    figure = plt.figure(figsize=(WIDTH_PX / _DPI, height / _DPI), dpi=_DPI, facecolor=_PAGE)
    try:
        page = _Page(figure, height)
        page.text(14, 26, document["title"], size=13, weight="bold")
        page.text(WIDTH_PX - 14, 26, note, size=9, colour=_DIM, align="right")
        times = [at for lines in answers.values() for line in lines for at, _ in line.points]
        span = (min(times), max(times)) if times else (0.0, 1.0)
        for panel in panels:
            _draw_panel(page, panel, answers.get(panel["id"], ()), span)
        drawn = BytesIO()
        figure.savefig(drawn, format="png", facecolor=_PAGE)
    finally:
        plt.close(figure)
    drawn.seek(0)
    with Image.open(drawn) as image:
        # A third of the size; this method keeps the colours of thin lines, which others merge.
        few = image.convert("RGB").quantize(_MOST_COLOURS, method=Image.Quantize.MAXCOVERAGE)
        few.save(path, optimize=True)


class _Page:
    """A figure that counts in pixels from its upper left corner."""

    def __init__(self, figure: Figure, height: float) -> None:
        self._figure = figure
        self._height = height

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        colour: str = _TEXT,
        align: str = "left",
        weight: str = "normal",
    ) -> float:
        """Write; `y` is the base line. Gives the width in pixels."""
        written = self._figure.text(
            x / WIDTH_PX,
            1 - y / self._height,
            text,
            fontsize=size,
            color=colour,
            ha=align,
            va="baseline",
            weight=weight,
        )
        return float(written.get_window_extent().width)

    def box(self, x: float, y: float, width: float, height: float, *, fill: str, edge: str) -> None:
        self._figure.add_artist(
            Rectangle(
                (x / WIDTH_PX, 1 - (y + height) / self._height),
                width / WIDTH_PX,
                height / self._height,
                facecolor=fill,
                edgecolor=edge,
                linewidth=0.8,
                transform=self._figure.transFigure,
                zorder=-1,
            )
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        where = (
            x / WIDTH_PX,
            1 - (y + height) / self._height,
            width / WIDTH_PX,
            height / self._height,
        )
        return self._figure.add_axes(where, facecolor="none")


def _draw_panel(
    page: _Page, panel: Mapping[str, Any], lines: Sequence[Series], span: tuple[float, float]
) -> None:
    where = panel["gridPos"]
    column = (WIDTH_PX - _GAP_PX) / _COLUMNS
    x = _GAP_PX + where["x"] * column
    y = _HEAD_PX + where["y"] * _ROW_PX
    width = where["w"] * column - _GAP_PX
    height = where["h"] * _ROW_PX - _GAP_PX
    page.box(x, y, width, height, fill=_PANEL, edge=_EDGE)
    page.text(x + 10, y + 20, panel["title"], size=10, weight="bold")
    if not any(line.points for line in lines):
        page.text(x + width / 2, y + height / 2, "No data", size=12, colour=_DIM, align="center")
        needs = panel["description"].rpartition(" Needs ")[2]
        if needs != panel["description"]:
            says = f"needs {needs.rstrip('.')}"
            page.text(x + width / 2, y + height / 2 + 20, says, size=8, colour=_DIM, align="center")
        return
    below = _legend(page, lines, x + 12, y + height - 10, width - 24)
    axes = page.axes(x + 62, y + 34, width - 76, height - 34 - below - 26)
    _plot(axes, panel, lines, span)


def _legend(page: _Page, lines: Sequence[Series], x: float, bottom: float, width: float) -> float:
    """Write the names of the lines under a panel; give the pixels it takes."""
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for number, line in enumerate(lines):
        needed = 22 + 6.1 * len(line.label)
        if used + needed > width and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append((line.label, _LINES[number % len(_LINES)]))
        used += needed
    for number, row in enumerate(reversed(rows)):
        at = x
        for label, colour in row:
            y = bottom - 15 * number
            page.box(at, y - 5, 11, 3, fill=colour, edge=colour)
            at += 16 + page.text(at + 16, y, label, size=8, colour=_TEXT) + 12
    return 15.0 * len(rows)


def _plot(
    axes: Axes, panel: Mapping[str, Any], lines: Sequence[Series], span: tuple[float, float]
) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    is_stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    opacity = defaults["custom"]["fillOpacity"] / 100
    under: dict[float, float] = {}
    highest = 0.0
    for number, line in enumerate(lines):
        if not line.points:
            continue
        # Earlier lines lie above: a stacked one of height 0 would paint over that below it.
        layer = 3 - number / len(lines)
        times = [at for at, _ in line.points]
        floor = [under.get(at, 0.0) if is_stacked else 0.0 for at in times]
        values = [value + low for (_, value), low in zip(line.points, floor, strict=True)]
        colour = _LINES[number % len(_LINES)]
        axes.fill_between(
            times, floor, values, color=colour, alpha=opacity, linewidth=0, zorder=layer - 1
        )
        axes.plot(times, values, color=colour, linewidth=1.2, zorder=layer)
        under.update(zip(times, values, strict=True))
        highest = max(highest, *values)
    limit = defaults["thresholds"]["steps"][-1]["value"]
    if limit is not None and (highest == 0 or limit <= highest * _LIMIT_IN_SIGHT):
        axes.axhline(limit, color=_LIMIT, linewidth=1.1)
        highest = max(highest, limit)
    top = highest * 1.08 or 1.0
    axes.set_ylim(0, top)
    axes.set_xlim(*span)
    ticks, labels = axis_labels(top, defaults["unit"])
    axes.set_yticks(ticks, labels=labels)
    minutes = _ticks_of_time(span)
    axes.set_xticks(
        minutes, labels=[f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}" for at in minutes]
    )
    axes.tick_params(colors=_DIM, labelsize=8, length=0, pad=5)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _ticks_of_time(span: tuple[float, float]) -> list[float]:
    """Give at most six round times."""
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((each for each in steps if (span[1] - span[0]) / each <= 6), 7200)
    first = -(-span[0] // step) * step
    return [first + step * n for n in range(int((span[1] - first) // step) + 1)]
