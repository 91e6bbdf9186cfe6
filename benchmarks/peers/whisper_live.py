"""Adapter: WhisperLive, which decodes each client's growing buffer again and again.

It has no message that finalises: END_OF_AUDIO closes the session without decoding what was not
decoded yet. Its passes follow one another, so the second message after the last frame comes from a
pass that began after that frame and covers all audio. The text is complete at its last change up
to then, which is a lower bound (`complete_at`); a client cannot know it before that message
(`known_at`). A pass without text sends no message, so the waits for the two have limits.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from benchmarks.contestants import Heard, Launch, LiveTake, TurnedAway
from benchmarks.peers.environments import Environment
from benchmarks.peers.listening import listens
from benchmarks.peers.sockets import opened, sending

ENVIRONMENT = Environment(
    "whisper_live",
    # PyAudio, one of its dependencies, does not build without PortAudio's headers; its server
    # does not need it, nor OpenVINO, nor openai-whisper.
    alone=["whisper-live==0.10.0"],
    packages=[
        *("faster-whisper==1.2.1", "torch", "fastapi", "uvicorn", "python-multipart"),
        *("websockets>=15", "scipy"),
    ],
)
FIRST_MESSAGE_TIMEOUT_S: Final = 30.0
SECOND_MESSAGE_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WhisperLive:
    """WhisperLive with one model for all clients, or with its batching of clients."""

    batch: bool
    shows_partials: bool = True

    @property
    def name(self) -> str:
        """Label with the variant."""
        return "WhisperLive batch" if self.batch else "WhisperLive"

    @property
    def settings(self) -> str:
        """What it runs with."""
        mode = "batch_enabled" if self.batch else "single_model (beam 5, cannot be set)"
        return f"backend faster_whisper, {mode}, max_clients=64, use_vad, int16, OMP_NUM_THREADS=2"

    def install(self) -> None:
        """Install it, without the dependencies its server does not use."""
        ENVIRONMENT.install()

    def versions(self) -> dict[str, str]:
        """Versions that decide its speed."""
        return ENVIRONMENT.versions(["whisper-live", "faster-whisper", "ctranslate2", "torch"])

    def launch(self, *, model: Path, port: int, beam: int) -> Launch:
        """Start the script beside this file."""
        server = Path(__file__).with_name("whisper_live_server.py")
        return ENVIRONMENT.launch(
            str(server),
            *("--model", str(model), "--port", str(port), "--beam", str(beam)),
            *(["--batch"] if self.batch else []),
        )

    async def is_ready(self, port: int) -> bool:
        """It listens before its model is loaded; the warm-up take waits for that."""
        return await listens(port)

    async def transcribe(self, port: int, live: LiveTake) -> Heard:
        """Send the take and wait for the second message after its end."""
        loop = asyncio.get_running_loop()
        async with opened(f"ws://127.0.0.1:{port}") as socket:
            await socket.send(
                json.dumps(
                    {
                        "uid": str(uuid4()),
                        "language": live.language,
                        "task": "transcribe",
                        "model": "base",
                        "use_vad": True,
                        "audio_format": "int16",
                    }
                )
            )
            _admitted(json.loads(await socket.recv()))
            text = ""
            changed_at = known_at = live.ended_at
            after_end = 0
            async with sending(socket, live, ending=None) as sent:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(
                        live.ended_at + FIRST_MESSAGE_TIMEOUT_S
                    ) as patience:
                        while after_end < 2:
                            message = json.loads(await socket.recv())
                            known_at = loop.time()
                            if "segments" not in message:
                                continue
                            shown = _text(message["segments"])
                            live.show(shown)
                            if shown != text:
                                text, changed_at = shown, known_at
                            if sent.is_set():
                                after_end += 1
                                patience.reschedule(known_at + SECOND_MESSAGE_TIMEOUT_S)
                if after_end < 2:
                    known_at = loop.time()
                await socket.send(b"END_OF_AUDIO")
            return Heard(text=text, complete_at=changed_at, known_at=known_at)


def _admitted(message: dict[str, Any]) -> None:
    if message.get("status") == "WAIT":
        raise TurnedAway(float(message["message"]) * 60_000)


def _text(segments: list[dict[str, Any]]) -> str:
    return " ".join(segment["text"].strip() for segment in segments).strip()
