"""What a worker says of itself over HTTP, to Prometheus and to whoever restarts it."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tests.workers.conftest import GatedEngine, until
from tests.workers.nats_server import NatsServer, free_port
from tests.workers.windows import plan_by_length, window
from workers.exposing import MOST_AT_ONCE, MOST_HEADER_BYTES, NotExposed, address_of, exposed
from workers.finishing import Finisher
from workers.gpu_memory import GpuMemory, GpuMemoryCollector
from workers.queues.nats.access import NatsAccess
from workers.remote import remote_workers
from workers.serving import worker


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path)
    server.start()
    yield server
    server.stop()


def values(text: str) -> dict[str, float]:
    """Metrics by name and labels, as Prometheus reads them."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_a_worker_says_what_it_does_and_whether_it_can(nats: NatsServer) -> None:
    access = NatsAccess(urls=(nats.url,))
    engine, texts = GatedEngine(lanes=2), Finisher("off")
    await texts.start()
    port = free_port()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        )
        remote = await stack.enter_async_context(
            remote_workers(access, metrics_registry=CollectorRegistry(), planner=plan_by_length)
        )
        await stack.enter_async_context(
            worker([engine], texts, access, metrics=f"127.0.0.1:{port}")
        )
        await remote.wait_ready(30)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        asked = tasks.create_task(remote.queue.submit(window(samples=32_000)))
        await until(lambda: bool(engine.seen))
        busy = values((await http.get("/metrics")).text)
        ready = await http.get("/health/ready")
        engine.open()
        await asked
        idle = values((await http.get("/metrics")).text)
        engine.ready = False
        away = await http.get("/health/ready")
        engine.ready = True
        nats.stop()
        while (cut_off := await http.get("/health/ready")).status_code == 200:
            await asyncio.sleep(0.01)
        alive = await http.get("/health/live")

    assert busy["alfavoice_worker_busy_lanes"] == 1
    assert busy["alfavoice_worker_ready_lanes"] == 2
    assert busy["alfavoice_worker_nats_connected"] == 1
    assert busy["alfavoice_worker_audio_seconds_total"] == 0
    assert idle["alfavoice_worker_busy_lanes"] == 0
    assert idle["alfavoice_worker_audio_seconds_total"] == 2
    assert idle["alfavoice_worker_real_time_factor_ratio_count"] == 1
    assert idle['alfavoice_worker_batch_windows_sum{kind="final"}'] == 1
    assert idle["alfavoice_worker_engine_restarts"] == 0
    assert idle["process_open_fds"] > 0
    # What services count as well has other names: sums over both would count it twice.
    assert not [name for name in idle if name.startswith("alfavoice_batch")]
    assert (ready.status_code, ready.json()["reasons"]) == (200, [])
    assert (away.status_code, away.json()["reasons"]) == (503, ["recogniser"])
    assert cut_off.json()["reasons"] == ["queue"]
    assert alive.status_code == 200


async def test_who_sends_nonsense_or_nothing_holds_nobody_up() -> None:
    async with exposed("127.0.0.1:0", CollectorRegistry(), {}) as port, httpx.AsyncClient() as http:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_AT_ONCE - 1)]
        for nonsense in (b"\r\n\r\n", b"\0" * 2 * MOST_HEADER_BYTES, b"GET\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            with suppress(ConnectionError):
                assert b" 200 " not in await reader.read()
            writer.close()
        posted = await http.post(f"http://127.0.0.1:{port}/health/live", content=b"x")
        nowhere = await http.get(f"http://127.0.0.1:{port}/../etc/passwd")
        fine = await http.get(f"http://127.0.0.1:{port}/health/live?now")
        for _, writer in idle:
            writer.close()

    assert (posted.status_code, nowhere.status_code, fine.status_code) == (405, 404, 200)


async def test_an_address_that_is_wrong_or_taken_is_said() -> None:
    assert address_of("[::1]:9764") == ("::1", 9764)
    assert address_of("9764") == ("127.0.0.1", 9764)
    for wrong in ("", "host", "host:", "host:99999", "host:²"):
        with pytest.raises(NotExposed):
            address_of(wrong)
    async with exposed("127.0.0.1:0", CollectorRegistry(), {}) as port:
        with pytest.raises(NotExposed):
            async with exposed(f"127.0.0.1:{port}", CollectorRegistry(), {}):
                pass


def test_the_memory_of_gpus_is_a_metric() -> None:
    registry = CollectorRegistry()
    found = [GpuMemory(gpu=0, total_bytes=80, used_bytes=9)]

    registry.register(GpuMemoryCollector(lambda: found))

    labels = {"gpu": "0"}
    assert registry.get_sample_value("alfavoice_worker_gpu_memory_bytes", labels) == 80
    assert registry.get_sample_value("alfavoice_worker_gpu_memory_used_bytes", labels) == 9
