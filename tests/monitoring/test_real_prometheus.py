"""A real Prometheus scrapes a real server while people speak, are refused and upload.

Every query of the rules and dashboards is run. Of those about the server itself none may be empty.
"""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from monitoring.__main__ import FOLDER
from monitoring.dashboards import dashboards
from monitoring.rules import alerts, records
from monitoring.thresholds import read_thresholds
from service.app import RunningServer
from service.dictation import wire
from service.recogniser import worker
from service.settings import Settings
from tests.recordings.uploader import Uploader
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet, voice
from tests.workers.nats_server import NatsServer, free_port

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.prometheus,
    pytest.mark.skipif(
        shutil.which("prometheus") is None,
        reason="no Prometheus here; on Debian or Ubuntu: sudo apt-get install prometheus",
    ),
]

THRESHOLDS = read_thresholds()
PATIENCE_S = 60.0
MOST_SESSIONS = 3
ONLY_WITH_A_GPU = {"alfavoice_worker_gpu_memory_bytes", "alfavoice_worker_gpu_memory_used_bytes"}
TAKE = quiet(200) + voice(1500, seed=1) + quiet(1100) + voice(900, seed=2) + quiet(300)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path)
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def working(nats: NatsServer, folder: Path) -> AsyncIterator[str]:
    """Run a worker; give the address where it says how it is."""
    stop, metrics = asyncio.Event(), f"127.0.0.1:{free_port()}"
    settings = Settings(
        engine="scripted",
        lanes=2,
        data_dir=folder,
        punctuation="off",
        nats_url=nats.url,
        worker_metrics=metrics,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(worker(settings, stop=stop, hurry=asyncio.Event(), announce=lambda: None))
        yield metrics
        stop.set()


@asynccontextmanager
async def prometheus(server: str, worker: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Run one that scrapes a server and a worker every second; give its HTTP API."""
    shutil.copy(FOLDER / "rules.yml", folder)
    (folder / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": ["rules.yml"],
                "scrape_configs": [
                    {
                        "job_name": THRESHOLDS.job,
                        "static_configs": [{"targets": [urlsplit(server).netloc]}],
                    },
                    {
                        "job_name": THRESHOLDS.worker_job,
                        "static_configs": [{"targets": [worker]}],
                    },
                ],
            }
        )
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stderr=written,
        )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False
        ) as http:
            async with asyncio.timeout(PATIENCE_S):
                while not await answers(http):
                    assert process.returncode is None, (folder / "log").read_text()
                    await asyncio.sleep(0.1)
            yield http
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/-/ready")).is_success
    except httpx.TransportError:
        return False


async def asked(http: httpx.AsyncClient, promql: str) -> list[Any]:
    """Give the answer of a query as Grafana would ask it."""
    query = promql.replace("$__rate_interval", "1m")
    answer = (await http.get("/api/v1/query", params={"query": query})).json()
    assert answer["status"] == "success", (promql, answer)
    return answer["data"]["result"]


async def until_scraped(http: httpx.AsyncClient, promql: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await asked(http, promql):
            await asyncio.sleep(0.2)


async def dictate(url: str) -> None:
    async with peer(url) as client:
        await client.start()
        await client.say(TAKE)
        await client.send(wire.Finish())
        await client.until(wire.Done)


async def sign_in_wrongly(url: str) -> None:
    device = {"id": str(uuid4()), "name": "desk", "platform": "linux"}
    body = {"login": "nobody", "password": "a wrong password", "device": device}
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        answer = await http.post("/v1/auth/login", json=body)
    assert answer.status_code == 401, answer.text


async def live_a_little(server: RunningServer) -> None:
    """Speak, upload, ask for what is not there, mistake a password, and come when all is full."""
    async with asyncio.TaskGroup() as people:
        for _ in range(MOST_SESSIONS):
            people.create_task(dictate(server.url))
    async with Uploader(server.url) as uploader:
        await uploader.done(await uploader.upload(TAKE))
        await uploader.http.get("/not-an-id")
    await sign_in_wrongly(server.url)
    speaking = [peer(server.url) for _ in range(MOST_SESSIONS)]
    for each in speaking:
        await (await each.__aenter__()).start()
    async with peer(server.url) as refused:
        await refused.send(wire.Start(language="ru"))
        await refused.closed()
    for each in speaking:
        await each.__aexit__(None, None, None)


@pytest.mark.timeout(180)
async def test_every_query_runs_and_none_about_the_server_is_empty(
    start_server: StartServer, nats: NatsServer, tmp_path: Path
) -> None:
    own = [r.query for r in records(THRESHOLDS)]
    foreign = []
    for board in dashboards(THRESHOLDS):
        for panel in board.panels:
            (foreign if panel.exporter else own).extend(q.promql for q in panel.queries)
    # An alert asks for what is wrong; without its limit it asks for what is.
    alerting = [alert.query for alert in alerts(THRESHOLDS)]

    async with (
        start_server(max_sessions=MOST_SESSIONS, queue="nats", nats_url=nats.url) as server,
        working(nats, tmp_path) as worker_address,
    ):
        await server.wait_ready(30)
        async with prometheus(server.url, worker_address, tmp_path) as http:
            await until_scraped(http, "alfavoice_ready_lanes > 0")
            await live_a_little(server)
            # Seen twice since, so that there is a rate, and the rules of rules were evaluated.
            done = 'alfavoice_recording_jobs_total{outcome="done"} >= 1'
            await until_scraped(http, f"count_over_time(({done})[1m:1s]) > 3")
            refused = 'alfavoice_sessions_refused_total{code="server.full"} >= 1'
            await until_scraped(http, f"count_over_time(({refused})[1m:1s]) > 3")

            empty = [query for query in own if not await asked(http, query)]
            for query in [*foreign, *alerting]:
                await asked(http, query)
            groups = (await http.get("/api/v1/rules")).json()["data"]["groups"]
            names = (await http.get("/api/v1/label/__name__/values")).json()["data"]

    rules = [rule for group in groups for rule in group["rules"]]
    assert empty == []
    assert len(rules) == len(records(THRESHOLDS)) + len(alerts(THRESHOLDS))
    assert {rule["health"] for rule in rules} == {"ok"}
    assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == []
    assert metrics_of(alerting) - set(names) - ONLY_WITH_A_GPU == set()


def metrics_of(queries: list[str]) -> set[str]:
    """Give the server's own metrics that queries name."""
    return {name for query in queries for name in re.findall(r"\balfavoice[_:][a-z_:\d]+", query)}
