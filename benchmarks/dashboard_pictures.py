"""The dashboards of `monitoring/` as pictures for the documentation, drawn from what a real server did.

    python -m benchmarks.dashboard_pictures --minutes 4

A service, a worker and NATS run; people dictate, are refused when there are too many, lose their
connection, upload recordings and mistake passwords; a real Prometheus scrapes and evaluates the rules.
Then the queries of every panel are asked and drawn (`monitoring.pictures`). The recogniser is the
scripted one: what is seen is the machinery under load, no speed of a model.
"""

import argparse
import asyncio
import contextlib
import json
import math
import random
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from benchmarks.dashboard_prometheus import SCRAPE_S, asked, watching
from benchmarks.durability_takes import make_takes
from benchmarks.soak_people import People, Person
from benchmarks.soak_served import served
from monitoring.dashboards import dashboards
from monitoring.panels import dashboard_document
from monitoring.pictures import Series, draw
from monitoring.thresholds import read_thresholds

PICTURES: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"
USUAL_PEOPLE: Final = 6
CROWD: Final = 10
"""Besides, in the middle third."""
MOST_SESSIONS: Final = 12
RESUME_S: Final = 15
"""Short, so that those who do not come back are seen to expire."""
WORK_S_PER_AUDIO_S: Final = 0.12
"""As of a slow machine: with all of them speaking, two lanes have hardly enough time."""
RAMP_S: Final = 15.0
"""At the beginning and the end; not drawn."""
_LABEL: Final = re.compile(r"\{\{(\w+)\}\}")


async def pictures(minutes: float, folder: Path, out: Path) -> list[Path]:
    """Run everything for so many minutes and draw what was seen; give the paths."""
    thresholds = read_thresholds()
    script = folder / "script.json"
    script.write_text(json.dumps({"work_s_per_audio_s": WORK_S_PER_AUDIO_S}), "utf-8")
    settings = {
        "ALFAVOICE_ENGINE": "scripted",
        "ALFAVOICE_SCRIPT": str(script),
        "ALFAVOICE_LANES": "2",
        "ALFAVOICE_QUEUE": "nats",
        "ALFAVOICE_LOGIN": "required",
        "ALFAVOICE_RESUME_S": str(RESUME_S),
        "ALFAVOICE_MAX_SESSIONS": str(MOST_SESSIONS),
        "ALFAVOICE_DISK_RESERVE_MB": "64",
    }
    seen = folder / "prometheus"
    seen.mkdir()
    async with served(folder, settings=settings) as running:
        service, worker = (urlsplit(url).netloc for url in (running.url, running.worker_url))
        takes = make_takes(24, chance=random.Random(1))
        people = People(running.url, takes, seed=1)
        everybody = await people.arrive(running.invitation, USUAL_PEOPLE + CROWD)
        async with watching(seen, thresholds, service=service, worker=worker) as http:
            began = _now()
            await _live(people, everybody, running.url, seconds=60 * minutes)
            await asyncio.sleep(2 * SCRAPE_S)
            span = began + RAMP_S, _now()
            note = (
                f"drawn by us from the same queries, {datetime.now(UTC):%Y-%m-%d}; "
                "one service, one worker, scripted recogniser"
            )
            drawn = []
            for board in dashboards(thresholds):
                document = dashboard_document(board)
                answers = {
                    panel["id"]: await _lines(http, panel, span) for panel in document["panels"]
                }
                path = out / f"dashboard_{board.slug}.png"
                await asyncio.to_thread(draw, document, answers, path, note=note)
                drawn.append(path)
        await people.leave()
    return drawn


def _now() -> float:
    return datetime.now(UTC).timestamp()


async def _live(people: People, everybody: Sequence[Person], url: str, *, seconds: float) -> None:
    """A day in small: a few people, a crowd in the middle, a few people."""
    over, crowd_over = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for person in everybody[:USUAL_PEOPLE]:
            group.create_task(people.live(person, over, pause_s=1.0))
        stranger = group.create_task(_stranger(url))
        await asyncio.sleep(seconds / 3)
        for person in everybody[USUAL_PEOPLE:]:
            group.create_task(people.live(person, crowd_over, pause_s=0.3))
        await asyncio.sleep(seconds / 3)
        crowd_over.set()
        await asyncio.sleep(seconds / 3)
        over.set()
        stranger.cancel()


async def _stranger(url: str) -> None:
    """Somebody who guesses passwords and looks around."""
    chance = random.Random(2)
    device = {"name": "stranger"}
    tries: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/v1/auth/login", {"login": "person0", "password": "guessed", "device": device}),
        ("POST", "/v1/auth/login", {"login": "nobody", "password": "guessed", "device": device}),
        ("GET", "/v1/history", None),
        ("GET", "/v1/admin/users", None),
        ("GET", "/nothing/here", None),
        ("POST", "/v1/auth/login", {"what": "nonsense"}),
    )
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        while True:
            method, path, body = chance.choice(tries)
            with contextlib.suppress(httpx2.HTTPError):
                await http.request(method, path, json=body)
            await asyncio.sleep(chance.uniform(0.3, 2.5))


async def _lines(
    http: httpx2.AsyncClient, panel: Mapping[str, Any], span: tuple[float, float]
) -> list[Series]:
    lines = []
    for target in panel["targets"]:
        for line in await asked(http, target["expr"], start=span[0], end=span[1]):
            values = [(float(at), float(value)) for at, value in line["values"]]
            # A quantile of nothing is no number: Grafana draws nothing there either.
            points = [(at, value) for at, value in values if math.isfinite(value)]
            if points:
                label = _named(target["legendFormat"], line["metric"])
                lines.append(Series(label=label, points=points))
    return lines


def _named(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend)


def main() -> None:
    """Draw the pictures of the documentation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard_pictures")
    parser.add_argument("--minutes", type=float, default=4.0, help="of load")
    parser.add_argument("--out", type=Path, default=PICTURES, help="folder of the pictures")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="alfavoice-pictures-") as folder:
        for path in asyncio.run(pictures(given.minutes, Path(folder), given.out)):
            print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
