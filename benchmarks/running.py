"""Start a server under test and stop it again, by its own process group."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.contestants import Contestant

START_TIMEOUT_S: Final = 180.0
"""Loading torch from a cold disk and warming a model up takes half a minute at worst."""
STOP_TIMEOUT_S: Final = 40.0
LOG_TAIL_BYTES: Final = 2000


class DidNotStart(Exception):
    """A server under test ended or stayed silent; the message has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started server."""

    contestant: Contestant
    port: int
    pid: int


def free_port() -> int:
    """Give a TCP port of the loopback that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def running(contestant: Contestant, *, model: Path, beam: int) -> AsyncIterator[Running]:
    """Run a server as long as the context lasts.

    Raises:
        DidNotStart: it is not ready in time.
    """
    port = free_port()
    launch = contestant.launch(model=model, port=port, beam=beam)
    if not launch.command:
        if not await contestant.is_ready(port):
            raise DidNotStart(f"{contestant.name} is not ready")
        yield Running(contestant=contestant, port=port, pid=launch.pid)
        return
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            launch.command,
            env=os.environ | launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not await contestant.is_ready(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                    tail = log.read().decode(errors="replace")
                    raise DidNotStart(f"{contestant.name} is not ready; its last words:\n{tail}")
                await asyncio.sleep(0.2)
            yield Running(contestant=contestant, port=port, pid=process.pid)
        finally:
            await asyncio.to_thread(_stop, process)
            if launch.left_behind is not None:
                await asyncio.to_thread(shutil.rmtree, launch.left_behind, ignore_errors=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server as an operator would; then whatever it left of its process group."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
