"""Adapter: WhisperLiveKit with its LocalAgreement policy, the one that runs on faster-whisper.

The text is complete at the last change of what it shows (`complete_at`); a client knows it when
`ready_to_stop` comes (`known_at`).
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contestants import BrokenOff, Heard, Launch, LiveTake
from benchmarks.peers.environments import Environment
from benchmarks.peers.listening import json_page
from benchmarks.peers.sockets import opened, sending

ENVIRONMENT = Environment(
    "whisperlivekit", packages=["whisperlivekit==0.2.26", "faster-whisper==1.2.1"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhisperLiveKit:
    """Shows partials all the time; its beam of 5 and its word timestamps cannot be set."""

    name: str = "WhisperLiveKit"
    shows_partials: bool = True
    settings: str = (
        "--backend faster-whisper --backend-policy localagreement --pcm-input, VAC and VAD on, "
        "compute type auto and beam 5 (cannot be set), OMP_NUM_THREADS=2"
    )

    def install(self) -> None:
        """Install it with all it declares (torch with its CUDA libraries: 5 GB)."""
        ENVIRONMENT.install()

    def versions(self) -> dict[str, str]:
        """Versions that decide its speed."""
        return ENVIRONMENT.versions(["whisperlivekit", "faster-whisper", "ctranslate2", "torch"])

    def launch(self, *, model: Path, port: int, beam: int) -> Launch:
        """Start its own command."""
        return ENVIRONMENT.launch(
            *("-m", "whisperlivekit.basic_server", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend", "faster-whisper", "--backend-policy", "localagreement"),
            *("--model_dir", str(model), "--language", "auto", "--pcm-input"),
            *("--warmup-file", "", "--log-level", "WARNING"),
        )

    async def is_ready(self, port: int) -> bool:
        """Its health page says when the model is loaded."""
        return bool((await json_page(f"http://127.0.0.1:{port}/health")).get("ready"))

    async def transcribe(self, port: int, live: LiveTake) -> Heard:
        """Send the take, an empty frame, and listen until it is ready to stop."""
        loop = asyncio.get_running_loop()
        async with opened(f"ws://127.0.0.1:{port}/asr?language={live.language}") as socket:
            text = ""
            changed_at = live.ended_at
            async with sending(socket, live, ending=b""):
                while True:
                    message: dict[str, Any] = json.loads(await socket.recv())
                    if message.get("type") == "ready_to_stop":
                        return Heard(text=text, complete_at=changed_at, known_at=loop.time())
                    if message.get("type") == "error" or message.get("error"):
                        raise BrokenOff("the server reported an error")
                    if "lines" not in message:
                        continue
                    shown = _text(message)
                    live.show(shown)
                    if shown != text:
                        text, changed_at = shown, loop.time()


def _text(message: dict[str, Any]) -> str:
    lines = [line.get("text") or "" for line in message["lines"]]
    parts = [*lines, message.get("buffer_transcription") or ""]
    return " ".join(part.strip() for part in parts if part.strip())
