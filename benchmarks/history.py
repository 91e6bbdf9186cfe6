"""How long lists of the history and searches in it take, with many transcripts.

    python -m benchmarks.history --transcripts 100000 --total 1000000

Fills an embedded database with default settings in a folder of its own, starts `alfavoice serve` on
it, and asks over HTTP, one request after the other on one connection (and four at once, to see what
waiting for each other costs). Times are of the whole request, this client's work included. The
promise: p95 under 50 ms. The folder is deleted at the end,
unless it was named (`--folder`).
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx2
import msgspec
import structlog

from benchmarks.figures import nearest_rank
from benchmarks.history_cases import (
    Case,
    Request,
    list_cases,
    mixed,
    other_cases,
    search_cases,
)
from benchmarks.history_filling import Filled, fill
from benchmarks.machine import Watch, describe_machine
from benchmarks.results import FOLDER, now
from benchmarks.running import free_port
from service.storage.encryption.key_file import load_master_keys
from service.storage.opening import open_storage

PROMISED_MS: Final = 50.0
READY_S: Final = 120.0
OTHERS: Final = 90
"""People who have the rest of the transcripts."""
WARM_UP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Milliseconds of the requests of a case."""

    name: str
    requests: int
    items: float
    """Entries in an answer, on average."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


async def measure(
    http: httpx2.AsyncClient, case: Case, *, requests: int, at_once: int = 1
) -> Measured:
    """Ask and take the time."""
    chance = random.Random(7)
    todo = [case.make(chance) for _ in range(WARM_UP + requests)]
    for request in todo[:WARM_UP]:
        await _ask(http, request)
    waiting = iter(todo[WARM_UP:])
    took: list[tuple[float, int]] = []

    async def ask_on() -> None:
        for request in waiting:
            took.append(await _ask(http, request))

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(ask_on())
    times = [ms for ms, _ in took]
    return Measured(
        name=case.name if at_once == 1 else f"{case.name}, {at_once} at once",
        requests=len(took),
        items=round(sum(items for _, items in took) / len(took), 1),
        p50_ms=round(nearest_rank(times, 50) or 0, 1),
        p95_ms=round(nearest_rank(times, 95) or 0, 1),
        p99_ms=round(nearest_rank(times, 99) or 0, 1),
        worst_ms=round(max(times), 1),
    )


async def _ask(http: httpx2.AsyncClient, request: Request) -> tuple[float, int]:
    method, path, fields = request
    begun = time.perf_counter()
    if method == "GET":
        answer = await http.get(path, params=fields)
    else:
        answer = await http.post(path, json=fields)
    took_ms = (time.perf_counter() - begun) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
    return took_ms, len(answer.json().get("items", ()))


async def _sizes(dsn: str) -> dict[str, float]:
    """Give what the index over the words costs, in bytes for a transcript."""
    connection = await asyncpg.connect(dsn, timeout=30, command_timeout=600)
    try:
        row = await connection.fetchrow(
            """SELECT count(*) AS transcripts,
                avg(pg_column_size(found_by)) AS found_by_bytes,
                avg(cardinality(found_by)) AS stems,
                avg(word_count) AS words,
                pg_relation_size('transcripts_by_word') / count(*)::float AS word_index_bytes,
                pg_relation_size('transcripts_by_time') / count(*)::float AS time_index_bytes,
                pg_total_relation_size('transcripts') / 1e6 AS transcripts_mb,
                pg_total_relation_size('finals') / 1e6 AS finals_mb
            FROM transcripts"""
        )
        finals = await connection.fetchval(
            "SELECT sum(pg_column_size(found_by)) / count(DISTINCT transcript_id)::float "
            "FROM finals TABLESAMPLE SYSTEM (2)"
        )
    finally:
        await connection.close(timeout=30)
    assert row is not None  # noqa: S101
    return {name: round(float(value), 1) for name, value in row.items()} | {
        "found_by_bytes_in_finals": round(float(finals or 0), 1)
    }


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, int]]:
    """Run `alfavoice serve` on a data folder; give a client of it and the process id."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("alfavoice")), "serve"),
            *("--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)),
            *("--log-level", "warning"),
        ],
        env=os.environ | {"ALFAVOICE_ENGINE": "scripted"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            deadline = time.monotonic() + READY_S
            while True:
                with contextlib.suppress(httpx2.TransportError):
                    if (await http.get("/health/ready")).status_code == 200:
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server did not start")
                await asyncio.sleep(0.2)
            yield http, process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)


