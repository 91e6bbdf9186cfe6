"""Values as Grafana writes them on an axis, for the units that our dashboards use."""

import math
from typing import Final

_STEPS: Final = (1, 2, 2.5, 5, 10)
_MOST_TICKS: Final = 5


def axis_labels(top: float, unit: str) -> tuple[list[float], list[str]]:
    """Give round values from 0 up to `top` and how they are written.

    Args:
        top: above 0.
        unit: Grafana's name: short, s, percentunit, percent, Bps or bytes.

    Raises:
        KeyError: another unit.
    """
    names, base = _SCALES[unit]
    factor = 100.0 if unit == "percentunit" else 1.0
    shown, place = top * factor, 0
    if unit == "s":
        return _seconds(top)
    while shown >= base and place < len(names) - 1:
        shown /= base
        place += 1
    step = _step(shown)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, digits) != step:
        digits += 1
    values = [step * n for n in range(math.floor(shown / step + 1e-9) + 1)]
    whole = base**place / factor
    labels = [f"{value:.{digits}f}{names[place]}" for value in values]
    return [value * whole for value in values], labels


_SCALES: Final[dict[str, tuple[tuple[str, ...], float]]] = {
    "short": (("", " K", " Mil", " Bil"), 1000.0),
    "s": ((" s",), math.inf),
    "percentunit": (("%",), math.inf),
    "percent": (("%",), math.inf),
    "Bps": ((" B/s", " kB/s", " MB/s", " GB/s"), 1000.0),
    "bytes": ((" B", " KiB", " MiB", " GiB", " TiB", " PiB"), 1024.0),
}


def _seconds(top: float) -> tuple[list[float], list[str]]:
    name, whole = next(
        ((name, size) for name, size in ((" s", 1.0), (" ms", 1e-3)) if top >= size), (" µs", 1e-6)
    )
    step = _step(top / whole)
    count = math.floor(top / whole / step + 1e-9) + 1
    return [step * n * whole for n in range(count)], [f"{step * n:.4g}{name}" for n in range(count)]


def _step(top: float) -> float:
    rough = top / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
