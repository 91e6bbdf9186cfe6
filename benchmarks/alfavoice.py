"""AlfaVoice under test: `alfavoice serve` with a fresh data folder, and a lean client.

The client of the product (service/client) resumes, forgets and re-reads; this one only speaks,
so that a hundred of it cost little of the processor they share with the server.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from benchmarks.contestants import BrokenOff, Heard, Launch, LiveTake, TurnedAway
from benchmarks.machine import versions
from benchmarks.peers.listening import page
from benchmarks.peers.sockets import opened, sending
from models.registry import ModelRegistry
from service.dictation import wire

MODEL: Final = "base"


def installed_model() -> Path:
    """Give the folder of Whisper base, installing it into the benchmarks' cache at first."""
    models = ModelRegistry(_models_folder())
    if models.active() is None:
        models.pull(MODEL)
        models.use(MODEL)
    model = models.active()
    if model is None:
        raise BrokenOff("the model was taken away while it was being installed")
    return model.path


def _models_folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "alfavoice" / "benchmark-models"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlfaVoice:
    """The server of this repository.

    Args:
        changes: settings that differ from the defaults, without their prefix.
        address: `host:port` of a server that runs already; empty: one is started.
        pid: of that server, to see what it uses; 0: not known, and its usage reads 0.
    """

    changes: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    pid: int = 0
    name: str = "AlfaVoice"
    shows_partials: bool = True

    @property
    def settings(self) -> str:
        """What it runs with."""
        if self.address:
            return "a server that ran already; sessions without word times"
        changed = ", ".join(f"{name.lower()}={value}" for name, value in self.changes.items())
        return (
            f"alfavoice serve, defaults{', ' + changed if changed else ''}; "
            "embedded PostgreSQL, sessions without word times"
        )

    def install(self) -> None:
        """Install its model; the rest is this environment."""
        installed_model()

    def versions(self) -> dict[str, str]:
        """Versions that decide its speed."""
        return versions(["alfavoice", "ctranslate2", "onnxruntime", "uvicorn", "websockets"])

    def launch(self, *, model: Path, port: int, beam: int) -> Launch:
        """Start the command of this environment on a data folder of its own.

        The model is found in that folder, so `model` only has to be the one installed there.
        """
        if self.address:
            return Launch(command=[], environment={}, pid=self.pid)
        if model != installed_model():
            raise ValueError("AlfaVoice runs on the model that the benchmarks installed")
        folder = Path(tempfile.mkdtemp(prefix="alfavoice-benchmark-"))
        (folder / "models").symlink_to(_models_folder(), target_is_directory=True)
        changes = {f"ALFAVOICE_{name}": value for name, value in self.changes.items()}
        return Launch(
            command=[
                *(str(Path(sys.executable).with_name("alfavoice")), "serve"),
                *("--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)),
                *("--beam", str(beam), "--log-level", "warning"),
            ],
            environment=changes,
            left_behind=folder,
        )

    def _address(self, port: int) -> str:
        return self.address or f"127.0.0.1:{port}"

    async def is_ready(self, port: int) -> bool:
        """Its readiness page answers 200 when the recogniser is warm."""
        return await page(f"http://{self._address(port)}/health/ready") is not None

    async def transcribe(self, port: int, live: LiveTake) -> Heard:
        """Speak one session of protocol `alfavoice.v1`."""
        url = f"ws://{self._address(port)}/v1/stream"
        async with opened(url, wire.SUBPROTOCOL) as socket:
            start = wire.Start(
                language=live.language,
                partials=live.partials,
                words=False,
                client=wire.ClientProgram(name="alfavoice-benchmark"),
            )
            await socket.send(wire.encode(start))
            await _ready(socket)
            finish = wire.encode(wire.Finish(samples=live.samples))
            async with sending(socket, live, ending=finish):
                text = await _done(socket, live)
            now = asyncio.get_running_loop().time()
        return Heard(text=text, complete_at=now, known_at=now)


async def _ready(socket: ClientConnection) -> None:
    while not isinstance(await _message(socket), wire.Ready):
        pass


async def _done(socket: ClientConnection, live: LiveTake) -> str:
    while True:
        message = await _message(socket)
        if isinstance(message, wire.Partial):
            live.show(message.stable + message.tail)
        elif isinstance(message, wire.Done):
            return message.text


async def _message(socket: ClientConnection) -> wire.ServerMessage:
    """Receive one message; a refusal and a loss become what the load knows."""
    try:
        message = wire.decode_server(await socket.recv())
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 1006
        if code in {wire.CloseCode.OVERLOADED, wire.CloseCode.TOO_MANY_SESSIONS}:
            raise TurnedAway(None) from closed
        raise BrokenOff(f"closed {code}") from closed
    if isinstance(message, wire.ErrorMessage):
        with contextlib.suppress(ConnectionClosed):
            await socket.close()
        if message.retry_after_ms is not None:
            raise TurnedAway(message.retry_after_ms)
        raise BrokenOff(message.code)
    return message
