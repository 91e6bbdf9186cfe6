"""Adapter: plain faster-whisper behind a thread pool, in its two sensible layouts."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import Heard, Launch, LiveTake
from benchmarks.peers.environments import Environment
from benchmarks.peers.listening import listens
from benchmarks.peers.sockets import opened, sending

ENVIRONMENT = Environment(
    "faster_whisper_pool", packages=["faster-whisper==1.2.1", "websockets>=15"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterWhisperPool:
    """One WhisperModel with `workers` replicas of `threads` threads each; finals only."""

    workers: int
    threads: int
    shows_partials: bool = False

    @property
    def name(self) -> str:
        """Label with the layout."""
        return f"faster-whisper pool {self.workers}×{self.threads}"

    @property
    def settings(self) -> str:
        """What it runs with."""
        return (
            f"own server of 60 lines; one WhisperModel, int8, cpu_threads={self.threads}, "
            f"num_workers={self.workers}, pool of 4 threads, library defaults, no VAD"
        )

    def install(self) -> None:
        """Install faster-whisper."""
        ENVIRONMENT.install()

    def versions(self) -> dict[str, str]:
        """Versions that decide its speed."""
        return ENVIRONMENT.versions(["faster-whisper", "ctranslate2", "websockets"])

    def launch(self, *, model: Path, port: int, beam: int) -> Launch:
        """Start the server beside this file."""
        server = Path(__file__).with_name("faster_whisper_pool_server.py")
        return ENVIRONMENT.launch(
            str(server),
            *("--model", str(model), "--port", str(port), "--beam", str(beam)),
            *("--workers", str(self.workers), "--threads", str(self.threads)),
        )

    async def is_ready(self, port: int) -> bool:
        """It listens when the model is loaded."""
        return await listens(port)

    async def transcribe(self, port: int, live: LiveTake) -> Heard:
        """Send the take; the one answer is its text."""
        async with opened(f"ws://127.0.0.1:{port}") as socket:
            await socket.send(json.dumps({"language": live.language}))
            async with sending(socket, live, ending="finish"):
                answer = json.loads(await socket.recv())
            now = asyncio.get_running_loop().time()
            return Heard(text=answer["text"], complete_at=now, known_at=now)
