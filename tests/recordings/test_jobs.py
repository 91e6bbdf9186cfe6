"""Work on recordings survives whatever dies, and every recording becomes exactly one transcript."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.dictation import wire
from tests.recordings.files import encoded, hostile
from tests.recordings.uploader import PATIENCE_S, Uploader
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres

LONG = b"".join(voice(1200 + 70 * n, seed=n) + quiet(1000) for n in range(12))
"""Twelve utterances, 32 s."""


@pytest.fixture
def slow_script(tmp_path: Path) -> Path:
    """A recogniser that takes a fifth of a second for a second."""
    path = tmp_path / "slow.json"
    path.write_text(json.dumps({"work_s_per_audio_s": 0.2}))
    return path


async def fetch(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def finals_stored(url: str) -> int:
    return (await fetch(url, "SELECT count(*) AS n FROM finals"))[0]["n"]


async def until_finals(url: str, count: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while await finals_stored(url) < count:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def let_leases_run_out(url: str) -> None:
    await fetch(url, "UPDATE recordings SET leased_until = now(), next_attempt_at = now()")


@asynccontextmanager
async def ready(start_server: StartServer, **changes: object) -> AsyncIterator[RunningServer]:
    async with start_server(**changes) as server:
        await server.wait_ready(30)
        yield server


async def undisturbed(start_server: StartServer, audio: bytes, **fields: object) -> str:
    """The text of a recording when nothing goes wrong; nothing of it is left behind."""
    async with ready(start_server) as server:
        async with Uploader(server.url) as client:
            await client.done(await client.upload(audio, **fields))
        (transcript,) = await server.store.recent(LOCAL_USER)
        await server.store.forget(LOCAL_USER, transcript.id)
        return transcript.text


@pytest.mark.parametrize("language", ["ru", "auto"])
async def test_a_server_stopped_in_the_middle_goes_on_where_it_was(
    start_server: StartServer, slow_script: Path, database_url: str, language: str
) -> None:
    audio = encoded(LONG, "flac", "flac")
    fields = {"encoding": "flac", "language": language}
    expected = await undisturbed(start_server, audio, **fields)
    async with ready(start_server, script=slow_script) as server, Uploader(server.url) as client:
        key = await client.upload(audio, **fields)
        await until_finals(database_url, 3)
    before = await finals_stored(database_url)
    assert before < 12
    async with ready(start_server) as server, Uploader(server.url) as client:
        found = await client.done(key)
        assert found["attempts"] <= 1  # being stopped is no attempt
        (transcript,) = await server.store.recent(LOCAL_USER)
        assert transcript.text == expected
        assert [final.utterance for final in transcript.finals] == list(range(12))


async def test_finals_cut_by_other_rules_are_replaced_and_not_mixed(
    start_server: StartServer, slow_script: Path, database_url: str
) -> None:
    expected = await undisturbed(start_server, LONG)
    rules = {"script": slow_script, "endpoint_silence_ms": 300, "speculation_silence_ms": 0}
    async with ready(start_server, **rules) as server, Uploader(server.url) as client:
        key = await client.upload(LONG)
        await until_finals(database_url, 3)
        await fetch(database_url, "UPDATE finals SET end_sample = end_sample + 1")
    async with ready(start_server) as server, Uploader(server.url) as client:
        await client.done(key)
        (transcript,) = await server.store.recent(LOCAL_USER)
        assert transcript.text == expected


async def test_a_killed_recogniser_changes_nothing(
    start_server: StartServer, slow_script: Path, database_url: str
) -> None:
    expected = await undisturbed(start_server, LONG)
    async with ready(start_server, script=slow_script) as server, Uploader(server.url) as client:
        keys = await asyncio.gather(*(client.upload(LONG) for _ in range(2)))
        for count in (2, 9):
            await until_finals(database_url, count)
            for pid in server.workers.process_ids:
                os.kill(pid, signal.SIGKILL)
        for key in keys:
            await client.done(key)
        transcripts = await server.store.recent(LOCAL_USER)
        assert [transcript.text for transcript in transcripts] == [expected] * 2


async def test_another_server_takes_over_what_a_dead_one_had(
    start_server: StartServer, slow_script: Path, database_url: str
) -> None:
    """The first one hangs rather than dies: it comes back when its job is somebody else's."""
    expected = await undisturbed(start_server, LONG)
    async with (
        ready(start_server, script=slow_script, recording_jobs=1) as first,
        Uploader(first.url) as client,
    ):
        key = await client.upload(LONG)
        await until_finals(database_url, 2)
        async with ready(start_server, recording_jobs=1) as second:
            await let_leases_run_out(database_url)
            async with Uploader(second.url) as other:
                await other.done(key)
            (transcript,) = await second.store.recent(LOCAL_USER)
            assert transcript.text == expected
        assert (await client.get(key))["state"] == "done"
    assert await finals_stored(database_url) == 12


