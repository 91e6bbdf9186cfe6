"""A burst: 200 people press their key in the same moment.

    python -m benchmarks.burst [--sessions 200] [--partials]

Promised: everybody gets their text, or a clean refusal with a time to come back; memory stays
bounded; the server's event loop is never blocked for more than 100 ms. The exit status says whether
that was kept. The result goes to benchmarks/results/burst.json.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import uvloop
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.alfavoice import AlfaVoice, installed_model
from benchmarks.figures import LOST, Row, nearest_rank
from benchmarks.load import Audio, Rules, speak, warm_up
from benchmarks.machine import Watch, describe_machine
from benchmarks.peers.listening import page
from benchmarks.results import FOLDER, now
from benchmarks.running import running
from benchmarks.speech import Clip, load_clips
from benchmarks.takes import Take, speakable

LAG_LIMIT_S: Final = 0.1
WATCH_INTERVAL_S: Final = 0.25
FINAL_TIMEOUT_S: Final = 300.0
"""The promise is that a text comes, not when; how long it took is reported."""
LAG: Final = "alfavoice_event_loop_lag_seconds"
LONGEST_LAG: Final = "alfavoice_event_loop_lag_max_seconds"


def all_at_once(clips: Sequence[Clip], *, sessions: int, seed: int) -> list[Take]:
    """Lay out `sessions` takes that begin in the same moment."""
    rng = random.Random(seed)
    deck: list[Clip] = []
    while len(deck) < sessions:
        deck.extend(rng.sample(clips, len(clips)))
    return [
        Take(number=number, clip=clip, starts_s=0.0, counted=True)
        for number, clip in enumerate(deck[:sessions])
    ]


def lags(metrics: str) -> tuple[float, dict[float, float]]:
    """Read the longest lag since the start, and how often the loop lagged longer than each bound."""
    longest = 0.0
    at_most: dict[float, float] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == LONGEST_LAG:
                longest = sample.value
            elif sample.name == f"{LAG}_bucket":
                at_most[float(sample.labels["le"])] = sample.value
    total = at_most.get(float("inf"), 0.0)
    return longest, {bound: total - count for bound, count in at_most.items()}


def broken_promises(rows: Sequence[Row], *, sessions: int, lags_over_limit: float) -> list[str]:
    """Say what was promised and not kept; nothing, if all was."""
    broken = []
    lost = sum(row.outcome in LOST for row in rows)
    curt = sum(row.outcome == "refused" and not row.detail for row in rows)
    if lost or len(rows) != sessions:
        broken.append(f"{lost + sessions - len(rows)} texts lost")
    if curt:
        broken.append(f"{curt} refusals without a time to come back")
    if lags_over_limit:
        broken.append(f"the event loop was blocked for over 100 ms {lags_over_limit:.0f} times")
    return broken


async def burst(*, sessions: int, partials: bool, seed: int) -> dict[str, Any]:
    """Run the burst and give what came of it."""
    clips = speakable(load_clips())
    audio = Audio()
    contestant = AlfaVoice()
    takes = all_at_once(clips, sessions=sessions, seed=seed)
    async with running(contestant, model=installed_model(), beam=1) as server:
        await warm_up(server, clips, audio)
        _, before = lags(await _metrics(server.port))
        with Watch(server.pid, interval_s=WATCH_INTERVAL_S) as watch:
            memory_before = watch.usage().server_pss_mb
            rows, _ = await speak(
                server, takes, audio, Rules(partials=partials, final_timeout_s=FINAL_TIMEOUT_S)
            )
            usage = watch.usage()
        longest, after = lags(await _metrics(server.port))
    over = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    latencies = [row.latency_s for row in rows if row.latency_s is not None]
    return {
        "when": now(),
        "machine": describe_machine(),
        "settings": contestant.settings,
        "sessions": sessions,
        "partials": partials,
        "seed": seed,
        "outcomes": dict(Counter(row.outcome for row in rows)),
        "latency_p50_s": nearest_rank(latencies, 50),
        "latency_p95_s": nearest_rank(latencies, 95),
        "latency_max_s": max(latencies, default=None),
        "memory_before_mb": memory_before,
        "memory_high_water_mb": usage.server_pss_mb,
        "loop_lag_longest_since_start_s": longest,
        "loop_lags_over": {str(bound): count for bound, count in over.items() if count > 0},
        "usage": asdict(usage),
        "broken": broken_promises(
            rows, sessions=sessions, lags_over_limit=over.get(LAG_LIMIT_S, 0.0)
        ),
        "rows": [asdict(row) for row in rows],
    }


async def _metrics(port: int) -> str:
    return ((await page(f"http://127.0.0.1:{port}/metrics")) or b"").decode()


def _write(result: Mapping[str, Any], path: Path) -> None:
    head = {name: value for name, value in result.items() if name != "rows"}
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in result["rows"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(head, ensure_ascii=False, indent=1)[:-1].rstrip()
        + ',\n "rows": [\n'
        + rows
        + "\n]}\n",
        encoding="utf-8",
    )


def main() -> int:
    """Run the burst; give 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--partials", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=FOLDER / "burst.json")
    options = parser.parse_args()
    result = uvloop.run(
        burst(sessions=options.sessions, partials=options.partials, seed=options.seed)
    )
    _write(result, options.results)
    print(
        json.dumps({k: v for k, v in result.items() if k != "rows"}, ensure_ascii=False, indent=1)
    )
    return 1 if result["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
