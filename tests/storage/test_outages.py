"""The database goes away under a running service, which must neither hang nor need a restart."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks.fault_links import FaultLinks, link_to
from service.accounts.principal import LOCAL_USER
from service.problems import StoreUnavailable
from service.storage.cluster import Cluster
from service.storage.embedded import EmbeddedPostgres
from service.storage.postgres import Patience, open_postgres
from service.storage.transcripts import PostgresTranscripts
from tests.storage.fixtures import open_transcripts
from tests.storage.samples import FIRST, ORIGIN

pytestmark = pytest.mark.postgres

IMPATIENT = Patience(call_s=0.5, connect_s=0.5, probe_s=0.3)


@pytest.fixture
def server(data_folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_folder)
    yield server
    server.leave()


@pytest.fixture
async def store(server: EmbeddedPostgres, data_folder: Path) -> AsyncIterator[PostgresTranscripts]:
    async with open_transcripts(server.enter(), data_folder, patience=IMPATIENT) as store:
        yield store


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Stop every process of the server where it stands: connections stay open, nobody answers."""
    found = Cluster(folder / "postgres").postmaster()
    assert found is not None
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(found.pid)], capture_output=True, check=True, text=True
    )
    processes = [found.pid, *map(int, listed.stdout.split())]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


async def test_a_frozen_database_is_an_error_in_time_and_is_used_again_when_it_thaws(
    store, data_folder
):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)

    async with asyncio.timeout(20):  # against the 0.5 s of each call: a hang, not a slow machine
        with frozen(data_folder):
            assert not await store.is_alive()
            for _ in range(12):  # more than the pool has connections
                with pytest.raises(StoreUnavailable):
                    await store.add_final(LOCAL_USER, opened.transcript, FIRST)
    await until_stored(store, opened.transcript)

    assert await store.is_alive()
    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    assert again.finals == (FIRST,)


async def test_a_database_that_was_stopped_and_started_needs_no_restart_of_the_service(
    store, server, data_folder
):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    server.leave()
    with pytest.raises(StoreUnavailable) as caught:
        await store.add_final(LOCAL_USER, opened.transcript, FIRST)
    assert caught.value.retryable
    assert str(data_folder) not in caught.value.message

    restarted = EmbeddedPostgres(data_folder)
    try:
        restarted.enter()
        await until_stored(store, opened.transcript)
    finally:
        restarted.leave()


async def test_a_call_cut_off_by_its_caller_gives_its_connection_back(server):
    patience = Patience(call_s=30.0)
    async with open_postgres(server.enter(), patience=patience, connections=1) as postgres:
        asleep = asyncio.Event()

        async def sleep(connection) -> None:
            asleep.set()
            await connection.execute("SELECT pg_sleep(20)")

        async with asyncio.timeout(10):
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(postgres.call(sleep))
                await asleep.wait()
                task.cancel()
            assert await postgres.call(lambda connection: connection.fetchval("SELECT 2")) == 2


async def test_the_server_ends_a_statement_nobody_waits_for_any_more(server):
    async with open_postgres(server.enter(), patience=Patience(call_s=0.5)) as postgres:
        with pytest.raises(StoreUnavailable):
            await postgres.call(lambda connection: connection.execute("SELECT pg_sleep(60)"))
        async with asyncio.timeout(10):
            while await postgres.call(running_sleeps):
                await asyncio.sleep(0.05)


def running_sleeps(connection):
    return connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE state = 'active' AND query LIKE '%sleep(60)%' AND pid <> pg_backend_pid()"
    )


async def test_a_service_that_starts_before_its_database_waits_for_it(data_folder, server):
    url = server.enter()
    server.leave()
    late = EmbeddedPostgres(data_folder)

    async def start_late() -> None:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(late.enter)

    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(start_late())
            async with open_transcripts(url, data_folder) as store:
                assert await store.is_alive()
    finally:
        late.leave()


async def until_stored(store: PostgresTranscripts, transcript) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await store.add_final(LOCAL_USER, transcript, FIRST)
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def test_connections_that_the_network_forgot_cost_a_call_a_moment_and_not_its_answer(
    server, monkeypatch
):
    monkeypatch.setattr("service.storage.postgres.QUIET_S", -1.0)
    url = urlsplit(server.enter())
    socket = next(Path(parse_qs(url.query)["host"][0]).glob(".s.PGSQL.*[0-9]"))
    line = link_to("line", socket)
    dsn = f"postgresql://alfavoice@127.0.0.1:{line.port}/alfavoice"
    patience = Patience(call_s=5.0, probe_s=0.3)

    async with FaultLinks([line]) as links, open_postgres(dsn, patience=patience) as postgres:
        together = asyncio.Barrier(8)

        async def at_once(connection) -> None:
            await together.wait()
            await connection.execute("SELECT 1")

        await asyncio.gather(*(postgres.call(at_once) for _ in range(8)))
        await links.forget(["line"])

        answers = [await postgres.call(answer) for _ in range(8)]

    assert answers == [2] * 8


async def test_who_waits_in_vain_for_a_connection_costs_others_none(server):
    patience = Patience(call_s=10.0, probe_s=0.05)
    async with open_postgres(server.enter(), patience=patience, connections=1) as postgres:
        taken, may_go = asyncio.Event(), asyncio.Event()

        async def hold(connection) -> int:
            taken.set()
            await may_go.wait()
            return await own_number(connection)

        async with asyncio.TaskGroup() as group:
            holding = group.create_task(postgres.call(hold))
            await taken.wait()
            got_one = await postgres.is_alive()
            may_go.set()
        again = await postgres.call(own_number)

    assert not got_one
    assert again == holding.result()


def own_number(connection):
    return connection.fetchval("SELECT pg_backend_pid()")


def answer(connection):
    return connection.fetchval("SELECT 2")