async def run(*, transcripts: int, total: int, requests: int, folder: Path) -> dict[str, Any]:
    """Fill, ask, sum up."""
    master = load_master_keys(value=None, file=None, data_dir=folder)
    begun = time.monotonic()
    note = folder / "filled.json"
    async with open_storage(None, folder, master=master) as storage:
        if note.exists():
            filled = msgspec.json.decode(note.read_bytes(), type=Filled)
        else:
            filled = await fill(storage, transcripts=transcripts, total=total, others=OTHERS)
            note.write_bytes(msgspec.json.encode(filled))
        sizes = await _sizes(storage.dsn)
    print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
    results: dict[str, list[Measured]] = {}
    async with serving(folder) as (http, pid):
        groups = {
            "list": list_cases(filled),
            "search": search_cases(filled, transcripts=transcripts),
            "other": other_cases(filled),
        }
        with Watch(pid) as watch:
            for group, cases in groups.items():
                results[group] = []
                for case in cases:
                    measured = await measure(http, case, requests=requests)
                    results[group].append(measured)
                    print(_line(measured), flush=True)
            for group in ("list", "search"):
                every = mixed(groups[group])
                for at_once in (1, 4):
                    measured = await measure(http, every, requests=4 * requests, at_once=at_once)
                    results[group].append(measured)
                    print(_line(measured), flush=True)
        usage = watch.usage()
    return {
        "when": now(),
        "machine": describe_machine(),
        "transcripts_of_user": transcripts,
        "transcripts_in_all": total,
        "vocabulary": filled.vocabulary,
        "sizes": sizes,
        "usage": asdict(usage),
        "results": {group: [asdict(one) for one in found] for group, found in results.items()},
    }


def _line(measured: Measured) -> str:
    return (
        f"{measured.name:40} {measured.items:6.1f} items  p50 {measured.p50_ms:6.1f}  "
        f"p95 {measured.p95_ms:6.1f}  p99 {measured.p99_ms:6.1f}  worst {measured.worst_ms:6.1f} ms"
    )


def report(found: dict[str, Any]) -> str:
    """Write the table."""
    machine, sizes, usage = found["machine"], found["sizes"], found["usage"]
    lines = [
        "# History: lists and search",
        "",
        f"{found['transcripts_of_user']:,} transcripts of the user, "
        f"{found['transcripts_in_all']:,} in the table; {sizes['words']:.0f} words each on average; "
        f"words from {found['vocabulary']}.",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, embedded "
        f"PostgreSQL with its default settings (32 MB of buffers), {found['when']}.",
        f"Other programs used {usage['other_cores']} cores meanwhile. Milliseconds of whole "
        "requests, pages of 50 where nothing else is said.",
    ]
    if found["note"]:
        lines.append(found["note"])
    for group, title in (("list", "List"), ("search", "Search"), ("other", "Without a promise")):
        lines += ["", f"## {title}", "", "| request | n | items | p50 | p95 | p99 | worst |"]
        lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
        lines += [
            f"| {one['name']} | {one['requests']} | {one['items']} | {one['p50_ms']} | "
            f"**{one['p95_ms']}** | {one['p99_ms']} | {one['worst_ms']} |"
            for one in found["results"][group]
        ]
    lines += [
        "",
        "## What the search index costs",
        "",
        f"Of a transcript with {sizes['words']:.0f} words and {sizes['stems']:.0f} stems: "
        f"{sizes['found_by_bytes']:.0f} bytes in its row, {sizes['found_by_bytes_in_finals']:.0f} "
        f"in those of its utterances, {sizes['word_index_bytes']:.0f} in the index over words. "
        f"The index over time takes {sizes['time_index_bytes']:.0f}.",
        f"Tables with their indexes: transcripts {sizes['transcripts_mb']:,.0f} MB, finals "
        f"{sizes['finals_mb']:,.0f} MB.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print and store; the exit status says whether the promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--transcripts", type=int, default=100_000, help="of the user")
    parser.add_argument("--total", type=int, default=1_000_000, help="in the table")
    parser.add_argument("--requests", type=int, default=200, help="of each case")
    parser.add_argument("--folder", type=Path, help="fill this one, or use it filled, and keep it")
    parser.add_argument("--note", default="", help="what a reader of the results should know")
    parser.add_argument("--no-save", action="store_true", help="leave the stored results alone")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    folder = given.folder or Path(tempfile.mkdtemp(prefix="alfavoice-history-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = asyncio.run(
            run(
                transcripts=given.transcripts,
                total=max(given.total, given.transcripts),
                requests=given.requests,
                folder=folder,
            )
        )
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    found["note"] = given.note
    if not given.no_save:
        text = json.dumps(found, ensure_ascii=False, indent=1)
        (FOLDER / "history.json").write_text(text + "\n", encoding="utf-8")
        (FOLDER / "history.md").write_text(report(found), encoding="utf-8")
    promised = [
        one["p95_ms"] for group in ("list", "search") for one in found["results"][group][:-1]
    ]
    print(f"the worst p95 is {max(promised)} ms of {PROMISED_MS:g} promised")
    return 0 if max(promised) < PROMISED_MS else 1


if __name__ == "__main__":
    sys.exit(main())
