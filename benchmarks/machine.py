"""What a run cost and what else the machine did meanwhile, so that a noisy run can be recognised."""

import contextlib
import importlib.metadata
import os
import platform
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Averages over a run, in cores, and high-water marks, in MB of 10^6 bytes."""

    seconds: float
    server_cores: float
    client_cores: float
    other_cores: float
    """Used by neither: above about 0.1 the run was disturbed."""
    steal_cores: float
    """Taken by the host of this virtual machine."""
    server_rss_mb: float
    """Sum of the resident sizes of the server's processes; shared pages count once for each."""
    server_pss_mb: float
    """The same with every shared page counted once."""
    load_1m: float


class Watch:
    """Sample the server's whole process tree and the machine until it is left.

    Args:
        pid: root of the server's process tree; 0: it is elsewhere, and only the machine is watched.
        interval_s: between samples; peaks shorter than this may be missed.
    """

    def __init__(self, pid: int, *, interval_s: float = 0.5) -> None:
        self._root = psutil.Process(pid) if pid else None
        self._interval_s = interval_s
        self._client = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_stopped, name="watch")
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._rss = 0
        self._pss = 0
        self._begun = 0.0
        self._machine = psutil.cpu_times()
        self._client_begun = 0.0

    def __enter__(self) -> "Watch":
        self._sample()
        self._first = dict(self._last)
        self._machine = psutil.cpu_times()
        self._client_begun = _cpu_s(self._client)
        self._begun = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def usage(self) -> Usage:
        """Sum up what was seen since the watch began."""
        self._sample()
        elapsed = max(1e-3, time.monotonic() - self._begun)
        now, then = psutil.cpu_times(), self._machine
        idle = (now.idle + now.iowait) - (then.idle + then.iowait)
        steal = now.steal - then.steal
        busy = (os.cpu_count() or 1) * elapsed - idle - steal
        server = sum(used - self._first.get(pid, 0.0) for pid, used in self._last.items())
        client = _cpu_s(self._client) - self._client_begun
        return Usage(
            seconds=round(elapsed, 1),
            server_cores=round(server / elapsed, 3),
            client_cores=round(client / elapsed, 3),
            other_cores=round(max(0.0, busy - server - client) / elapsed, 3),
            steal_cores=round(steal / elapsed, 3),
            server_rss_mb=round(self._rss / 1e6, 1),
            server_pss_mb=round(self._pss / 1e6, 1),
            load_1m=round(os.getloadavg()[0], 2),
        )

    def _sample_until_stopped(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._sample()

    def _sample(self) -> None:
        rss = pss = 0
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                self._last[process.pid] = _cpu_s(process)
                memory = process.memory_full_info()
                rss += memory.rss
                pss += memory.pss
        self._rss = max(self._rss, rss)
        self._pss = max(self._pss, pss)

    def _processes(self) -> list[psutil.Process]:
        if self._root is None:
            return []
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def describe_machine() -> dict[str, str | int | float]:
    """Name what figures depend on: processor, cores, memory, system."""
    processor = platform.processor()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    return {
        "processor": processor,
        "architecture": platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Give the installed versions of packages of this environment."""
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
