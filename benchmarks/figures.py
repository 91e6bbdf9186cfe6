"""Figures of a run: what one take came to, and what all of them say together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["text", "empty", "timeout", "error", "refused"]
"""What a take came to. `refused` is a clean no at the door; empty, timeout and error are lost text."""
LOST: frozenset[Outcome] = frozenset({"empty", "timeout", "error"})
GIVE_UP_S = 5.0
"""A load whose p95 is beyond this is not held by any standard: its run ends there."""
DISTURBED_CORES = 0.2
"""Where other processes used more than this, the figures are theirs as much as the server's. Below
it lies what the kernel does for the sockets, which counts for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One take as it went."""

    take: int
    clip: str
    group: str
    seconds: float
    starts_s: float
    counted: bool
    outcome: Outcome
    detail: str = ""
    """For errors: their type; for refusals: the retry time in milliseconds, or nothing."""
    hypothesis: str = ""
    latency_s: float | None = None
    """From the moment the last sample existed to the complete final text."""
    known_s: float | None = None
    """The same until a client can know that the text is final, where that is later."""
    partials: int = 0
    """Texts shown while speaking that differed from the one before."""
    first_partial_s: float | None = None
    """From the first sample to the first text."""
    late_ms: float = 0.0
    """The most that a frame left after its last sample existed: lateness of this client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The counted takes of one run together. Latencies in seconds; percentiles by nearest rank."""

    takes: int
    served: int
    lost: int
    refused: int
    latency_p50_s: float | None
    latency_p95_s: float | None
    latency_p99_s: float | None
    within_1_s: float
    """Share of all counted takes served within a second."""
    within_2_s: float
    partials_per_take: float
    first_partial_p50_s: float | None
    late_p95_ms: float


def nearest_rank(values: Sequence[float], percent: float) -> float | None:
    """Give the smallest value that at least `percent` of the values do not exceed.

    Args:
        values: in any order.
        percent: above 0, at most 100.
    """
    if not values:
        return None
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


def may_exceed(takes: int, percent: float = 95) -> int:
    """How many of `takes` values may lie above a limit that the nearest-rank percentile keeps."""
    return takes - math.ceil(takes * percent / 100)


def summarise(rows: Sequence[Row]) -> Summary:
    """Sum up the counted rows."""
    counted = [row for row in rows if row.counted]
    latencies = [row.latency_s for row in counted if row.latency_s is not None]
    firsts = [row.first_partial_s for row in counted if row.first_partial_s is not None]
    late = nearest_rank([row.late_ms for row in counted], 95)
    total = max(1, len(counted))
    return Summary(
        takes=len(counted),
        served=sum(row.outcome == "text" for row in counted),
        lost=sum(row.outcome in LOST for row in counted),
        refused=sum(row.outcome == "refused" for row in counted),
        latency_p50_s=nearest_rank(latencies, 50),
        latency_p95_s=nearest_rank(latencies, 95),
        latency_p99_s=nearest_rank(latencies, 99),
        within_1_s=sum(latency <= 1.0 for latency in latencies) / total,
        within_2_s=sum(latency <= 2.0 for latency in latencies) / total,
        partials_per_take=sum(row.partials for row in counted) / total,
        first_partial_p50_s=nearest_rank(firsts, 50),
        late_p95_ms=late or 0.0,
    )


def holds(summary: Summary, *, limit_s: float) -> bool:
    """Whether the load was held: every take got its text, and p95 stayed under the limit."""
    p95 = summary.latency_p95_s
    return summary.takes == summary.served > 0 and p95 is not None and p95 < limit_s
