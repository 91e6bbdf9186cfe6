"""Clips and rows of the benchmarks' tests."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.figures import Row
from benchmarks.speech import Clip


@pytest.fixture
def clips() -> list[Clip]:
    """Forty clips of 3 to 12 s."""
    return [
        Clip(
            name=f"festvox_nsh/{number}.flac",
            group="festvox",
            language="ru",
            samples=np.zeros(16_000 * (3 + number % 10), dtype=np.float32),
            reference="раз два три",
        )
        for number in range(40)
    ]


@pytest.fixture
def row() -> Callable[..., Row]:
    """Make a row: served after half a second unless said otherwise."""

    def make(**fields: object) -> Row:
        defaults: dict[str, object] = {
            "take": 0,
            "clip": "festvox_nsh/1.flac",
            "group": "festvox",
            "seconds": 4.0,
            "starts_s": 0.0,
            "counted": True,
            "outcome": "text",
            "latency_s": 0.5,
        }
        return Row(**{**defaults, **fields})

    return make
