"""Adapter: wyoming-faster-whisper, the speech server of Home Assistant, over its TCP protocol."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contestants import SAMPLE_RATE_HZ, BrokenOff, Heard, Launch, LiveTake
from benchmarks.peers.environments import Environment

ENVIRONMENT = Environment(
    "wyoming_faster_whisper", packages=["wyoming-faster-whisper==3.8.1", "faster-whisper==1.2.1"]
)
FORMAT = {"rate": SAMPLE_RATE_HZ, "width": 2, "channels": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class WyomingFasterWhisper:
    """Decodes once, at the end; finals only."""

    name: str = "wyoming-faster-whisper"
    shows_partials: bool = False
    settings: str = (
        "--stt-library faster-whisper --compute-type int8 --cpu-threads 2 --local-files-only, "
        "language told by each client"
    )

    def install(self) -> None:
        """Install it from PyPI."""
        ENVIRONMENT.install()

    def versions(self) -> dict[str, str]:
        """Versions that decide its speed."""
        return ENVIRONMENT.versions(
            ["wyoming-faster-whisper", "wyoming", "faster-whisper", "ctranslate2"]
        )

    def launch(self, *, model: Path, port: int, beam: int) -> Launch:
        """Start its own command."""
        return ENVIRONMENT.launch(
            *("-m", "wyoming_faster_whisper", "--uri", f"tcp://127.0.0.1:{port}"),
            *("--model", str(model), "--data-dir", str(ENVIRONMENT.folder / "data")),
            *("--stt-library", "faster-whisper", "--language", "auto", "--compute-type", "int8"),
            *("--beam-size", str(beam), "--cpu-threads", "2", "--local-files-only"),
        )

    async def is_ready(self, port: int) -> bool:
        """It describes itself once its model is loaded."""
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(_event("describe"))
                    return (await _read(reader))[0] == "info"
                finally:
                    writer.close()
        except (OSError, TimeoutError, BrokenOff):
            return False

    async def transcribe(self, port: int, live: LiveTake) -> Heard:
        """Send the take as audio chunks; the transcript comes after audio-stop."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            raise BrokenOff(type(error).__name__) from error
        try:
            writer.write(_event("transcribe", {"language": live.language}))
            writer.write(_event("audio-start", FORMAT))
            async for frame in live.frames():
                writer.write(_event("audio-chunk", FORMAT, frame))
                await writer.drain()
            writer.write(_event("audio-stop"))
            await writer.drain()
            while True:
                kind, fields = await _read(reader)
                if kind == "transcript":
                    now = asyncio.get_running_loop().time()
                    return Heard(text=fields.get("text", ""), complete_at=now, known_at=now)
        except OSError as error:
            raise BrokenOff(type(error).__name__) from error
        finally:
            writer.close()


def _event(kind: str, fields: Mapping[str, object] | None = None, payload: bytes = b"") -> bytes:
    """Encode an event: a JSON line, then the lengths it names."""
    body = json.dumps(fields).encode() if fields else b""
    header: dict[str, object] = {"type": kind, "version": "1.10.2"}
    if body:
        header["data_length"] = len(body)
    if payload:
        header["payload_length"] = len(payload)
    return json.dumps(header).encode() + b"\n" + body + payload


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]]:
    """Read one event and drop its payload."""
    try:
        header = json.loads(await reader.readline() or b"{}")
        body = await reader.readexactly(header.get("data_length") or 0)
        await reader.readexactly(header.get("payload_length") or 0)
    except asyncio.IncompleteReadError as error:
        raise BrokenOff("the connection ended") from error
    if not header:
        raise BrokenOff("the connection ended")
    return header["type"], {**(header.get("data") or {}), **(json.loads(body) if body else {})}
