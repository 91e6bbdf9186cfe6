"""Dashboards drawn for the documentation."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monitoring.dashboards import dashboards
from monitoring.panels import Dashboard, Panel, dashboard_document
from monitoring.pictures import WIDTH_PX, Series, draw
from monitoring.queries import one
from monitoring.thresholds import read_thresholds
from monitoring.units import axis_labels

ROOT = Path(__file__).parents[2]
LARGEST_BYTES = 300_000
GREEN, YELLOW, RED = (0x73, 0xBF, 0x69), (0xF2, 0xCC, 0x0C), (0xE0, 0x2F, 0x44)


def drawn(folder: Path, values: list[float], *, limit: float | None, stacked: bool = False):
    panel = Panel(
        title="Waiting", says="", queries=one("x", "x"), unit="s", limit=limit, is_stacked=stacked
    )
    document = dashboard_document(Dashboard(slug="one", title="one", panels=(panel,), across=1))
    points = [(1_700_000_000.0 + 2 * number, value) for number, value in enumerate(values)]
    nothing = [(at, 0.0) for at, _ in points]
    lines = (Series(label="first", points=points), Series(label="second", points=nothing))
    path = folder / "one.png"
    draw(document, {1: lines if values else ()}, path, note="")
    return np.asarray(Image.open(path).convert("RGB"))


def rows_of(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where in the plot a colour is, also mixed with the ground as in thin lines."""
    plot = picture[:-40].astype(float)
    tint = plot - plot.mean(axis=2, keepdims=True)
    wanted = np.array(colour) - np.mean(colour)
    strength = np.linalg.norm(tint, axis=2)
    likeness = tint @ wanted / (np.linalg.norm(wanted) * np.maximum(strength, 1e-9))
    return np.flatnonzero(((likeness > 0.97) & (strength > 40)).any(axis=1))


def test_a_line_is_drawn_with_its_limit_above_it(tmp_path: Path) -> None:
    picture = drawn(tmp_path, [0.2, 0.6, 0.4], limit=1.0)

    assert picture.shape[1] == WIDTH_PX
    assert rows_of(picture, GREEN).size
    assert rows_of(picture, RED).max() < rows_of(picture, GREEN).min()


def test_a_limit_far_out_of_sight_does_not_flatten_the_line(tmp_path: Path) -> None:
    picture = drawn(tmp_path, [0.2, 0.6, 0.4], limit=100.0)

    assert not rows_of(picture, RED).size
    assert np.ptp(rows_of(picture, GREEN)) > 50


def test_what_is_stacked_without_height_hides_nothing(tmp_path: Path) -> None:
    picture = drawn(tmp_path, [1.0, 2.0, 1.5], limit=None, stacked=True)

    assert rows_of(picture, GREEN).size
    assert not rows_of(picture, YELLOW).size


def test_a_panel_without_data_has_no_lines(tmp_path: Path) -> None:
    assert not rows_of(drawn(tmp_path, [], limit=1.0), RED).size


@pytest.mark.parametrize(
    ("top", "unit", "labels"),
    [
        (2.7, "short", ["0", "1", "2"]),
        (4_100, "short", ["0 K", "1 K", "2 K", "3 K", "4 K"]),
        (0.31, "s", ["0 ms", "100 ms", "200 ms", "300 ms"]),
        (2.2, "s", ["0 s", "0.5 s", "1 s", "1.5 s", "2 s"]),
        (0.95, "percentunit", ["0%", "20%", "40%", "60%", "80%"]),
        (90, "percent", ["0%", "20%", "40%", "60%", "80%"]),
        (240 * 2**20, "bytes", ["0 MiB", "50 MiB", "100 MiB", "150 MiB", "200 MiB"]),
        (52_000, "Bps", ["0 kB/s", "20 kB/s", "40 kB/s"]),
    ],
)
def test_axes_are_written_as_grafana_does(top: float, unit: str, labels: list[str]) -> None:
    values, written = axis_labels(top, unit)

    assert written == labels
    assert values[0] == 0
    assert values[-1] <= top * (1 + 1e-9)
    assert all(math.isclose(b - a, values[1]) for a, b in pairwise(values))


@pytest.mark.parametrize("board", dashboards(read_thresholds()), ids=lambda board: board.slug)
def test_each_dashboard_has_a_picture_in_the_documentation(board: Dashboard) -> None:
    path = ROOT / "docs" / "pictures" / f"dashboard_{board.slug}.png"

    assert path.stat().st_size < LARGEST_BYTES
    assert f"../docs/pictures/{path.name}" in (ROOT / "monitoring" / "README.md").read_text("utf-8")
