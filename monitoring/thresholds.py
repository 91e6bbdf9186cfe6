"""The numbers of `thresholds.toml`, read and checked."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PATH: Final = Path(__file__).with_name("thresholds.toml")
_DURATION: Final = re.compile(r"(\d+)([mhd])")
_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What share must be good over thirty days."""

    good_share: float
    """Between 0 and 1, neither of them."""
    least_bad: int
    """Bad ones in the longer window below which nobody is told."""

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.good_share, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """A pair of windows in which the budget goes too fast."""

    long: str
    short: str
    rate: float
    """Times as fast as would spend the budget in exactly thirty days."""
    severity: str
    """`page` or `ticket`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What must not last long."""

    value: float = 0
    """Not to be passed; of what is either there or away it is 0 and not used."""
    lasting: str
    """How long, as Prometheus writes it."""
    least_bad: int = 1
    """Bad ones below which a share says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """All of them."""

    runbook: str
    job: str
    worker_job: str
    slow_after_s: float
    objectives: Mapping[str, Objective]
    burns: tuple[Burn, ...]
    limits: Mapping[str, Limit]

    @property
    def windows(self) -> tuple[str, ...]:
        """Every window of a burn, shortest first."""
        found = {window for burn in self.burns for window in (burn.long, burn.short)}
        return tuple(sorted(found, key=minutes_of))


def minutes_of(duration: str) -> int:
    """Give the minutes of a duration such as `30m`, `6h`, `3d`.

    Raises:
        ValueError: it is not one of these.
    """
    found = _DURATION.fullmatch(duration)
    if not found:
        raise ValueError(f"{duration!r} is no duration like 30m, 6h or 3d")
    return int(found[1]) * _MINUTES[found[2]]


def read_thresholds(text: str | None = None) -> Thresholds:
    """Read them from the file, or from a text of the same form.

    Raises:
        KeyError, TypeError, ValueError: the file is not of the form.
    """
    raw = tomllib.loads(PATH.read_text("utf-8") if text is None else text)
    names = ("text_slow", "sessions_lost", "utterances_given_up")
    thresholds = Thresholds(
        runbook=raw["runbook"],
        job=raw["job"],
        worker_job=raw["worker_job"],
        slow_after_s=float(raw["text_slow"]["slow_after_s"]),
        objectives={name: _objective(raw[name]) for name in names},
        burns=tuple(Burn(**each) for each in raw["burns"]),
        limits={name: _limit(each) for name, each in raw["limits"].items()},
    )
    for objective in thresholds.objectives.values():
        for burn in thresholds.burns:
            # A burn that needs more than everything to be bad could never be seen.
            if not 0 < objective.budget * burn.rate < 1:
                raise ValueError(f"a budget of {objective.budget} cannot burn {burn.rate} times")
    for burn in thresholds.burns:
        if minutes_of(burn.short) >= minutes_of(burn.long):
            raise ValueError(f"{burn.short} is not shorter than {burn.long}")
        if burn.severity not in {"page", "ticket"}:
            raise ValueError(f"{burn.severity!r} is neither page nor ticket")
    return thresholds


def _objective(raw: Mapping[str, Any]) -> Objective:
    return Objective(good_share=float(raw["good_share"]), least_bad=int(raw["least_bad"]))


def _limit(raw: Mapping[str, Any]) -> Limit:
    minutes_of(raw["for"])
    return Limit(
        value=raw.get("value", 0), lasting=raw["for"], least_bad=int(raw.get("least_bad", 1))
    )
