"""`alfavoice serve` with an embedded PostgreSQL, started again whenever it dies; and its killer.

Every process is found by its id: the service was started here, its recogniser is its child, and
the database writes its own id into its folder.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx2
import psutil

from benchmarks.running import free_port

Target = Literal["service", "postmaster", "backend", "recogniser"]

SERVES_AGAIN_S: Final = 120.0
_STOP_S: Final = 60.0
_POLL_S: Final = 0.05


class NotServing(Exception):
    """The service did not come back in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill -9."""

    target: Target
    pid: int


class Served:
    """The service under test. `keep` runs beside everything else."""

    def __init__(self, folder: Path, *, settings: dict[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._seen: set[psutil.Process] = set()
        """Children and database processes, so that none is left behind."""
        self._http = httpx2.AsyncClient(timeout=5)

    async def keep(self) -> None:
        """Start it, and again when it dies, until `stop`."""
        with (self.folder / "service.log").open("ab") as log:
            while not self._stopping:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "service", "serve"),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--data-dir", str(self.folder), "--log-format", "json"),
                    *("--log-level", "warning"),
                    env=os.environ | self._settings,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self.starts += 1
                await self._process.wait()

    async def kill(self, target: Target, chance: random.Random) -> Kill | None:
        """Kill one process of this kind with -9; None: there is none now."""
        victims = self._find(target)
        if not victims:
            return None
        victim = chance.choice(victims)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
        return Kill(target=target, pid=victim.pid)

    async def serves(self, *, after: tuple[Kill, ...] = ()) -> float:
        """Wait until it is ready and what was killed is gone; give when that was (monotonic).

        Raises:
            NotServing: after two minutes it is not.
        """
        until = time.monotonic() + SERVES_AGAIN_S
        in_a_row, since = 0, time.monotonic()
        while in_a_row < 3:  # the service may not have noticed yet when it is first asked
            if time.monotonic() > until:
                raise NotServing(f"not ready {SERVES_AGAIN_S:g} s after {after}")
            if any(_runs(kill.pid) for kill in after) or not await self._is_ready():
                in_a_row = 0
            else:
                since = since if in_a_row else time.monotonic()
                in_a_row += 1
            await asyncio.sleep(_POLL_S)
        for target in ("postmaster", "backend", "recogniser"):
            self._find(target)
        return since

    async def stop(self) -> list[str]:
        """End it as an operator does; name the processes that had to be killed afterwards."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await self._http.aclose()
        _, left = await asyncio.to_thread(psutil.wait_procs, list(self._seen), 5)
        named = []
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                named.append(one.name())
                one.kill()
        return named

    def _find(self, target: Target) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
            process = self._process
            if target in ("service", "recogniser"):
                if process is None or process.returncode is not None:
                    return []
                service = psutil.Process(process.pid)
                found = [service]
                if target == "recogniser":
                    found = [one for one in service.children() if "workers" in one.cmdline()]
            else:
                lines = (self.folder / "postgres" / "postmaster.pid").read_text().splitlines()
                postmaster = psutil.Process(int(lines[0]))
                if str(self.folder / "postgres") not in " ".join(postmaster.cmdline()):
                    return []
                found = [postmaster] if target == "postmaster" else postmaster.children()
        self._seen.update(found)
        return found

    async def _is_ready(self) -> bool:
        try:
            answer = await self._http.get(f"{self.url}/health/ready")
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
