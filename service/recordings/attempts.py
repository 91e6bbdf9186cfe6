"""One attempt at a leased job: its bytes checked, or its text found; and what becomes of it.

An attempt that fails is tried again after a while that doubles, with some chance in it, so that
those that failed together do not come back together. What failed `ATTEMPTS` times without getting
any further is set aside with its reason; its audio stays until a person retries or deletes it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Final, TypeVar
from uuid import UUID

import structlog

from service.dictation.transcripts import StoredFinal
from service.problems import ServiceError, StoreUnavailable
from service.recordings.checking import sha256_of
from service.recordings.decoding import AudioGone, DecodedAudio, Pieces, Unusable
from service.recordings.metrics import RecordingMetrics
from service.recordings.recording import Reason, Recording, State
from service.recordings.transcribing import (
    CutOtherwise,
    QueueEnded,
    RecogniserGaveUp,
    Said,
    Surroundings,
    Transcription,
)
from service.storage.encryption.sealing import Unreadable
from service.storage.recording_jobs import Lease, LeaseLost, RecordingJobs
from service.storage.recordings import RecordingStore
from workers.contract.audio import seconds

T = TypeVar("T")
log = structlog.get_logger()

ATTEMPTS: Final = 5
"""Attempts without a single new final after which a recording is set aside."""
_FIRST_WAIT_S: Final = 15.0
_LONGEST_WAIT_S: Final = 1800.0
"""Between two attempts: 15, 30, 60 s, …, each half as much more or less by chance."""
_STORE_PATIENCE_S: Final = 120.0
"""How long an attempt waits for a database that is away."""
_FIRST_RETRY_S: Final = 0.2
_LONGEST_RETRY_S: Final = 5.0
_LAST_WORDS_S: Final = 3.0
"""How long a job that is stopped may take to give itself back."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far an attempt is, for whoever renews its lease."""

    share: Callable[[], float] = field(default=lambda: 0.0)
    """0.0 to 1.0."""
    has_advanced: bool = False
    """Whether a final was stored in this attempt."""


