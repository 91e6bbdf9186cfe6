"""The doctor at a service that recognises nothing itself: NATS, and who is heard there."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.diagnosis.examination import examine
from service.diagnosis.workers import check_workers
from service.settings import Settings
from tests.workers.nats_server import NatsServer, free_port


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path)
    server.start()
    yield server
    server.stop()


def at(url: str, folder: Path) -> Settings:
    return Settings(queue="nats", nats_url=url, data_dir=folder, engine="scripted")


def test_nobody_at_nats_and_nobody_behind_it_are_told_apart(
    nats: NatsServer, tmp_path: Path
) -> None:
    absent = check_workers(at(f"nats://127.0.0.1:{free_port()}", tmp_path))
    assert (absent.status, absent.values["code"]) == ("fail", "queue.nats_unreachable")
    alone = check_workers(at(nats.url, tmp_path))
    assert (alone.status, alone.key) == ("fail", "doctor.workers_none")


async def test_a_worker_that_is_heard_is_named_by_its_model_and_none_is_asked_for_here(
    nats: NatsServer, tmp_path: Path
) -> None:
    settings = at(nats.url, tmp_path)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "worker", "--nats", nats.url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "ALFAVOICE_ENGINE": "scripted", "ALFAVOICE_PUNCTUATION": "off",
             "ALFAVOICE_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert worker.stdout
    try:
        async with asyncio.timeout(60):
            await worker.stdout.readline()
        heard = await asyncio.to_thread(check_workers, settings)
        found = await asyncio.to_thread(examine, settings, deep=False)
    finally:
        worker.terminate()
        await worker.communicate()
    assert (heard.status, heard.values["models"]) == ("ok", "scripted")
    assert "model" not in {finding.check for finding in found}
