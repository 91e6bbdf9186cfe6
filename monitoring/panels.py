"""A Grafana dashboard as JSON: panels put in rows, the data source chosen in Grafana.

The form is that of Grafana's dashboard JSON model, schema version 39 (Grafana 11).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

_WIDTH: Final = 24
"""Columns of a dashboard."""
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION: Final = 39


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query and what its lines are called."""

    promql: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture."""

    title: str
    says: str
    """What is seen and what is bad, for the small `i` in the corner."""
    queries: tuple[Query, ...]
    unit: str = "short"
    """Grafana's name of it."""
    limit: float | None = None
    """From the thresholds: a red line."""
    limit_is_lowest: bool = False
    """Whether bad is below the line."""
    is_stacked: bool = False
    exporter: str | None = None
    """Whose metrics these are, where they are not the server's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page."""

    slug: str
    """Name of its file, end of its address."""
    title: str
    panels: tuple[Panel, ...]
    across: int = 3
    """Panels in a row."""


def dashboard_document(dashboard: Dashboard) -> dict[str, Any]:
    """Give the JSON of a dashboard as plain values."""
    return {
        "uid": f"alfavoice-{dashboard.slug}",
        "title": f"AlfaVoice: {dashboard.title}",
        "tags": ["alfavoice"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,  # one cross-hair for all panels
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "links": [
            {"type": "dashboards", "tags": ["alfavoice"], "asDropdown": False, "keepTime": True}
        ],
        "panels": _placed(dashboard.panels, dashboard.across),
    }


def _placed(panels: Sequence[Panel], across: int) -> list[dict[str, Any]]:
    width = _WIDTH // across
    placed = []
    for place, panel in enumerate(panels):
        row, column = divmod(place, across)
        where = {"x": column * width, "y": row * _HEIGHT, "w": width, "h": _HEIGHT}
        placed.append({"id": place + 1, "gridPos": where, **_panel(panel)})
    return placed


def _panel(panel: Panel) -> dict[str, Any]:
    names = (chr(number) for number in count(ord("A")))
    says = panel.says + (f" Needs {panel.exporter}." if panel.exporter else "")
    return {
        "title": panel.title,
        "description": says,
        "type": "timeseries",
        "datasource": _SOURCE,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": {
                    "fillOpacity": 25 if panel.is_stacked else 5,
                    "stacking": {"mode": "normal" if panel.is_stacked else "none"},
                    "thresholdsStyle": {"mode": "off" if panel.limit is None else "line"},
                },
                "thresholds": {"mode": "absolute", "steps": _steps(panel)},
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": next(names),
                "datasource": _SOURCE,
                "expr": query.promql,
                "legendFormat": query.legend,
            }
            for query in panel.queries
        ],
    }


def _steps(panel: Panel) -> list[dict[str, Any]]:
    good, bad = ("red", "green") if panel.limit_is_lowest else ("green", "red")
    first: dict[str, Any] = {"color": good, "value": None}
    return [first] if panel.limit is None else [first, {"color": bad, "value": panel.limit}]
