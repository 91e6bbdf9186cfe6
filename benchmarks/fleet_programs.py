"""The programs of a fleet: each is started again when it ends, as by systemd, and can be wronged.

Everything is found by the id of the process that was started here, or that PostgreSQL wrote down.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import asyncpg
import psutil

from service.storage.cluster import Cluster
from service.storage.embedded import EmbeddedPostgres

AGAIN_S: Final = 0.3
"""From the end of a program to its next start."""
UP_S: Final = 120.0
"""Longest start that is waited for; two busy cores take half a minute to load a service."""
_POLL_S: Final = 0.05
_STOP_S: Final = 40.0


class NotUp(Exception):
    """A program did not come up in time."""


class Wrongable(Protocol):
    """A program to which things can be done."""

    name: str

    def kill(self) -> None:
        """Kill it with -9."""
        ...

    def restart(self) -> None:
        """Ask it to end, as for an update; it comes back by itself."""
        ...

    def freeze(self) -> None:
        """Let it do nothing, until `thaw`."""
        ...

    def thaw(self) -> None:
        """Let it go on."""
        ...

    async def up(self) -> None:
        """Wait until it works, started anew since it was last killed or restarted.

        Raises:
            NotUp: it takes too long.
        """
        ...


class Program:
    """One program; `keep` runs beside everything else."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        is_up: Callable[[str], Awaitable[bool]],
        ending: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Take what to start.

        Args:
            name: as reports name it.
            command: with its arguments.
            environment: changes to ours.
            log: a file for what it prints.
            is_up: whether it works, given what it printed since this start.
            ending: what asks it to end.
        """
        self.name = name
        self.starts = 0
        self._command = command
        self._environment = environment
        self._log = log
        self._is_up = is_up
        self._ending = ending
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None
        self._log_from = 0
        self._due = 1
        """Number of the start that `up` waits for."""

    async def keep(self) -> None:
        """Start it, and again when it ends, until `stop`."""
        while not self._stopping:
            with self._log.open("ab") as log:
                self._log_from = log.tell()
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env=os.environ | self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.starts += 1
            await self._process.wait()
            with contextlib.suppress(ProcessLookupError):  # what it leaves behind, as systemd does
                os.killpg(self._process.pid, signal.SIGKILL)
            if not self._stopping:
                await asyncio.sleep(AGAIN_S)

    @property
    def printed(self) -> str:
        """What it printed since this start."""
        with self._log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill it with -9."""
        self._due = self.starts + 1
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Ask it to end."""
        self._due = self.starts + 1
        self._signal(self._ending)

    def freeze(self) -> None:
        """Stop the whole group, as a machine that hangs."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    async def up(self) -> None:
        """See `Wrongable.up`."""
        until = time.monotonic() + UP_S
        while self.starts < self._due or not await self._is_up(self.printed):
            if time.monotonic() > until:
                raise NotUp(f"{self.name} is not up after {UP_S:g} s:\n{self.printed[-2000:]}")
            await asyncio.sleep(_POLL_S)

    async def stop(self) -> bool:
        """End it for good; say whether it ended by itself."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return True
        self.thaw()
        self._signal(self._ending)
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class Database:
    """A PostgreSQL server of its own, reached through a Unix socket."""

    name = "postgres"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = EmbeddedPostgres(folder)
        self._cluster = Cluster(folder / "postgres")
        self._dsn = ""
        self._before: int | None = None

    async def start(self) -> Path:
        """Start it; from now on it is started again whenever it ends. Give its socket."""
        self._dsn = await asyncio.to_thread(self._server.enter)
        postmaster = self._cluster.postmaster()
        if postmaster is None:
            raise NotUp("PostgreSQL ended at once")
        (found,) = [
            each for each in postmaster.socket_folder.glob(".s.PGSQL.*") if each.is_socket()
        ]
        return found

    def kill(self) -> None:
        """Kill the postmaster with -9; its backends notice and end."""
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Ask for a fast shutdown, as an update of the package does."""
        self._signal(signal.SIGINT)

    def freeze(self) -> None:
        """Stop the server with all its backends."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let all of them go on."""
        self._signal_all(signal.SIGCONT)

    async def up(self) -> None:
        """See `Wrongable.up`."""
        until = time.monotonic() + UP_S
        while not await self._answers():
            if time.monotonic() > until:
                raise NotUp(f"{self.name} is not up after {UP_S:g} s")
            await asyncio.sleep(_POLL_S)

    async def stop(self) -> bool:
        """End it for good."""
        self.thaw()
        await asyncio.to_thread(self._server.leave)
        return self._cluster.postmaster() is None

    async def _answers(self) -> bool:
        postmaster = self._cluster.postmaster()
        if postmaster is None or postmaster.pid == self._before or not postmaster.is_ready:
            return False
        try:
            connection = await asyncpg.connect(self._dsn, timeout=1)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close(timeout=1)
        return True

    def _signal(self, number: signal.Signals) -> None:
        postmaster = self._cluster.postmaster()
        self._before = postmaster.pid if postmaster else self._before
        if postmaster:
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster.pid, number)

    def _signal_all(self, number: signal.Signals) -> None:
        postmaster = self._cluster.postmaster()
        if postmaster is None:
            return
        with contextlib.suppress(psutil.Error):
            main = psutil.Process(postmaster.pid)
            # The postmaster first when it stops, so that it makes no more; last when it goes on.
            group = [main, *main.children()]
            for one in group if number == signal.SIGSTOP else reversed(group):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(number)
