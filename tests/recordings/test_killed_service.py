"""The service as people run it, killed with -9 while it works; and the real recogniser."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from benchmarks.speech import errors, word_error_rate
from service.accounts.principal import LOCAL_USER
from tests.real_speech import real_clips
from tests.recordings.files import encoded
from tests.recordings.test_jobs import (
    LONG,
    fetch,
    let_leases_run_out,
    ready,
    undisturbed,
    until_finals,
)
from tests.recordings.uploader import Uploader, new_id
from tests.server.conftest import StartServer
from tests.voice import quiet
from tests.whisper_base import whisper_base_folder
from workers.contract.audio import pcm16_from_samples

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(300)]


@asynccontextmanager
async def service(database_url: str, folder: Path, script: Path) -> AsyncIterator[tuple[str, int]]:
    """Run `alfavoice serve`; give its address and its process id. It is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", "serve", "--port", "0", "--log-format", "json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={
            **os.environ,
            "ALFAVOICE_DATABASE_URL": database_url,
            "ALFAVOICE_DATA_DIR": str(folder),
            "ALFAVOICE_ENGINE": "scripted",
            "ALFAVOICE_SCRIPT": str(script),
            "ALFAVOICE_LANES": "2",
        },
    )  # fmt: skip
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            while True:
                line = (await process.stdout.readline()).decode()
                assert line, "the service ended"
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
        yield found.group(), process.pid
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        while await process.stdout.read(65536):
            pass
        await process.wait()


async def test_a_service_killed_while_it_receives_and_works_loses_and_doubles_nothing(
    start_server: StartServer, database_url: str, tmp_path: Path
) -> None:
    """Each round ends the service at another moment; the uploads go on where they were."""
    fast, slow = tmp_path / "fast.json", tmp_path / "slow.json"
    fast.write_text("{}")
    slow.write_text(json.dumps({"work_s_per_audio_s": 0.1}))
    audio = encoded(LONG, "flac", "flac")
    expected = await undisturbed(start_server, audio, encoding="flac")
    keys = [new_id() for _ in range(4)]

    async def send_all(url: str) -> None:
        async with Uploader(url) as client:
            for key in keys:
                await client.upload(audio, key=key, chunk=150_000, encoding="flac")

    for finals in (1, 7, 20):
        async with (
            service(database_url, tmp_path, slow) as (url, pid),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(_until_cut_off(send_all(url)))
            await until_finals(database_url, finals)
            os.kill(pid, signal.SIGKILL)
        await let_leases_run_out(database_url)
    async with service(database_url, tmp_path, fast) as (url, _):
        await send_all(url)
        async with Uploader(url) as client:
            for key in keys:
                await client.done(key)
    async with ready(start_server) as server:
        transcripts = await server.store.recent(LOCAL_USER)
    assert [transcript.text for transcript in transcripts] == [expected] * len(keys)


async def _until_cut_off(sending: Awaitable[None]) -> None:
    with suppress(httpx.HTTPError):
        await sending


@pytest.mark.model
@pytest.mark.shared
async def test_a_real_recording_becomes_its_words(
    start_server: StartServer, tmp_path: Path, database_url: str
) -> None:
    clips = [clip for clip in real_clips("asterisk") if 4 < clip.duration_s < 9][:6]
    audio = b"".join(pcm16_from_samples(clip.samples) + quiet(1500) for clip in clips)
    (tmp_path / "models").symlink_to(whisper_base_folder().parent.parent)
    async with start_server(engine="whisper", model="base", lanes=0) as server:
        await server.wait_ready(120)
        async with Uploader(server.url) as client:
            key = await client.upload(
                encoded(audio, "ogg", "libopus", rate=48_000), encoding="ogg", language="auto"
            )
            end = asyncio.get_running_loop().time() + 200
            while (found := await client.get(key))["state"] != "done":
                assert found["state"] != "failed", found
                assert asyncio.get_running_loop().time() < end
                await asyncio.sleep(0.2)
        stored = await server.store.get(LOCAL_USER, UUID(found["transcript"]))
    learned = await fetch(database_url, "SELECT learned_language FROM recordings")

    assert stored is not None
    assert [row["learned_language"] for row in learned] == ["ru"]
    reference = " ".join(clip.reference for clip in clips)
    whole = type(clips[0])(
        name="all", group="asterisk", language="ru", samples=clips[0].samples, reference=reference
    )
    assert word_error_rate([errors(whole, stored.text)]) < 30
    words = [word for final in stored.finals for word in final.words]
    assert all(a.start <= b.start for a, b in pairwise(words))
    assert words[-1].end <= len(audio) // 2
