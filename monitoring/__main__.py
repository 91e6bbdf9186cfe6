"""Write what is made of `thresholds.toml`: `python -m monitoring`.

`rules.yml`, `rules_test.yml`, `dashboards/*.json` and the table of alerts in README.md. With `--check`
nothing is written; the exit status is 1 when a file is not current.
"""

import json
import sys
from pathlib import Path
from typing import Final

from monitoring.dashboards import dashboards
from monitoring.panels import dashboard_document
from monitoring.rule_tests import rule_tests_document
from monitoring.rules import alerts, heading_of, rules_document
from monitoring.thresholds import Thresholds, minutes_of, read_thresholds
from monitoring.yaml_text import yaml_text

FOLDER: Final = Path(__file__).parent
MADE: Final = "# Made by `make monitoring` from thresholds.toml: change it there.\n"
README: Final = FOLDER / "README.md"
_TABLE: Final = ("<!-- alerts: made by `make monitoring` -->\n", "<!-- end of alerts -->\n")


def made_files(thresholds: Thresholds) -> dict[Path, str]:
    """Give the text of every file that is made of the thresholds, by its path."""
    files = {
        FOLDER / "rules.yml": MADE + yaml_text(rules_document(thresholds)),
        FOLDER / "rules_test.yml": MADE + yaml_text(rule_tests_document(thresholds)),
        README: _with_table(README.read_text("utf-8"), alert_table(thresholds)),
    }
    for dashboard in dashboards(thresholds):
        document = json.dumps(dashboard_document(dashboard), ensure_ascii=False, indent=1)
        files[FOLDER / "dashboards" / f"{dashboard.slug}.json"] = document + "\n"
    return files


def alert_table(thresholds: Thresholds) -> str:
    """Give the alerts as a table in Markdown."""
    lines = ["| alert | who | fires when | for |\n|---|---|---|---|\n"]
    for alert in alerts(thresholds):
        lasting = "at once" if minutes_of(alert.lasting) == 0 else alert.lasting
        link = f"[{alert.name}](runbook.md#{heading_of(alert)})"
        lines.append(f"| {link} | {alert.severity} | {alert.limit} | {lasting} |\n")
    return "".join(lines)


def _with_table(page: str, table: str) -> str:
    start, end = _TABLE
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"README.md has no place for the table, between {start!r} and {end!r}")
    return before + start + table + end + after


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` say which are not current.

    Returns:
        The exit status.
    """
    stale = {
        path: text
        for path, text in made_files(read_thresholds()).items()
        if not path.exists() or path.read_text("utf-8") != text
    }
    for path, text in stale.items():
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
        sys.stdout.write(f"{path.relative_to(FOLDER.parent)}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
