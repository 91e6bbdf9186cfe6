import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.problems import SetUpError, StoreUnavailable
from service.storage.cluster import Cluster
from service.storage.embedded import EmbeddedPostgres, embedded_postgres
from tests.storage.fixtures import open_transcripts
from tests.storage.samples import FIRST, ORIGIN

pytestmark = pytest.mark.postgres


DICTATE = """
import asyncio, itertools, pathlib, sys
from service.dictation.transcripts import SessionOrigin, StoredFinal
from service.accounts.principal import LOCAL_USER
from tests.storage.fixtures import open_transcripts

async def main(folder, session, count):
    async with open_transcripts(None, pathlib.Path(folder)) as store:
        origin = SessionOrigin(language="ru", sample_rate=16_000)
        opened = await store.open(session, user=LOCAL_USER, origin=origin)
        for number in itertools.count() if count == "forever" else range(int(count)):
            final = StoredFinal(utterance=number, start=0, end=1, text="Да.", raw="да", language="ru")
            await store.add_final(LOCAL_USER, opened.transcript, final)
            print("stored", number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def dictate(folder: Path, session: str, count: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", DICTATE, str(folder), session, count,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


def cluster_of(folder: Path) -> Cluster:
    return Cluster(folder / "postgres")


def kill(folder: Path) -> int:
    """Kill the server of a data folder, and it alone, without any warning."""
    found = cluster_of(folder).postmaster()
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    return found.pid


async def test_four_processes_that_start_at_once_share_one_server_which_ends_with_the_last(
    new_data_folder,
):
    processes = [await dictate(new_data_folder, f"session-{number}", "3") for number in range(4)]
    async with asyncio.timeout(90):
        outputs = [(await process.communicate())[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert all(output.count(b"stored") == 3 for output in outputs)
    assert cluster_of(new_data_folder).postmaster() is None
    async with open_transcripts(None, new_data_folder) as store:
        transcripts = await store.recent(LOCAL_USER)
    assert [len(transcript.finals) for transcript in transcripts] == [3, 3, 3, 3]


async def test_nothing_acknowledged_is_lost_when_everything_is_killed(data_folder):
    process = await dictate(data_folder, "session-1", "forever")
    assert process.stdout is not None
    acknowledged = 0
    async with asyncio.timeout(60):
        while acknowledged < 25:
            acknowledged += b"stored" in await process.stdout.readline()
    process.kill()
    kill(data_folder)
    acknowledged += (await process.stdout.read()).count(b"stored")
    await process.wait()
    assert (data_folder / "postgres" / "postmaster.pid").exists()

    async with open_transcripts(None, data_folder) as store:
        opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)

    assert len(opened.finals) >= acknowledged
    assert [final.utterance for final in opened.finals] == list(range(len(opened.finals)))


async def test_a_server_that_outlived_its_process_is_taken_over_and_stopped(data_folder):
    process = await dictate(data_folder, "session-1", "forever")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"stored" not in await process.stdout.readline():
            pass
    process.kill()
    await process.communicate()
    orphan = cluster_of(data_folder).postmaster()
    assert orphan is not None

    async with open_transcripts(None, data_folder) as store:
        assert cluster_of(data_folder).postmaster() == orphan
        assert await store.is_alive()

    assert cluster_of(data_folder).postmaster() is None


async def test_a_server_that_dies_is_started_again_for_those_who_use_it(data_folder):
    async with open_transcripts(None, data_folder) as store:
        opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
        await store.add_final(LOCAL_USER, opened.transcript, FIRST)
        dead = kill(data_folder)

        async with asyncio.timeout(60):
            while True:
                try:
                    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
                else:
                    found = cluster_of(data_folder).postmaster()
                    if found is not None and found.pid != dead:
                        break

    assert again.finals == (FIRST,)


async def test_the_server_stays_until_the_last_user_of_it_leaves(data_folder):
    async with embedded_postgres(data_folder) as dsn:
        async with embedded_postgres(data_folder) as other_dsn:
            assert other_dsn == dsn
        connection = await asyncpg.connect(dsn, timeout=10)
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW is_superuser") == "off"
        await connection.close(timeout=10)

    assert cluster_of(data_folder).postmaster() is None


async def test_the_number_of_a_dead_server_given_to_another_program_does_no_harm(data_folder):
    async with embedded_postgres(data_folder):
        pass
    # This very process: alive, ours, and no PostgreSQL.
    note = f"{os.getpid()}\n{data_folder / 'postgres'}\n1\n5432\n/tmp\n\n1 1\nready\n"
    (data_folder / "postgres" / "postmaster.pid").write_text(note)

    async with embedded_postgres(data_folder) as dsn:
        connection = await asyncpg.connect(dsn, timeout=10)
        await connection.close(timeout=10)


async def test_a_database_half_made_is_made_anew(new_data_folder):
    half = new_data_folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    async with embedded_postgres(new_data_folder) as dsn:
        connection = await asyncpg.connect(dsn, timeout=10)
        await connection.close(timeout=10)

    assert not half.exists()


@pytest.mark.parametrize("name", ["Мои данные 'и' прочее", "x" * 120])
async def test_a_long_or_unusual_path_of_the_data_folder_works(new_data_folder, name):
    async with embedded_postgres(new_data_folder / name) as dsn:
        connection = await asyncpg.connect(dsn, timeout=10)
        await connection.close(timeout=10)
        socket_folder = cluster_of(new_data_folder / name).postmaster().socket_folder
        assert socket_folder.stat().st_mode & 0o777 == 0o700
    if not socket_folder.is_relative_to(new_data_folder):
        socket_folder.rmdir()


async def test_a_folder_of_another_postgres_is_refused_and_left_alone(data_folder):
    async with embedded_postgres(data_folder):
        pass
    (data_folder / "postgres" / "PG_VERSION").write_text("15\n")

    with pytest.raises(SetUpError) as caught:
        async with embedded_postgres(data_folder):
            pass

    assert caught.value.code == "setup.database_version"
    assert (data_folder / "postgres" / "global" / "pg_control").exists()


async def test_a_data_folder_that_is_a_file_is_told(data_folder):
    (data_folder / "file").touch()

    with pytest.raises(SetUpError) as caught:
        async with embedded_postgres(data_folder / "file"):
            pass

    assert caught.value.code == "setup.database_folder"


def test_a_server_used_from_where_we_cannot_see_it_is_not_started_twice(data_folder):
    """Two containers on one volume: the lock is shared, the process numbers are not."""
    first = EmbeddedPostgres(data_folder)
    first.enter()
    note = data_folder / "postgres" / "postmaster.pid"
    seen = note.read_text()
    pid, _, rest = seen.partition("\n")
    try:
        # A number that is no process here. The first one's watch must not act on it meanwhile.
        first._leaving.set()
        first._watch.join()
        note.write_text(f"{2**22 + 1}\n{rest}")
        second = EmbeddedPostgres(data_folder, start_s=0.5)

        with pytest.raises(SetUpError) as caught:
            second.enter()

        assert caught.value.code == "setup.database_in_use"
        os.kill(int(pid), 0)
    finally:
        note.write_text(seen)
        first.leave()


async def test_a_cancelled_start_leaves_no_server_behind(new_data_folder):
    started = asyncio.Event()

    async def use() -> None:
        started.set()
        async with embedded_postgres(new_data_folder):
            await asyncio.sleep(3600)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(use())
        await started.wait()
        while not (new_data_folder / "postgres.usage").exists():
            await asyncio.sleep(0.01)
        task.cancel()

    assert cluster_of(new_data_folder).postmaster() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the database as somebody else")
async def test_folders_closed_since_the_last_start_are_opened_for_passing_only(data_folder):
    data_folder.chmod(0o700)

    async with embedded_postgres(data_folder):
        pass

    assert data_folder.stat().st_mode & 0o777 == 0o701
