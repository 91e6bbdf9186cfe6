"""What a soak runs: NATS, a service with its PostgreSQL, and a worker, each a real process.

Every process is found by its id: three were started here, the recogniser is the worker's child, the
decoders of recordings are the service's, and the database writes its id into its folder.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.running import free_port

START_S: Final = 120.0
STOP_S: Final = 60.0
_POLL_S: Final = 0.1


class SoakFailed(Exception):
    """What is to be watched does not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Everything that runs."""

    url: str
    """Of the service."""
    worker_url: str
    """Where the worker says how it is."""
    nats_url: str
    """Where NATS does."""
    invitation: str
    """With which the first administrator makes their account."""
    service: psutil.Process
    worker: psutil.Process
    nats: psutil.Process
    postmaster: psutil.Process
    left_behind: list[str]
    """After the end: names of the processes that had to be killed."""


@asynccontextmanager
async def served(folder: Path, *, settings: dict[str, str]) -> AsyncIterator[Served]:
    """Run everything in an empty folder until the end of the block.

    Raises:
        SoakFailed: something does not start.
    """
    ports = {name: free_port() for name in ("nats", "monitoring", "service", "worker")}
    started: list[tuple[str, subprocess.Popen[bytes]]] = []
    environment = os.environ | settings | {
        "ALFAVOICE_NATS_URL": f"nats://127.0.0.1:{ports['nats']}",
        "ALFAVOICE_LANGUAGE": "en",
    }  # fmt: skip

    def start(name: str, *command: str | Path) -> psutil.Process:
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        started.append((name, process))
        return psutil.Process(process.pid)

    async def until(name: str, pattern: str) -> str:
        log, deadline = folder / f"{name}.log", time.monotonic() + START_S
        process = dict(started)[name]
        while not (found := re.search(pattern, log.read_text("utf-8", "replace"))):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SoakFailed(f"{name} did not start; its log is {log}")
            await asyncio.sleep(_POLL_S)
        return found.group(1)

    everything: set[psutil.Process] = set()
    left_behind: list[str] = []
    (folder / "nats.conf").write_text(
        f'listen: "127.0.0.1:{ports["nats"]}"\nhttp: "127.0.0.1:{ports["monitoring"]}"\n'
    )
    alfavoice = (sys.executable, "-m", "service")
    try:
        nats = start("nats", _nats_program(), "-c", folder / "nats.conf")
        await until("nats", r"(Server is ready)")
        service = start(
            "service", *alfavoice, "serve", "--host", "127.0.0.1", "--port", str(ports["service"]),
            "--data-dir", folder, "--log-format", "json", "--log-level", "warning",
        )  # fmt: skip
        worker = start(
            "worker", *alfavoice, "worker", "--data-dir", folder, "--metrics", str(ports["worker"]),
            "--log-format", "json", "--log-level", "warning",
        )  # fmt: skip
        invitation = await until("service", r"/welcome#([\w-]+)")
        await until("worker", r"(Ready)")
        postmaster = psutil.Process(
            int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        )
        everything |= {postmaster, *worker.children(recursive=True)}
        yield Served(
            url=f"http://127.0.0.1:{ports['service']}",
            worker_url=f"http://127.0.0.1:{ports['worker']}",
            nats_url=f"http://127.0.0.1:{ports['monitoring']}",
            invitation=invitation,
            service=service,
            worker=worker,
            nats=nats,
            postmaster=postmaster,
            left_behind=left_behind,
        )
    finally:
        for _, process in started:
            with contextlib.suppress(psutil.Error):
                everything |= set(psutil.Process(process.pid).children(recursive=True))
        for name, process in reversed(started):
            if not await asyncio.to_thread(_stopped, process):
                left_behind.append(name)
        _, left = await asyncio.to_thread(psutil.wait_procs, list(everything), 10)
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                left_behind.append(one.name())
                one.kill()


def _stopped(process: subprocess.Popen[bytes]) -> bool:
    """End a process as an operator does; whether it went by itself."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def _nats_program() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if not found:
        raise SoakFailed("no nats-server here: install the test group (make soak does)")
    return found
