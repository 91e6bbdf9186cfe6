"""The loops that work on recordings beside the routes of every copy of the service.

    checkers  compare the SHA-256 of what was uploaded
    workers   turn recordings into transcripts
    sweeper   deletes audio whose time has come, and uploads nobody goes on with

The database says who does what: a job is leased, and the lease renewed while it is worked on.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from service.problems import StoreUnavailable
from service.recordings.attempts import Attempts, Progress
from service.recordings.recording import State
from service.recordings.signals import Signals
from service.storage.recording_jobs import (
    CHECKS,
    TRANSCRIPTIONS,
    Lease,
    LeaseLost,
    RecordingJobs,
)
from service.storage.recordings import RecordingStore

log = structlog.get_logger()

LEASE_S: Final = 30.0
"""After how long a job of a worker that says nothing is somebody else's."""
_RENEWED_S: Final = 10.0
_PROGRESS_S: Final = 1.0
"""Progress is written at most this often."""
_PROGRESS_STEP: Final = 0.001
_CHECKERS: Final = 2
_SWEEP_S: Final = 60.0
_ABANDONED: Final = timedelta(days=30)
"""Uploads nobody went on with for so long count against their owner's limit for nothing."""
_AFTER_FAILURE_S: Final = 1.0


class RecordingWork:
    """The loops of one process."""

    def __init__(
        self,
        *,
        store: RecordingStore,
        jobs: RecordingJobs,
        signals: Signals,
        attempts: Attempts,
        at_once: int,
        is_ready: Callable[[], bool],
    ) -> None:
        """Prepare.

        Args:
            store: what the sweeper clears.
            jobs: what there is to do.
            signals: who is told of it.
            attempts: how it is done.
            at_once: recordings turned into transcripts at once.
            is_ready: whether the recogniser is; without it attempts would be in vain.
        """
        self._store = store
        self._jobs = jobs
        self._signals = signals
        self._attempts = attempts
        self._at_once = at_once
        self._is_ready = is_ready

    async def run(self) -> None:
        """Work until cancelled, whatever happens to the database."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_CHECKERS):
                tasks.create_task(self._serve(CHECKS, lambda: True))
            for _ in range(self._at_once):
                tasks.create_task(self._serve(TRANSCRIPTIONS, self._is_ready))
            tasks.create_task(self._keep_sweeping())

    async def _serve(self, states: Sequence[State], may_begin: Callable[[], bool]) -> None:
        """Take one job after the other."""
        while True:
            try:
                has_worked = may_begin() and await self._work(states)
            except Exception as exc:  # noqa: BLE001 - a loop that ends would be missed by nobody
                await _after(exc)
                continue
            if not has_worked:
                await self._signals.next_work()

    async def _work(self, states: Sequence[State]) -> bool:
        """Do the next job, if there is one, while its lease is renewed."""
        lease = await self._jobs.claim(uuid4(), states=states, lease_s=LEASE_S)
        if lease is None:
            return False
        self._signals.changed(lease.recording.user)
        progress = Progress()
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(self._attempts.make(lease, progress))
            renewing = tasks.create_task(self._renew(lease, progress, work))
            await asyncio.wait((work,))
            renewing.cancel()
        self._signals.changed(lease.recording.user)
        self._signals.work()
        return True

    async def _renew(self, lease: Lease, progress: Progress, work: asyncio.Task[None]) -> None:
        """Keep the lease; stop the work when it is lost."""
        said, quiet_s = 0.0, 0.0
        while True:
            await asyncio.sleep(_PROGRESS_S)
            quiet_s += _PROGRESS_S
            share = progress.share()
            if quiet_s < _RENEWED_S and share - said < _PROGRESS_STEP:
                continue
            try:
                await self._jobs.renew(lease, lease_s=LEASE_S, progress=share)
            except StoreUnavailable:
                continue  # again in a second; without a lease nothing is written anyhow
            except LeaseLost:
                work.cancel()
                return
            said, quiet_s = share, 0.0
            self._signals.changed(lease.recording.user)

    async def _keep_sweeping(self) -> None:
        while True:
            try:
                await self._sweep()
            except Exception as exc:  # noqa: BLE001 - as above
                await _after(exc)
            await asyncio.sleep(_SWEEP_S)

    async def _sweep(self) -> None:
        while leftovers := await self._jobs.leftovers(abandoned_after=_ABANDONED):
            for leftover in leftovers:
                if leftover.is_deleted:
                    await self._store.remove(leftover.user, leftover.recording)
                else:
                    await self._store.forget_audio(leftover.user, leftover.recording)
                self._signals.changed(leftover.user)


async def _after(failure: Exception) -> None:
    if not isinstance(failure, StoreUnavailable):
        # Its words may carry what was said: only its kind is logged.
        log.error("recording_work_failed", kind=type(failure).__name__)
    await asyncio.sleep(_AFTER_FAILURE_S)
