"""Kinds of machines that recognise, with what is known of each: shipped, given, or read from a file."""

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

from service.language import LanguageCode
from service.problems import SetUpError

OURS: Final = "AlfaVoice"
PARTIALS_FACTOR: Final = 3.45
"""Recognising with partials takes so many times as much as without: 19.4 against 5.63 seconds of audio
a second (benchmarks/results/recogniser.json, 12 people at once, 2026-11-22). Under load partials come
less often, so a full machine gives fewer partials rather than later finals."""


ENOUGH_TAKES: Final = 20
"""Fewer, and p95 is the worst of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine, or one GPU with what belongs to it."""

    name: str
    model: str
    gpu: bool
    lanes: int
    """Batches at once."""
    audio_s_per_s: float
    """Seconds of audio recognised a second by all lanes together, finals only."""
    alone_s: float
    """p95 of a final, in seconds after the last sample, when nobody else speaks."""
    cores: int
    memory_mb: int
    certainty: Literal["measured", "published", "given"]
    source: str
    """Where the figures are from, in English; a file's name of one's own measurement."""
    source_ru: str = ""
    """The same in Russian; empty: it needs no translation."""

    def source_in(self, language: LanguageCode) -> str:
        """Say where the figures are from."""
        return (language == "ru" and self.source_ru) or self.source


def shipped() -> dict[str, Machine]:
    """Give the machines of the table, by name."""
    text = files("service.planning").joinpath("machines.toml").read_text(encoding="utf-8")
    return {name: Machine(name=name, **row) for name, row in tomllib.loads(text).items()}


def measured(path: Path) -> Machine:
    """Read a machine off the results of `python -m benchmarks.capacity`.

    Its throughput is the largest load of finals that was carried whole, nobody refused and nothing
    lost: no more than the machine can do, perhaps less.

    Raises:
        SetUpError: `setup.no_measurement`: the file cannot be read, or has no such load.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        carried: list[dict[str, Any]] = [probe for probe in content["probes"] if _is_carried(probe)]
        carried.sort(key=lambda probe: float(probe["condition"]["talkers"]))
        largest = carried[-1]
        return Machine(
            name="measured",
            model="?",
            gpu=False,
            lanes=max(1, int(content["machine"]["cores"])),
            audio_s_per_s=float(largest["condition"]["talkers"]),
            alone_s=_alone_s(carried),
            cores=int(content["machine"]["cores"]),
            memory_mb=round(float(largest["usage"]["server_pss_mb"])),
            certainty="measured",
            source=f"{path.name}, {largest['when']}",
        )
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise SetUpError(
            "setup.no_measurement",
            f"{path.name} holds no load of finals that was carried: it must be the JSON file of "
            "`python -m benchmarks.capacity`",
            name=path.name,
        ) from exc


def _is_carried(probe: Mapping[str, Any]) -> bool:
    condition, summary = probe["condition"], probe["summary"]
    return (
        condition["contestant"] == OURS
        and not condition["partials"]
        and not probe["stopped_early"]
        and _all_got_text(probe["rows"])
        and summary["latency_p95_s"] is not None
    )


def _all_got_text(rows: Sequence[Mapping[str, Any]]) -> bool:
    return all(row["outcome"] in {"text", "empty"} for row in rows if row["counted"])


def _alone_s(carried: Sequence[Mapping[str, Any]]) -> float:
    """Give p95 of the quietest loads: of as many as it takes to have `ENOUGH_TAKES`."""
    waited: list[float] = []
    for probe in carried:
        if len(waited) >= ENOUGH_TAKES:
            break
        rows = [row for row in probe["rows"] if row["counted"]]
        waited += [float(row["latency_s"]) for row in rows if row["latency_s"] is not None]
    return sorted(waited)[math.ceil(0.95 * len(waited)) - 1]