async def test_a_window_that_breaks_the_recogniser_sets_its_recording_aside_and_no_other(
    start_server: StartServer, tmp_path: Path, database_url: str
) -> None:
    poison = voice(3000, seed=77) + quiet(1000)
    async with ready(start_server) as server, Uploader(server.url) as client:
        await client.done(await client.upload(poison))
        (transcript,) = await server.store.recent(LOCAL_USER)
        final = transcript.finals[0]
        await server.store.forget(LOCAL_USER, transcript.id)
    script = tmp_path / "poison.json"
    script.write_text(json.dumps({"crash": [str(final.end - final.start)]}))
    async with ready(start_server, script=script) as server, Uploader(server.url) as client:
        bad = await client.upload(poison)
        good = [await client.upload(voice(1500 + n * 90, seed=n) + quiet(900)) for n in range(3)]
        found = await client.until(bad, "failed")
        assert found["reason"] == "poison"
        assert found["is_stored"]
        assert found["has_audio"]
        for key in good:
            await client.done(key)
        assert len(await server.store.recent(LOCAL_USER)) == 3
    async with ready(start_server) as server, Uploader(server.url) as client:
        assert (await client.http.post(f"/{bad}/retry")).json()["state"] == "waiting"
        await client.done(bad)
        assert len(await server.store.recent(LOCAL_USER)) == 4


async def test_hostile_files_fail_while_others_go_on(server: RunningServer) -> None:
    async with Uploader(server.url) as client:
        bad = [await client.upload(data, encoding="mp3") for data in hostile().values()]
        good = await client.upload(LONG)
        for key in bad:
            found = await client.until(key, "failed")
            assert found["reason"] == "undecodable"
            assert found["transcript"] is None
        await client.done(good)
        history = await client.http.get(f"{server.url}/v1/history", params={"kind": "recording"})
        assert len(history.json()["items"]) == 1  # of what became text


async def test_a_recording_that_ends_its_workers_is_set_aside(
    server: RunningServer, database_url: str
) -> None:
    """Nobody is left to say that it failed; only how often it was begun is known."""
    async with Uploader(server.url) as client:
        await fetch(database_url, "ALTER TABLE recordings ALTER COLUMN attempts SET DEFAULT 0")
        key = await client.upload(LONG, language="auto")
        await client.done(key)
        await fetch(
            database_url,
            "UPDATE recordings SET state = 'working', attempts = 5, leased_until = now()",
        )
        found = await client.until(key, "failed")

    assert found["reason"] == "failed"


async def test_a_recording_longer_than_allowed_fails_and_says_so(
    start_server: StartServer,
) -> None:
    async with ready(start_server, max_recording_s=10) as server, Uploader(server.url) as client:
        key = await client.upload(encoded(LONG, "ogg", "libopus", rate=48_000), encoding="ogg")
        found = await client.until(key, "failed")

    assert found["reason"] == "too_long"


async def test_live_finals_do_not_wait_behind_recordings(
    start_server: StartServer, slow_script: Path, database_url: str
) -> None:
    async with ready(start_server, script=slow_script) as server, Uploader(server.url) as client:
        keys = [await client.upload(LONG) for _ in range(3)]
        await until_finals(database_url, 2)
        for seed in range(3):
            before = await finals_stored(database_url)
            async with peer(server.url) as person:
                await person.start(partials=False)
                await person.say(voice(2000, seed=50 + seed))
                await person.send(wire.Finish())
                done = await person.until(wire.Done)
            assert done.text
            # Its own final, and what the other lane did meanwhile; 36 windows of files waited.
            assert await finals_stored(database_url) - before <= 1 + 4
        states = {(await client.get(key))["state"] for key in keys}
        assert states - {"done"}
        for key in keys:
            await client.done(key)
