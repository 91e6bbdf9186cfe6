"""What is made of the thresholds is current, and each part knows of the others."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.__main__ import FOLDER, made_files
from monitoring.dashboards import dashboards
from monitoring.rule_tests import cases
from monitoring.rules import alerts, heading_of, rules_document
from monitoring.thresholds import PATH, Thresholds, read_thresholds
from service.operations.metrics import LATENCY_BUCKETS_S

THRESHOLDS = read_thresholds()
ROOT = Path(__file__).parents[2]


def of_the_server(text: str) -> set[str]:
    """Names of the server's own metrics, without what a histogram or counter adds to them."""
    found = re.findall(r"\balfavoice_[a-z_]+", text)
    return {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in found}


@pytest.mark.parametrize("path", made_files(THRESHOLDS), ids=lambda path: path.name)
def test_what_is_made_of_the_thresholds_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == made_files(THRESHOLDS)[path], "run `make monitoring`"


@pytest.mark.parametrize("name", sorted(THRESHOLDS.limits))
def test_every_limit_decides_an_alert(name: str) -> None:
    limit = THRESHOLDS.limits[name]
    other = replace(limit, value=limit.value + 1, lasting="59m")

    changed = replace(THRESHOLDS, limits={**THRESHOLDS.limits, name: other})

    assert rules_document(changed) != rules_document(THRESHOLDS)


def test_every_alert_has_an_entry_in_the_runbook_and_every_entry_an_alert() -> None:
    entries = re.findall(r"^## (.+)$", (FOLDER / "runbook.md").read_text("utf-8"), re.MULTILINE)

    assert set(entries) == {alert.name for alert in alerts(THRESHOLDS)}
    assert len(entries) == len(set(entries))
    assert {heading_of(alert) for alert in alerts(THRESHOLDS)} == {e.lower() for e in entries}


def test_every_entry_says_what_it_means_what_to_look_at_and_what_to_do() -> None:
    _, *entries = re.split(r"^## ", (FOLDER / "runbook.md").read_text("utf-8"), flags=re.MULTILINE)

    for entry in entries:
        assert re.findall(r"^\*\*(.+?)\.\*\*", entry, re.MULTILINE) == ["Means", "Look at", "Do"]


def test_every_alert_fires_in_a_case_and_some_cases_fire_none() -> None:
    fired = set().union(*(case.firing for case in cases(THRESHOLDS)))

    assert fired == {(alert.name, alert.severity) for alert in alerts(THRESHOLDS)}
    assert not cases(THRESHOLDS)[0].changed
    assert not cases(THRESHOLDS)[0].firing


def test_rules_and_dashboards_name_no_metric_that_the_server_does_not_have() -> None:
    sources = [
        path.read_text("utf-8")
        for package in ("service", "workers")
        for path in (ROOT / package).rglob("*.py")
    ]
    made = {name for text in sources for name in of_the_server(text)}
    told = of_the_server((ROOT / "docs" / "operations.md").read_text("utf-8"))

    for path, text in made_files(THRESHOLDS).items():
        if path.suffix != ".md":
            named = of_the_server(text)
            assert named - made == set()
            assert named - told == set(), "docs/operations.md lists every metric"


def test_the_limit_of_slow_texts_is_a_bound_of_the_histogram() -> None:
    assert THRESHOLDS.slow_after_s in LATENCY_BUCKETS_S


def test_dashboards_draw_the_limits_of_the_alerts() -> None:
    by_slug = {board.slug: board for board in dashboards(THRESHOLDS)}
    limits = {panel.title: panel.limit for b in by_slug.values() for panel in b.panels}

    assert set(by_slug) == {"experience", "queue", "storage", "security"}
    assert limits["From the key released to the text"] == THRESHOLDS.slow_after_s
    assert limits["Memory of GPUs in use"] == THRESHOLDS.limits["gpu_memory"].value
    assert limits["Disks free"] == THRESHOLDS.limits["disk_free"].value


@pytest.mark.parametrize("board", dashboards(THRESHOLDS), ids=lambda board: board.slug)
def test_panels_have_names_of_their_own_and_do_not_lie_over_each_other(board) -> None:
    document = json.loads((FOLDER / "dashboards" / f"{board.slug}.json").read_text("utf-8"))

    panels = document["panels"]
    places = [
        (x, y)
        for panel in panels
        for where in [panel["gridPos"]]
        for x in range(where["x"], where["x"] + where["w"])
        for y in range(where["y"], where["y"] + where["h"])
    ]
    assert len({panel["title"] for panel in panels}) == len(panels) == len(board.panels)
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert all(panel["description"] and panel["targets"] for panel in panels)


@pytest.mark.parametrize(
    ("sound", "wrong", "message"),
    [
        ("good_share = 0.95\n", "good_share = 0.5\n", "cannot burn"),
        ('long = "3d"', 'long = "3 days"', "no duration"),
        ('short = "6h"', 'short = "4d"', "not shorter"),
        ('severity = "ticket"', 'severity = "shout"', "neither page nor ticket"),
        ('for = "2m"', 'for = "a while"', "no duration"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(sound: str, wrong: str, message: str) -> None:
    text = PATH.read_text("utf-8")
    assert sound in text

    with pytest.raises(ValueError, match=message):
        read_thresholds(text.replace(sound, wrong, 1))


def test_a_changed_number_comes_through_to_the_rules() -> None:
    changed: Thresholds = read_thresholds(
        PATH.read_text("utf-8").replace("slow_after_s = 2.0", "slow_after_s = 1.0")
    )

    text = made_files(changed)[FOLDER / "rules.yml"]

    assert 'le="1.0"' in text
    assert 'le="2.0"' not in text