class Attempts:
    """Makes attempts; all jobs of a process share it."""

    def __init__(
        self,
        *,
        store: RecordingStore,
        jobs: RecordingJobs,
        surroundings: Surroundings,
        metrics: RecordingMetrics,
        longest_s: int,
        keep_audio: Callable[[UUID], Awaitable[timedelta]],
        chance: Random,
    ) -> None:
        """Take what every attempt needs.

        Args:
            store: the audio.
            jobs: the leases, and where results go.
            surroundings: of transcriptions.
            metrics: what is counted.
            longest_s: seconds of audio in one recording.
            keep_audio: how long a user's is kept after the transcript is stored; 0: it goes at once.
            chance: spreads the next attempts.
        """
        self._store = store
        self._jobs = jobs
        self._surroundings = surroundings
        self._metrics = metrics
        self._longest_s = longest_s
        self._keep_audio = keep_audio
        self._chance = chance

    async def make(self, lease: Lease, progress: Progress) -> None:
        """Do a job once. Whatever comes of it is written down; only cancellation is raised."""
        try:
            outcome = await self._outcome(lease, progress)
        except asyncio.CancelledError:
            await self._give_back(lease, wait_s=0)
            raise
        self._metrics.ended.labels(outcome).inc()
        log.info("recording_attempted", recording=str(lease.recording.id), outcome=outcome)

    async def _outcome(self, lease: Lease, progress: Progress) -> str:
        failure: Reason | None = None
        for_good = False
        try:
            if lease.recording.attempts > ATTEMPTS:
                # Whoever had it before never said what became of it: it may have ended them.
                failure, for_good = Reason.FAILED, True
            elif lease.recording.state is State.CHECKING:
                return await self._check(lease)
            else:
                return await self._transcribe(lease, progress)
        except LeaseLost:
            return "lost"
        except (QueueEnded, StoreUnavailable):
            await self._give_back(lease, wait_s=_LONGEST_RETRY_S)
            return "again"
        except Unusable as exc:
            failure, for_good = exc.reason, True
        except (Unreadable, AudioGone):  # of one that was deleted, nothing is written any more
            failure, for_good = Reason.DAMAGED, True
        except RecogniserGaveUp as exc:
            # The recogniser has tried a window that breaks it alone before it says so.
            failure, for_good = exc.reason, exc.reason is Reason.POISON
        except Exception as exc:  # noqa: BLE001 - one recording must not end the work on others
            # Its words may carry what was said: only its kind is logged.
            log.error("recording_broke", kind=type(exc).__name__)  # noqa: TRY400
            failure = Reason.FAILED
        return await self._failed(lease, failure, for_good=for_good, progress=progress)

    async def _check(self, lease: Lease) -> str:
        digest = await sha256_of(self._pieces(lease.recording), self._surroundings.threads)
        if digest != lease.recording.sha256:
            await patiently(lambda: self._jobs.fail(lease, Reason.HASH_MISMATCH))
            await self._drop_audio(lease.recording)
            return "failed"
        await patiently(lambda: self._jobs.checked(lease))
        return "checked"

    async def _transcribe(self, lease: Lease, progress: Progress) -> str:
        stored = await patiently(lambda: self._jobs.begin(lease))
        try:
            said = await self._said(lease, lease.recording, stored, progress)
        except CutOtherwise:
            await patiently(lambda: self._jobs.cut_anew(lease))
            anew = replace(lease.recording, learned_language=None, learned_from=None)
            said = await self._said(lease, anew, (), progress)
        keep_audio = await patiently(lambda: self._keep_audio(lease.recording.user))
        await patiently(
            lambda: self._jobs.finish(
                lease,
                audio_samples=said.samples,
                is_silent=said.is_silent,
                keep_audio=keep_audio,
                rewritten=said.rewritten,
            )
        )
        self._metrics.audio.inc(seconds(said.samples))
        if not keep_audio:
            await self._forget_audio(lease.recording)
        return "done"

    async def _said(
        self,
        lease: Lease,
        recording: Recording,
        stored: tuple[StoredFinal, ...],
        progress: Progress,
    ) -> Said:
        async def keep(final: StoredFinal, learned: str | None) -> None:
            await patiently(lambda: self._jobs.add_final(lease, final, learned=learned))
            progress.has_advanced = True

        audio = DecodedAudio(recording, self._pieces(recording), most_s=self._longest_s)
        language = None if recording.language == "auto" else recording.language
        transcription = Transcription(
            recording,
            self._surroundings,
            stored=stored,
            personal=await self._surroundings.wishes.of(
                recording.user, language=language, app=recording.app
            ),
            keep=keep,
        )
        progress.share = lambda: audio.share(transcription.position)
        return await transcription.run(audio.blocks())

    async def _failed(
        self, lease: Lease, reason: Reason, *, for_good: bool, progress: Progress
    ) -> str:
        attempts = 1 if progress.has_advanced else lease.recording.attempts
        set_aside = for_good or attempts >= ATTEMPTS
        wait_s = min(_FIRST_WAIT_S * 2.0 ** (attempts - 1), _LONGEST_WAIT_S)
        wait_s *= self._chance.uniform(0.5, 1.5)
        with suppress(StoreUnavailable):  # then the lease runs out, and somebody tries again
            if set_aside:
                await patiently(lambda: self._jobs.fail(lease, reason))
            else:
                await patiently(lambda: self._jobs.put_back(lease, wait_s=wait_s, counts=True))
        log.warning(
            "recording_failed",
            recording=str(lease.recording.id),
            reason=reason,
            attempts=attempts,
            set_aside=set_aside,
        )
        return "failed" if set_aside else "again"

    async def _give_back(self, lease: Lease, *, wait_s: float) -> None:
        """Let somebody else have the job; if that cannot be said now, the lease says it later."""
        with suppress(ServiceError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._jobs.put_back(lease, wait_s=wait_s, counts=False)

    async def _forget_audio(self, recording: Recording) -> None:
        with suppress(StoreUnavailable):  # then the sweeper does it
            await self._store.forget_audio(recording.user, recording.id)

    async def _drop_audio(self, recording: Recording) -> None:
        with suppress(StoreUnavailable):  # then it goes when it is announced again, or deleted
            await self._store.drop_audio(recording.user, recording.id)

    def _pieces(self, recording: Recording) -> Pieces:
        return Pieces(
            lambda position: patiently(
                lambda: self._store.piece(recording.user, recording.id, position)
            ),
            recording.size_bytes,
        )


async def patiently(action: Callable[[], Awaitable[T]]) -> T:
    """Do something that may be repeated, again and again while the database is away.

    Raises:
        StoreUnavailable: it was away too long.
    """
    now = asyncio.get_running_loop().time
    until, wait_s = now() + _STORE_PATIENCE_S, _FIRST_RETRY_S
    while True:
        try:
            return await action()
        except StoreUnavailable:
            if now() + wait_s > until:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, _LONGEST_RETRY_S)
