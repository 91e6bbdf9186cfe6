"""A server with Whisper base, and recordings of real speech to send it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speech import Clip, errors, word_error_rate
from service.app import RunningServer
from tests.real_speech import real_clips
from tests.server.conftest import StartServer
from tests.whisper_base import whisper_base_folder
from workers.contract.audio import pcm16_from_samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """What is said, and how well it was understood."""

    server: RunningServer
    clips: list[Clip]

    def pcm(self) -> list[bytes]:
        return [pcm16_from_samples(clip.samples) for clip in self.clips]

    def word_error_rate(self, texts: list[str]) -> float:
        return word_error_rate(
            errors(clip, text) for clip, text in zip(self.clips, texts, strict=True)
        )


@asynccontextmanager
async def recordings(
    start_server: StartServer, folder: Path, **settings: object
) -> AsyncIterator[Recordings]:
    """Start the server; take a few Russian recordings of 3 to 12 s."""
    clips = [clip for clip in real_clips("asterisk") if 3 < clip.duration_s < 12][::12]
    (folder / "models").symlink_to(whisper_base_folder().parent.parent)
    assert len(clips) >= 4
    async with start_server(engine="whisper", model="base", **settings) as server:
        await server.wait_ready(60)
        yield Recordings(server=server, clips=clips)
