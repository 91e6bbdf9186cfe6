"""The finals of one session on their way into the store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog

from service.dictation.composition import composed, followed
from service.dictation.rejoining import as_transcribed
from service.dictation.transcripts import OpenedTranscript, StoredFinal, TranscriptStore
from service.problems import StoreUnavailable
from workers.contract.texts import TextFinisher

log = structlog.get_logger()

FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 5.0
"""The store is asked again after 0.2, 0.4, … 5 s, for as long as the session lives."""


class Recorder:
    """Stores finals one after the other and never gives up: they exist nowhere else."""

    def __init__(
        self,
        store: TranscriptStore,
        opened: OpenedTranscript,
        *,
        user: UUID,
        texts: TextFinisher,
    ) -> None:
        self._store = store
        self._user = user
        self._texts = texts
        self.transcript: UUID = opened.transcript
        self._is_finished = opened.finished  # its client only missed the answer
        self.finals: list[StoredFinal] = list(opened.finals)
        """Every final of the session, stored or on its way, in order."""
        self.text = composed(self.finals)
        """The text of the whole session."""
        self._next = len(self.finals)
        self._samples: int | None = None
        self._complete = False
        self._joins = False
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Finals that are not stored yet."""
        return len(self.finals) - self._next

    def add(self, final: StoredFinal) -> None:
        """Store this final after those before it."""
        self.finals.append(final)
        self.text = followed(self.text, final)
        self._changed.set()

    def finish(self, samples: int, *, complete: bool, joins: bool) -> None:
        """Take note that no final follows.

        Args:
            samples: length of the session in 16 kHz samples.
            complete: whether to mark the transcript as finished.
            joins: whether to join, in the transcript, the sentences that pauses had cut.
        """
        self._samples = samples
        self._complete = complete
        self._joins = joins
        self._changed.set()

    async def run(self) -> AsyncIterator[int]:
        """Store what comes; yield each utterance once it is stored; end after `finish`."""
        while True:
            while self._next < len(self.finals):
                final = self.finals[self._next]
                await self._persist(final)
                self._next += 1
                yield final.utterance
            if self._samples is not None:
                if self._complete and not self._is_finished:
                    self.finals = [
                        *await as_transcribed(self.finals, self._texts, joins=self._joins)
                    ]
                    self.text = composed(self.finals)
                if self._complete:
                    await self._persist(None)
                else:
                    with suppress(StoreUnavailable):
                        await self._store.leave(self._user, self.transcript)
                return
            self._changed.clear()
            await self._changed.wait()

    async def forget(self) -> None:
        """Delete what is stored of the session.

        Raises:
            StoreUnavailable: it may still be stored; the client is told to cancel again.
        """
        await self._store.forget(self._user, self.transcript)

    async def _persist(self, final: StoredFinal | None) -> None:
        wait_s = FIRST_RETRY_S
        while True:
            try:
                if final is not None:
                    await self._store.add_final(self._user, self.transcript, final)
                else:
                    await self._store.finish(
                        self._user,
                        self.transcript,
                        audio_samples=self._samples or 0,
                        is_silent=not any(one.text or one.raw for one in self.finals),
                        rewritten=[one for one in self.finals if one.typed is not None],
                    )
            except StoreUnavailable:
                log.warning("store_unavailable", waiting=self.waiting, again_in_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_RETRY_S)
            else:
                return
