"""What was stored in the clear before there was encryption is sealed when the service starts."""

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.storage import plain_finals
from service.storage.migrate import migrate, shipped_migrations
from service.storage.opening import open_storage
from tests.storage.fixtures import MASTER

pytestmark = pytest.mark.postgres

TRANSCRIPTS, FINALS = 30, 20
WORDS = json.dumps([{"text": "Слово", "start": 0, "end": 1, "probability": 0.5}])
START = """
import asyncio, pathlib, sys
from service.storage import plain_finals
from service.storage.encryption.master import MasterKeys
from service.storage.opening import open_storage
plain_finals._BATCH = int(sys.argv[2])

async def main():
    master = MasterKeys([bytes(range(32))])
    async with open_storage(sys.argv[1], pathlib.Path("/nonexistent"), master=master):
        print("open", flush=True)

asyncio.run(main())
"""


@pytest.fixture
async def old_url(database_url: str) -> str:
    """A database of the first schema, with things said in it."""
    await migrate(database_url, migrations=shipped_migrations()[:1])
    connection = await asyncpg.connect(database_url, timeout=10)
    await connection.execute(
        "INSERT INTO transcripts (id, user_id, session, language, sample_rate, client) "
        "SELECT gen_random_uuid(), $1, 'session-' || n, 'ru', 16000, '' "
        "FROM generate_series(1, $2) AS n",
        LOCAL_USER,
        TRANSCRIPTS,
    )
    await connection.execute(
        "INSERT INTO finals SELECT id, n, n, n + 1, 'Слово ' || n, 'слово', 'ru', $1 "
        "FROM transcripts CROSS JOIN generate_series(0, $2) AS n",
        WORDS,
        FINALS - 1,
    )
    await connection.close(timeout=10)
    return database_url


async def everything_is_sealed(url: str) -> None:
    async with open_storage(url, Path("/nonexistent"), master=MASTER) as storage:
        transcripts = await storage.transcripts.recent(LOCAL_USER, limit=1000)
        assert len(transcripts) == TRANSCRIPTS
        for transcript in transcripts:
            assert [final.text for final in transcript.finals] == [
                f"Слово {n}" for n in range(FINALS)
            ]
            assert transcript.finals[3].words[0].text == "Слово"
        left = await storage.postgres.call(
            lambda c: c.fetchrow(
                "SELECT (SELECT count(*) FROM plain_finals) AS plain, count(*) AS all, "
                "min(word_count) AS words, min(cardinality(found_by)) AS found FROM transcripts"
            )
        )
    assert (left["plain"], left["all"], left["words"]) == (0, TRANSCRIPTS, 2 * FINALS)
    assert left["found"] == 1 + FINALS


async def test_an_old_database_is_sealed_at_the_next_start(old_url):
    await everything_is_sealed(old_url)


async def test_four_that_start_at_once_share_the_work_and_lose_nothing(old_url):
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", START, old_url, "7", stdout=asyncio.subprocess.DEVNULL
        )
        for _ in range(4)
    ]
    async with asyncio.timeout(90):
        assert [await process.wait() for process in processes] == [0, 0, 0, 0]

    await everything_is_sealed(old_url)


async def test_one_killed_in_the_middle_is_finished_by_the_next(old_url):
    watch = await asyncpg.connect(old_url, timeout=10)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, old_url, "1", stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(60):
        while True:
            done = "SELECT to_regclass('plain_finals') IS NOT NULL AND (SELECT count(*) FROM finals) > 40"
            if await watch.fetchval(done):
                break
    process.kill()
    await process.wait()
    moved = await watch.fetchval("SELECT count(*) FROM finals")
    await watch.close(timeout=10)

    assert 0 < moved < TRANSCRIPTS * FINALS
    await everything_is_sealed(old_url)


async def test_a_batch_given_back_by_a_killed_process_is_not_emptied_away(old_url, monkeypatch):
    """The other's rows are locked, so there seems to be nothing left; then it dies."""
    await migrate(old_url)
    other = await asyncpg.connect(old_url, timeout=10)
    killed = other.transaction()
    await killed.start()
    await other.execute("SELECT FROM plain_finals FOR UPDATE")
    plain_finals_left = plain_finals._some_left

    async def dies_meanwhile(connection: asyncpg.Connection) -> bool:
        if not other.is_closed():
            other.terminate()
        return await plain_finals_left(connection)

    monkeypatch.setattr(plain_finals, "_some_left", dies_meanwhile)

    await everything_is_sealed(old_url)
