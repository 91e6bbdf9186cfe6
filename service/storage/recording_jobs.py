"""Work on recordings in PostgreSQL: leased, fenced, resumed.

A job is leased for a while and renewed while it is worked on; the lease of a dead worker runs out
and somebody else takes over. Whatever a worker writes, it writes in a transaction that first makes
sure of its lease (which locks the row), so that one who was taken for dead changes nothing.
Finals are stored one by one; the transcript is finished in the transaction that ends the job.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from service.dictation.transcripts import StoredFinal
from service.problems import ServiceError
from service.recordings.recording import Reason, Recording, State
from service.storage.encryption.keys import UserKeys
from service.storage.postgres import FOREIGN_KEY_VIOLATION, Connection, Postgres, StatementRefused
from service.storage.recordings import recording_of
from service.storage.statements import statements
from service.storage.transcripts import rewritten_final, sealed_final, stored_finals

_sql: Final = statements("recording_jobs")
_transcripts: Final = statements("transcripts")
_SAMPLE_RATE_HZ: Final = 16_000
"""Of transcripts of files: positions are only ever told at this rate."""

CHECKS: Final = (State.CHECKING,)
TRANSCRIPTIONS: Final = (State.WAITING, State.WORKING)


class LeaseLost(ServiceError):
    """The job is no longer ours: it was deleted, or another worker has it."""

    default_code = "server.failed"

    def __init__(self) -> None:
        super().__init__("server.failed", "the job is somebody else's now")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A job that is ours until the lease runs out."""

    worker: UUID
    recording: Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something to clear away."""

    user: UUID
    recording: UUID
    is_deleted: bool
    """Whether all of it goes, and not only the audio."""


class RecordingJobs:
    """Where workers find recordings and bring their transcripts."""

    def __init__(self, postgres: Postgres, keys: UserKeys) -> None:
        self._postgres = postgres
        self._keys = keys

    async def claim(self, worker: UUID, *, states: Sequence[State], lease_s: float) -> Lease | None:
        """Lease the recording whose turn it is, of whoever has the fewest in work; None: no work.

        Args:
            worker: a new id for each lease.
            states: `CHECKS` or `TRANSCRIPTIONS`.
            lease_s: seconds until somebody else may take over.
        """
        row = await self._postgres.call(
            lambda c: c.fetchrow(
                _sql["claim"], worker, timedelta(seconds=lease_s), [str(state) for state in states]
            )
        )
        return None if row is None else Lease(worker=worker, recording=recording_of(row))

    async def renew(self, lease: Lease, *, lease_s: float, progress: float) -> None:
        """Keep a lease, and say how far the job is (0.0 to 1.0; it never goes back).

        Raises:
            LeaseLost: it is gone.
        """
        await self._fenced(lease, "renew", timedelta(seconds=lease_s), progress)

    async def begin(self, lease: Lease) -> tuple[StoredFinal, ...]:
        """Open the transcript, and give the finals it has: of earlier attempts, in order.

        Raises:
            LeaseLost: the job is somebody else's.
        """
        recording = lease.recording
        transcript = recording.derived_transcript
        cipher = await self._keys.of(recording.user)

        async def begin(connection: Connection) -> tuple[StoredFinal, ...]:
            await connection.execute(  # undone if the lease, looked at below, is lost
                _sql["open_transcript"],
                transcript,
                recording.user,
                f"recording/{transcript}",
                recording.language,
                recording.sample_rate or _SAMPLE_RATE_HZ,
                recording.app,
                recording.device,
                recording.recorded_at,
            )
            if not await connection.fetchval(_sql["begin"], recording.id, lease.worker, transcript):
                raise LeaseLost
            if recording.transcript is None:  # there, yet not ours: its recording was deleted
                await connection.execute(_sql["bring_back_transcript"], transcript)
            rows = await connection.fetch(_transcripts["finals"], [transcript])
            return stored_finals(cipher, rows)

        return await self._postgres.call_as(recording.user, begin)

    async def cut_anew(self, lease: Lease) -> None:
        """Delete the finals of earlier attempts: they were cut by other rules than today's.

        Raises:
            LeaseLost: the job is somebody else's.
        """
        transcript = lease.recording.derived_transcript
        await self._fenced(lease, "unlearn", then=lambda c: c.execute(_sql["cut_anew"], transcript))

    async def add_final(self, lease: Lease, final: StoredFinal, *, learned: str | None) -> None:
        """Store a final; the first one stored of an utterance stays.

        Args:
            lease: of the job.
            final: the next one.
            learned: the language, if this final made it certain.

        Raises:
            LeaseLost: the job is somebody else's, or the transcript was deleted for good.
        """
        cipher = await self._keys.of(lease.recording.user)
        sealed = sealed_final(cipher, lease.recording.derived_transcript, final)
        try:
            await self._fenced(
                lease,
                "advance",
                learned,
                None if learned is None else final.utterance,
                then=lambda c: c.execute(_transcripts["add_final"], *sealed),
            )
        except StatementRefused as exc:
            if exc.sqlstate == FOREIGN_KEY_VIOLATION:
                raise LeaseLost from None
            raise

    async def finish(
        self,
        lease: Lease,
        *,
        audio_samples: int,
        is_silent: bool,
        keep_audio: timedelta,
        rewritten: Sequence[StoredFinal] = (),
    ) -> None:
        """Finish the transcript and the job in one transaction.

        Args:
            lease: of the job.
            audio_samples: length at 16 kHz.
            is_silent: whether nobody said anything.
            keep_audio: how long the audio is kept.
            rewritten: finals that the transcript has otherwise than they were stored.

        Raises:
            LeaseLost: the job is somebody else's.
        """
        transcript = lease.recording.derived_transcript
        cipher = await self._keys.of(lease.recording.user)
        sealed = [rewritten_final(cipher, transcript, final) for final in rewritten]

        async def finish(connection: Connection) -> None:
            await connection.executemany(_transcripts["rewrite"], sealed)
            await connection.fetchval(_transcripts["finish"], transcript, audio_samples, is_silent)

        await self._fenced(
            lease,
            "done",
            audio_samples,
            is_silent,
            keep_audio,
            then=finish,
        )

    async def checked(self, lease: Lease) -> None:
        """Let a recording whose SHA-256 is right wait for its turn."""
        await self._end(lease, "checked")

    async def fail(self, lease: Lease, reason: Reason) -> None:
        """Set a job aside; of a recording whose bytes are wrong nothing counts as received.

        A transcript that no final has reached goes: of what did not become text there is no entry.
        """
        await self._end(lease, "fail", reason, reason is Reason.HASH_MISMATCH)

    async def put_back(self, lease: Lease, *, wait_s: float, counts: bool) -> None:
        """Give a job back for another attempt, by whoever comes first `wait_s` from now.

        Args:
            lease: of the job; nothing happens if it is lost.
            wait_s: seconds.
            counts: whether this was an attempt; being stopped is none.
        """
        await self._end(lease, "put_back", timedelta(seconds=wait_s), 0 if counts else 1)

    async def leftovers(self, *, abandoned_after: timedelta) -> tuple[Leftover, ...]:
        """Give some recordings of which something is to be cleared away.

        Args:
            abandoned_after: uploads nobody went on with for so long are deleted.
        """

        async def find(connection: Connection) -> tuple[Leftover, ...]:
            await connection.execute(_sql["abandon"], abandoned_after)
            return tuple(
                Leftover(
                    user=row["user_id"], recording=row["id"], is_deleted=row["state"] == "deleted"
                )
                for row in await connection.fetch(_sql["to_clear"])
            )

        return await self._postgres.call(find)

    async def _fenced(
        self,
        lease: Lease,
        statement: str,
        *values: object,
        then: Callable[[Connection], Awaitable[object]] | None = None,
    ) -> None:
        """Run a statement that holds only under the lease, then something in its transaction."""

        async def within(connection: Connection) -> None:
            if not await connection.fetchval(
                _sql[statement], lease.recording.id, lease.worker, *values
            ):
                raise LeaseLost
            if then is not None:
                await then(connection)

        await self._postgres.call_as(lease.recording.user, within)

    async def _end(self, lease: Lease, statement: str, *values: object) -> None:
        """Let go of a job; a transcript in which there is nothing goes, until it is begun again."""

        async def end(connection: Connection) -> None:
            if await connection.fetchval(
                _sql[statement], lease.recording.id, lease.worker, *values
            ):
                await connection.execute(
                    _sql["drop_empty_transcript"], lease.recording.derived_transcript
                )

        await self._postgres.call_as(lease.recording.user, end)
