"""One supervised engine process: started, watched, restarted, ended.

    start ──► loading ──ready──► serving ──crash, hang or nonsense──► back-off ──► start
                 │                                                        ▲
                 ├──unusable──► for good                                  │
                 └──too slow, ended────────────────────────────────────────┘

A CUDA error may poison or kill its process (faster-whisper #71, CTranslate2 #1782), and a native
crash takes everything with it; so a recogniser never runs inside the service. What was in flight
when the process ended raises `EngineFailed` at once, and the runner tries it again.
"""

import asyncio
import os
import random
import re
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from workers import frames
from workers.contract.audio import seconds
from workers.contract.engine import EngineDescription, Job, Outcome
from workers.contract.errors import EngineFailed, EngineUnusable, InvalidRequest
from workers.engines import EngineOptions

log = structlog.get_logger()

LEAVE_S: Final = 1.0
"""Longest wait for a process that was told by its closed socket; loading ones do not listen."""

_ALLOCATOR: Final = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 1024 * 1024),
}
"""For glibc, which otherwise keeps what decoding let go of: a burst of 200 sessions peaked at 1526 MB
without and 1347 MB with these, in the same time (2026-11-21)."""
_EXCEPTION_NAME: Final = re.compile(rb"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt))\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """How patient the supervisor is. Seconds, but for `watchdog_factor`."""

    ready_s: float = 180.0
    """Loading and warming up; large-v3 from a slow disk takes a minute."""
    watchdog_base_s: float = 30.0
    watchdog_factor: float = 10.0
    """A batch may take base + factor × its encoder windows. Generous: large-v3 on one CPU core
    needs about 3 s a second; only a hang is meant to be caught."""
    restart_base_s: float = 0.2
    restart_cap_s: float = 30.0
    """Back-off before a restart: doubles from base to cap, each time half of it at random."""
    healthy_s: float = 60.0
    """A process that served this long starts the back-off anew."""
    stop_s: float = 5.0
    """From SIGTERM to SIGKILL; before, it is given a moment to leave by itself."""
    failures_in_a_row: int = 2
    """Batches that raised, one after another, after which the process is replaced."""


class EngineProcess:
    """A recogniser in a process of its own. Use it from one event loop."""

    def __init__(
        self,
        options: EngineOptions,
        supervision: Supervision,
        *,
        clock: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self._options = options
        self._supervision = supervision
        self._clock = clock
        self._chance = chance
        self._description: EngineDescription | None = None
        self._failure: EngineUnusable | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._decided = asyncio.Event()  # ready, or unusable for good
        self._in_flight: dict[int, asyncio.Future[list[Outcome]]] = {}
        self._batches = 0
        self._raised = 0
        self._starts = 0

    @property
    def lanes(self) -> int:
        """Batches it can recognise at once when it is ready."""
        return self._options.lanes

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._options.device

    @property
    def ready(self) -> bool:
        """Whether it is loaded, warmed up and reachable."""
        return self._writer is not None

    @property
    def description(self) -> EngineDescription | None:
        """What it is; None until it was ready for the first time."""
        return self._description

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self._starts - 1)

    @property
    def pid(self) -> int | None:
        """Id of the running process; None between two of them."""
        return None if self._process is None else self._process.pid

    async def wait_ready(self) -> None:
        """Wait until it is ready.

        Raises:
            EngineUnusable: it never will be.
        """
        await self._decided.wait()
        if self._failure is not None:
            raise self._failure

    async def recognise(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Recognise a batch.

        Args:
            jobs: 1 or more jobs with equal plans.

        Returns:
            One outcome a job, in the same order.

        Raises:
            EngineFailed: the process ended, hung or raised, or is not ready.
        """
        writer = self._writer
        if writer is None:
            raise EngineFailed("the recogniser is not ready")
        self._batches += 1
        number = self._batches
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._in_flight[number] = answer
        try:
            async with asyncio.timeout(self._patience_s(jobs)):
                writer.write(frames.frame(frames.Recognise(batch=number, jobs=list(jobs))))
                await writer.drain()
                outcomes = await answer
        except TimeoutError as exc:
            log.warning("engine_hung", device=self.device, windows=len(jobs))
            self._kill()
            raise EngineFailed("the recogniser hung and was ended") from exc
        except OSError as exc:
            raise EngineFailed("the recogniser ended") from exc
        finally:
            del self._in_flight[number]
            if answer.done() and not answer.cancelled():
                answer.exception()  # looked at, should a cancellation have overtaken it
        if [outcome.request for outcome in outcomes] != [job.request.id for job in jobs]:
            self._kill()
            raise EngineFailed("the recogniser answered something else than it was asked")
        return outcomes

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep a process running until cancelled, or until it is found unusable.

        Args:
            changed: called whenever `ready` changed.
        """
        short_lives = 0
        while True:
            self._starts += 1
            self._raised = 0
            started_at = self._clock()
            served_s = await self._live(changed)
            if self._failure is not None:
                log.error("engine_unusable", device=self.device, code=self._failure.code)
                self._decided.set()
                changed()
                return
            short_lives = 1 if served_s >= self._supervision.healthy_s else short_lives + 1
            delay_s = self._back_off_s(short_lives)
            log.warning(
                "engine_ended",
                device=self.device,
                lived_s=round(self._clock() - started_at, 1),
                restart_in_s=round(delay_s, 2),
            )
            await asyncio.sleep(delay_s)

    async def _live(self, changed: Callable[[], None]) -> float:
        """Run one process from start to end; give the seconds it served."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the service, which then drains
                env={**_ALLOCATOR, **os.environ},
            )
        except OSError:
            ours.close()
            log.exception("engine_not_started", device=self.device)
            return 0.0
        finally:
            theirs.close()
        self._process = process
        ready_at: float | None = None
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_connection(sock=ours)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen_to_stderr(process))
                if await self._started(reader):
                    ready_at = self._clock()
                    self._writer = writer
                    self._decided.set()
                    changed()
                    await self._serve(reader)
                self._lost(changed)
                await self._end(process, writer)
        finally:
            self._lost(changed)
            await self._end(process, writer)
            await _close(writer, ours, process)
            self._process = None
        return 0.0 if ready_at is None else self._clock() - ready_at

    async def _started(self, reader: asyncio.StreamReader) -> bool:
        """Wait for the process to say that it is ready."""
        try:
            async with asyncio.timeout(self._supervision.ready_s):
                message = await self._read(reader)
        except TimeoutError:
            log.warning("engine_start_timed_out", device=self.device)
            return False
        match message:
            case frames.Started():
                self._description = message.description
                log.info("engine_ready", device=self.device, model=message.description.model)
                return True
            case frames.Unusable():
                self._failure = EngineUnusable(message.code, message.message, **message.details)
        return False

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        """Hand out what the process says, until it ends or talks nonsense."""
        while True:
            match await self._read(reader):
                case frames.Recognised(batch=number, outcomes=outcomes):
                    self._raised = 0
                    answer = self._in_flight.get(number)
                    if answer is not None and not answer.done():
                        answer.set_result([wrapped.outcome for wrapped in outcomes])
                case frames.Broken(batch=number, exception=exception):
                    log.warning("engine_raised", device=self.device, error=exception)
                    self._fail(number, "the recogniser raised")
                    self._raised += 1
                    if self._raised >= self._supervision.failures_in_a_row:
                        return
                case _:
                    return

    async def _read(self, reader: asyncio.StreamReader) -> frames.FromEngine | None:
        """Read a message; None when the process ended or what it says cannot be read."""
        try:
            header = await reader.readexactly(frames.HEADER.size)
            body = await reader.readexactly(frames.length_of(header))
            return frames.decode_from_engine(body)
        except (asyncio.IncompleteReadError, OSError):
            return None
        except InvalidRequest:
            log.warning("engine_unreadable", device=self.device)
            return None

    async def _listen_to_stderr(self, process: asyncio.subprocess.Process) -> None:
        """Log that the process wrote something, never what: it may hold speech or paths."""
        if process.stderr is None:
            return
        while chunk := await process.stderr.read(64 * 1024):
            found = [_EXCEPTION_NAME.match(line) for line in chunk.splitlines()]
            log.warning(
                "engine_wrote",
                device=self.device,
                lines=len(found),
                exceptions=sorted({match[1].decode() for match in found if match}),
            )

    def _lost(self, changed: Callable[[], None]) -> None:
        """Stop offering the process and fail what it holds."""
        if self._writer is not None:
            self._writer = None
            self._decided.clear()
            changed()
        for number in list(self._in_flight):
            self._fail(number, "the recogniser ended")

    def _fail(self, number: int, message: str) -> None:
        answer = self._in_flight.get(number)
        if answer is not None and not answer.done():
            answer.set_exception(EngineFailed(message))

    def _kill(self) -> None:
        """End the process at once; `_serve` notices the closed socket."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _end(
        self, process: asyncio.subprocess.Process, writer: asyncio.StreamWriter | None
    ) -> None:
        """Let the process see the closed socket, then ask it to end, then make it.

        It is asked only after a moment: a signal to a process that is just ending on its own makes
        asyncio lose its return code.
        """
        if writer is not None:
            writer.close()
        steps: tuple[tuple[Callable[[], None] | None, float | None], ...] = (
            (None, LEAVE_S),
            (process.terminate, self._supervision.stop_s),
            (process.kill, None),
        )
        for step, patience_s in steps:
            if process.returncode is not None:
                return
            with suppress(ProcessLookupError, TimeoutError):
                if step is not None:
                    step()
                async with asyncio.timeout(patience_s):
                    await process.wait()

    def _patience_s(self, jobs: Sequence[Job]) -> float:
        work_s = sum(seconds(job.plan.window_samples) for job in jobs)
        return self._supervision.watchdog_base_s + self._supervision.watchdog_factor * work_s

    def _back_off_s(self, short_lives: int) -> float:
        doubled = self._supervision.restart_base_s * 2.0 ** min(short_lives - 1, 30)
        longest = min(self._supervision.restart_cap_s, doubled)
        return longest * (0.5 + self._chance.random() / 2)

    def _command(self, fd: int) -> list[str]:
        options = self._options
        command = [
            # -P: what lies in the working directory is not ours to import.
            *(sys.executable, "-P", "-m", "workers"),
            *("--fd", str(fd)),
            *("--engine", options.engine),
            *("--device", options.device),
            *("--compute-type", options.compute_type),
            *("--lanes", str(options.lanes)),
            *("--beam", str(options.beam)),
        ]
        if options.model_dir is not None:
            command += ["--model-dir", str(options.model_dir)]
        if options.model is not None:
            command += ["--model", options.model]
        if options.script is not None:
            command += ["--script", str(options.script)]
        return command


async def _close(
    writer: asyncio.StreamWriter | None,
    ours: socket.socket,
    process: asyncio.subprocess.Process,
) -> None:
    """Give back the socket and the pipe of an ended process."""
    if writer is None:
        ours.close()
    else:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if process.stderr is not None:
        await process.stderr.read()
