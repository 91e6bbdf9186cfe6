"""Results on disk: every probe with its rows, so that a figure can be checked and a run resumed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Row, Summary
from benchmarks.machine import Usage
from benchmarks.speech import Clip, Errors, errors, word_error_rate
from benchmarks.takes import Shape

FOLDER: Final = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What makes two probes the same measurement."""

    contestant: str
    beam: int
    partials: bool
    shape: Shape
    talkers: int
    seed: int
    counted_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One run under one load."""

    condition: Condition
    summary: Summary
    usage: Usage
    stopped_early: bool
    settings: str
    versions: Mapping[str, str]
    rows: Sequence[Row]
    when: str = ""


def now() -> str:
    """Date and time of a probe."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class ResultsFile:
    """A JSON file of probes and of single figures, rewritten whole after every change."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self._path = path
        self.probes: list[Probe] = []
        self.content: dict[str, Any] = {}
        if path.exists() and not fresh:
            self.content = json.loads(path.read_text(encoding="utf-8"))
            self.probes = [_probe(entry) for entry in self.content.get("probes", [])]

    def find(self, condition: Condition) -> Probe | None:
        """Give the probe of a condition, if it was run."""
        return next((probe for probe in self.probes if probe.condition == condition), None)

    def add(self, probe: Probe) -> None:
        """Keep a probe in place of an older one of the same condition."""
        kept = [each for each in self.probes if each.condition != probe.condition]
        self.probes = [*kept, probe]
        self.save()

    def note(self, section: str, name: str, value: object) -> None:
        """Keep a single figure, or why there is none."""
        self.content.setdefault(section, {})[name] = value
        self.save()

    def save(self) -> None:
        """Write the file; whoever reads it meanwhile sees the old or the new one."""
        self.content["probes"] = [asdict(probe) for probe in self.probes]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        written = self._path.with_suffix(".tmp")
        written.write_text(_compact(self.content), encoding="utf-8")
        written.replace(self._path)


def _compact(content: Mapping[str, Any]) -> str:
    """Write JSON with one row on each line: readable, and small in a diff."""
    probes = content["probes"]
    rest = {name: value for name, value in content.items() if name != "probes"}
    parts = []
    for probe in probes:
        head = {name: value for name, value in probe.items() if name != "rows"}
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in probe["rows"])
        parts.append(f'{json.dumps(head, ensure_ascii=False)[:-1]}, "rows": [\n{rows}]}}')
    body = json.dumps(rest, ensure_ascii=False, indent=1)[:-1].rstrip()
    comma = "," if rest else ""
    return body + comma + '\n "probes": [\n' + ",\n".join(parts) + "\n]}\n"


def _probe(entry: Mapping[str, Any]) -> Probe:
    return Probe(
        condition=Condition(**entry["condition"]),
        summary=Summary(**entry["summary"]),
        usage=Usage(**entry["usage"]),
        stopped_early=entry["stopped_early"],
        settings=entry["settings"],
        versions=entry["versions"],
        rows=[Row(**row) for row in entry["rows"]],
        when=entry["when"],
    )


def first_hypotheses(probes: Iterable[Probe]) -> dict[str, str]:
    """Give the first text of every clip: repetitions of a clip add no information."""
    texts: dict[str, str] = {}
    for probe in probes:
        for row in probe.rows:
            if row.outcome == "text":
                texts.setdefault(row.clip, row.hypothesis)
    return texts


def error_rates(
    texts: Mapping[str, str], clips: Mapping[str, Clip]
) -> dict[str, tuple[float, int]]:
    """Give word error rate in percent and number of clips, by group."""
    counted: dict[str, list[Errors]] = {}
    for name, text in texts.items():
        clip = clips[name]
        counted.setdefault(clip.group, []).append(errors(clip, text))
    return {group: (word_error_rate(each), len(each)) for group, each in sorted(counted.items())}
