"""The processes of several machines, on this one: NATS, workers with the scripted engine, services.

Each is started as an operator starts it, and ended by its own process group.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.listening import page
from benchmarks.running import free_port

START_S: Final = 60.0
END_S: Final = 40.0


class NotThere(Exception):
    """A process ended or did not get ready; the message has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that runs."""

    pid: int
    address: str
    """`host:port`, or a URL for NATS; empty for a worker, which listens nowhere."""


@asynccontextmanager
async def nats_server() -> AsyncIterator[Process]:
    """Run the NATS server of the wheel, without storage, as long as the context lasts."""
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.is_file() else shutil.which("nats-server")
    if program is None:
        raise NotThere("nats-server is not installed: `uv sync --group test` brings it")
    port = free_port()
    command = [program, "-a", "127.0.0.1", "-p", str(port)]
    # It sizes itself by the cores it sees; on a real installation it has some of its own.
    async with _running(command, {"GOMAXPROCS": "1"}) as process:
        await _until(lambda: _listens(port), process)
        yield Process(pid=process.pid, address=f"nats://127.0.0.1:{port}")


def script(folder: Path, *, work_s_per_audio_s: float) -> Path:
    """Write what the engine does: takes time, says something derived from the audio."""
    path = folder / "script.json"
    path.write_text(json.dumps({"work_s_per_audio_s": work_s_per_audio_s}))
    return path


@asynccontextmanager
async def worker(nats: str, *, lanes: int, script_path: Path | None = None) -> AsyncIterator[int]:
    """Run `alfavoice worker` with the scripted engine; give its process id once it is ready."""
    environment = {
        "ALFAVOICE_ENGINE": "scripted",
        "ALFAVOICE_LANES": str(lanes),
        "ALFAVOICE_DEVICE": "cpu",
        "ALFAVOICE_PUNCTUATION": "off",
    }
    if script_path is not None:
        environment["ALFAVOICE_SCRIPT"] = str(script_path)
    command = [_alfavoice(), "worker", "--nats", nats, "--log-level", "warning"]
    async with _running(command, environment) as process:
        await _until(lambda: bool(process.stdout and process.stdout.readline()), process)
        yield process.pid


@asynccontextmanager
async def service(changes: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run `alfavoice serve` on a fresh data folder until the context ends.

    Args:
        changes: settings without their prefix, besides the port.
    """
    port = free_port()
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="alfavoice-fleet-")
    command = [
        *(_alfavoice(), "serve", "--host", "127.0.0.1", "--port", str(port)),
        *("--data-dir", folder, "--log-level", "warning"),
    ]
    environment = {f"ALFAVOICE_{name}": value for name, value in changes.items()}
    try:
        async with _running(command, environment) as process:
            until = time.monotonic() + START_S
            while await page(f"http://127.0.0.1:{port}/health/ready") is None:
                _check(process, until)
                await asyncio.sleep(0.2)
            yield Process(pid=process.pid, address=f"127.0.0.1:{port}")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _alfavoice() -> str:
    return str(Path(sys.executable).with_name("alfavoice"))


@asynccontextmanager
async def _running(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        except NotThere as exc:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
            raise NotThere(
                f"{exc}; its last words:\n{log.read().decode(errors='replace')}"
            ) from None
        finally:
            await asyncio.to_thread(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def _until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while not await asyncio.to_thread(happened):
        _check(process, until)
        await asyncio.sleep(0.05)


def _check(process: subprocess.Popen[bytes], until: float) -> None:
    if process.poll() is not None or time.monotonic() > until:
        raise NotThere(f"{Path(str(process.args[0])).name} is not ready")  # type: ignore[index]
