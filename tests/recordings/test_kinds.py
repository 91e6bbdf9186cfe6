"""A recording of any kind becomes text."""

import asyncio
from uuid import UUID

import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from tests.recordings.files import encoded
from tests.recordings.uploader import TAKE, Uploader

pytestmark = pytest.mark.postgres

KINDS = [
    ("wav", "pcm_s16le", 16_000),
    ("flac", "flac", 16_000),
    ("ogg", "libopus", 48_000),
    ("aiff", "pcm_s16be", 44_100),
    ("mp3", "libmp3lame", 44_100),
    ("mp4", "aac", 48_000),
    ("adts", "aac", 44_100),
    ("webm", "libopus", 48_000),
    ("matroska", "pcm_s16le", 16_000),
]
"""Container, codec, rate."""


async def test_recordings_of_any_kind_have_their_utterances(server: RunningServer) -> None:
    names = {"adts": "aac", "matroska": "mkv", "aiff": "wav"}  # what it is called is no matter
    async with Uploader(server.url) as client:
        keys = await asyncio.gather(
            *(
                client.upload(
                    encoded(TAKE, container, codec, rate=rate),
                    encoding=names.get(container, container),
                )
                for container, codec, rate in KINDS
            )
        )
        found = [await client.done(key) for key in keys]

    for one in found:
        assert one["audio_seconds"] == pytest.approx(len(TAKE) / 32_000, abs=0.2)
        transcript = await server.store.get(LOCAL_USER, UUID(one["transcript"]))
        assert transcript is not None
        assert len(transcript.finals) == 3
