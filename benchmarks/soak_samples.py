"""What all processes of a soak hold at a moment: memory, files, sockets, tasks, connections, lanes."""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.soak_served import Served

EVERY_S: Final = 10.0
_TIMEOUT_S: Final = 8.0

_OF_THE_SERVICE: Final = {
    "tasks": "alfavoice_event_loop_tasks",
    "sessions": "alfavoice_sessions_open",
    "session_sockets": "alfavoice_sockets_open",
    "busy_lanes": "alfavoice_busy_lanes",
    "ready_lanes": "alfavoice_ready_lanes",
    "waiting": "alfavoice_waiting_requests",
    "engine_s": "alfavoice_batch_recognise_seconds_sum",
    "finals": "alfavoice_utterances_total",
    "audio_s": "alfavoice_audio_recognised_seconds_total",
    "recordings_audio_s": "alfavoice_recordings_transcribed_seconds_total",
    "given_up": "alfavoice_utterances_given_up_total",
}
_OF_THE_WORKER: Final = {
    "worker_tasks": "alfavoice_event_loop_tasks",
    "worker_busy_lanes": "alfavoice_worker_busy_lanes",
    "engine_restarts": "alfavoice_worker_engine_restarts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one process, or some of one kind, hold. Memory in bytes."""

    processes: int
    rss: int
    pss: int
    """Pages shared by several processes are parted among them."""
    uss: int
    """Only what would be free if it ended."""
    files: int
    """Open file descriptors; sockets among them."""
    sockets: int
    threads: int
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at everything."""

    at_s: float
    """Since the beginning of the load; of those before it, since the first look."""
    phase: str
    """`before`, `load`, `after`."""
    held: Mapping[str, Held]
    """By role: service, worker, recogniser, nats, postgres, decoders."""
    figures: Mapping[str, float]


class Sampler:
    """Looks, and writes every look to a file at once."""

    def __init__(self, served: Served, raw: Path) -> None:
        self._served = served
        self._raw = raw
        self._http = httpx2.AsyncClient(timeout=_TIMEOUT_S)
        self.samples: list[Sample] = []
        self.begun = time.monotonic()
        self.phase = "before"

    async def keep_looking(self) -> None:
        """Look every ten seconds until cancelled."""
        due = time.monotonic()
        while True:
            await self.look()
            due += EVERY_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def look(self) -> Sample:
        """Take one sample."""
        service, worker, nats = await asyncio.gather(
            self._metrics(self._served.url),
            self._metrics(self._served.worker_url),
            self._http.get(f"{self._served.nats_url}/varz"),
        )
        held = await asyncio.to_thread(self._held)
        figures = {name: service.get(metric, 0.0) for name, metric in _OF_THE_SERVICE.items()}
        figures |= {name: worker.get(metric, 0.0) for name, metric in _OF_THE_WORKER.items()}
        pool = "alfavoice_database_connections"
        figures |= {
            f"pool_{state}": service.get(f"{pool}:{state}", 0.0) for state in ("open", "in_use")
        }
        varz = nats.json()
        figures |= {
            "nats_connections": varz["connections"],
            "nats_subscriptions": varz["subscriptions"],
            "nats_slow_consumers": varz["slow_consumers"],
        }
        sample = Sample(
            at_s=round(time.monotonic() - self.begun, 2),
            phase=self.phase,
            held=held,
            figures=figures,
        )
        self.samples.append(sample)
        with self._raw.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(sample)) + "\n")
        return sample

    async def leave(self) -> None:
        """Close the connections; those count at the service."""
        await self._http.aclose()

    async def _metrics(self, url: str) -> dict[str, float]:
        """Give each metric summed over its labels, and those of the pool by state."""
        text = (await self._http.get(f"{url}/metrics")).text
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for one in family.samples:
                found[one.name] = found.get(one.name, 0.0) + one.value
                if state := one.labels.get("state"):
                    found[f"{one.name}:{state}"] = one.value
        return found

    def _held(self) -> dict[str, Held]:
        roles: dict[str, list[psutil.Process]] = {
            "service": [self._served.service],
            "worker": [self._served.worker],
            "nats": [self._served.nats],
            "recogniser": [], "decoders": [], "postgres": [],
        }  # fmt: skip
        with contextlib.suppress(psutil.Error):
            roles["recogniser"] = self._served.worker.children()
        with contextlib.suppress(psutil.Error):
            postmaster = self._served.postmaster
            roles["postgres"] = [postmaster, *postmaster.children()]
            known = set(roles["postgres"])
            roles["decoders"] = [
                one for one in self._served.service.children(recursive=True) if one not in known
            ]
        return {role: _sum(processes) for role, processes in roles.items()}


def _sum(processes: list[psutil.Process]) -> Held:
    total: dict[str, Any] = dict.fromkeys(
        ("processes", "rss", "pss", "uss", "files", "sockets", "threads"), 0
    )
    cpu_s = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):  # it may have ended
            memory, times = process.memory_full_info(), process.cpu_times()
            files = list(Path(f"/proc/{process.pid}/fd").iterdir())
            sockets = 0
            for file in files:
                with contextlib.suppress(OSError):
                    sockets += str(file.readlink()).startswith("socket:")
            total["processes"] += 1
            total["rss"] += memory.rss
            total["pss"] += memory.pss
            total["uss"] += memory.uss
            total["files"] += len(files)
            total["sockets"] += sockets
            total["threads"] += process.num_threads()
            cpu_s += times.user + times.system
    return Held(**total, cpu_s=round(cpu_s, 2))
