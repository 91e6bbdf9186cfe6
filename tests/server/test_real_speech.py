"""The whole product with the real model: recordings in, their words out, nothing on silence."""

import asyncio
import os
import signal

import numpy as np
import pytest

from benchmarks.speech import errors, recordings_folder, word_error_rate
from service.dictation import wire
from tests.real_speech import real_clips
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet
from tests.whisper_base import whisper_base_folder
from workers.contract.audio import pcm16_from_samples

pytestmark = [pytest.mark.postgres, pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def start_real_server(start_server: StartServer, tmp_path):
    """A server with Whisper base, installed where the server looks for it."""
    models = whisper_base_folder().parent.parent
    (tmp_path / "models").symlink_to(models)

    def start(**changes: object):
        return start_server(engine="whisper", model="base", **changes)

    return start


async def said(url: str, pcm: bytes, *, language: str = "ru") -> list[wire.ServerMessage]:
    async with peer(url) as client:
        await client.start(language=language, partials=False)
        await client.say(pcm)
        await client.send(wire.Finish())
        await client.closed()
        return client.seen


@pytest.mark.shared
async def test_real_speech_comes_back_as_its_words(start_real_server) -> None:
    clips = [
        clip
        for clip in real_clips()
        if clip.group in {"asterisk", "en"} and 3 < clip.duration_s < 12
    ][::6]
    async with start_real_server() as server:
        await server.wait_ready(60)
        answers = await asyncio.gather(
            *(said(server.url, pcm16_from_samples(c.samples), language=c.language) for c in clips)
        )

    texts = [seen[-1].text for seen in answers]
    counted = [errors(clip, text) for clip, text in zip(clips, texts, strict=True)]
    assert len(clips) >= 8
    assert word_error_rate(counted) < 25
    words = [w for seen in answers for m in seen if isinstance(m, wire.Final) for w in m.words]
    assert words
    assert all(w.start <= w.end for w in words)


@pytest.mark.shared
async def test_a_killed_recogniser_changes_nothing_of_real_speech(start_real_server) -> None:
    clip = next(c for c in real_clips() if c.group == "asterisk" and 10 < c.duration_s < 20)
    pcm = pcm16_from_samples(clip.samples)
    async with start_real_server() as server:
        await server.wait_ready(60)
        undisturbed = (await said(server.url, pcm))[-1].text
        async with asyncio.TaskGroup() as tasks:
            again = tasks.create_task(said(server.url, pcm))
            await asyncio.sleep(0.3)
            for pid in server.workers.process_ids:
                os.kill(pid, signal.SIGKILL)

    assert undisturbed
    assert again.result()[-1].text == undisturbed


async def test_no_text_is_invented_where_nobody_speaks(start_real_server) -> None:
    rng = np.random.default_rng(1)
    t = np.arange(16_000 * 8) / 16_000
    sounds = {
        "digital silence": quiet(8000),
        "room noise": pcm16_from_samples((0.003 * rng.standard_normal(len(t))).astype("f4")),
        "loud noise": pcm16_from_samples((0.2 * rng.standard_normal(len(t))).astype("f4")),
        "mains hum": pcm16_from_samples((0.1 * np.sin(2 * np.pi * 50 * t)).astype("f4")),
        "tone": pcm16_from_samples((0.3 * np.sin(2 * np.pi * 1000 * t)).astype("f4")),
        "clicks": pcm16_from_samples((rng.random(len(t)) < 0.0003).astype("f4")),
        "not numbers": pcm16_from_samples(np.full(len(t), np.nan, dtype="f4")),
    }
    async with start_real_server() as server:
        await server.wait_ready(60)
        texts = {name: (await said(server.url, pcm))[-1].text for name, pcm in sounds.items()}

    assert texts == dict.fromkeys(sounds, "")


@pytest.mark.shared
async def test_noise_and_music_of_the_real_world_give_no_text(start_real_server) -> None:
    import soundfile

    real_clips()
    folder = recordings_folder() / "noise"
    texts = {}
    async with start_real_server() as server:
        await server.wait_ready(60)
        for path in sorted(folder.glob("*.flac")):
            if "babble" in path.name:  # eight people do speak there
                continue
            samples, rate = soundfile.read(path, dtype="float32")
            assert rate == 16_000
            texts[path.stem] = (await said(server.url, pcm16_from_samples(samples)))[-1].text

    assert texts == dict.fromkeys(texts, "")
