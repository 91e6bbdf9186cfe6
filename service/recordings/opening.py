"""The parts of recordings, put together: for the routes, and for the work beside them."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from service.dictation.detection import SileroDetector, SileroModel
from service.dictation.endpointing import EndpointingPolicy
from service.dictation.utterances import SessionPolicy
from service.library.retention import audio_kept
from service.recordings.attempts import Attempts
from service.recordings.jobs import RecordingWork
from service.recordings.metrics import RecordingMetrics
from service.recordings.room import DiskRoom, WindowRoom
from service.recordings.signals import Signals
from service.recordings.transcribing import Surroundings
from service.settings import Settings
from service.storage.items import PostgresItems
from service.storage.opening import Storage
from service.storage.recording_jobs import RecordingJobs
from service.storage.recordings import Quota, RecordingStore
from workers.contract.audio import samples_in

if TYPE_CHECKING:
    from service.parts import Parts

MIB: Final = 1024 * 1024
_THREADS: Final = 2
"""For speech detection, hashing and opening sealed audio; they share the processor with speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """What routes and workers share."""

    store: RecordingStore
    jobs: RecordingJobs
    signals: Signals
    metrics: RecordingMetrics
    disk: DiskRoom
    quota: Quota
    largest_bytes: int
    longest_s: int
    keep_audio: timedelta
    uploads: asyncio.Semaphore
    """Chunks taken in at once, of everybody."""


def open_recordings(
    settings: Settings, storage: Storage, registry: CollectorRegistry
) -> Recordings:
    """Make them of the settings."""
    embedded = None if settings.database_url else settings.data_dir
    return Recordings(
        store=RecordingStore(storage.postgres, storage.keys),
        jobs=RecordingJobs(storage.postgres, storage.keys),
        signals=Signals(),
        metrics=RecordingMetrics(registry),
        disk=DiskRoom(embedded, reserve_bytes=settings.disk_reserve_mb * MIB),
        quota=Quota(
            recordings=settings.max_recordings_waiting,
            bytes=settings.max_recordings_waiting_mb * MIB,
        ),
        largest_bytes=settings.max_recording_mb * MIB,
        longest_s=settings.max_recording_s,
        keep_audio=timedelta(days=settings.keep_audio_days),
        uploads=asyncio.Semaphore(settings.max_recording_uploads),
    )


def work_on_recordings(parts: "Parts") -> Coroutine[Any, Any, None]:
    """Make the work beside the routes, until it is cancelled."""
    recordings, settings, queue = parts.recordings, parts.settings, parts.queue
    model = SileroModel()
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)
    surroundings = Surroundings(
        queue=queue,
        room=WindowRoom(settings.recording_windows, queue.load, parts.admission.admits_files),
        threads=ThreadPoolExecutor(_THREADS, thread_name_prefix="alfavoice-recordings"),
        new_detector=lambda: SileroDetector(model),
        wishes=parts.wishes,
        texts=parts.texts,
        policy=SessionPolicy(
            endpointing=EndpointingPolicy(
                endpoint_silence=samples_in(settings.endpoint_silence_ms / 1000),
                speculation_silence=0,  # nobody waits
            ),
            partial_interval=0,
        ),
    )
    attempts = Attempts(
        store=recordings.store,
        jobs=recordings.jobs,
        surroundings=surroundings,
        metrics=recordings.metrics,
        longest_s=recordings.longest_s,
        keep_audio=lambda user: audio_kept(items, user, otherwise=recordings.keep_audio),
        chance=Random(),  # noqa: S311 - spreads attempts, guards nothing
    )
    return RecordingWork(
        store=recordings.store,
        jobs=recordings.jobs,
        signals=recordings.signals,
        attempts=attempts,
        at_once=settings.recording_jobs,
        is_ready=lambda: queue.load().ready,
    ).run()
