"""A `TranscriptStore` without a database, for the tests of those who use one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from service.dictation.transcripts import (
    OpenedTranscript,
    SessionOrigin,
    StoredFinal,
    WentOnElsewhere,
)
from service.problems import Refused, StoreUnavailable


@dataclass(slots=True, kw_only=True)
class KeptTranscript:
    user: UUID
    session: str
    origin: SessionOrigin
    finals: dict[int, StoredFinal] = field(default_factory=dict)
    audio_samples: int | None = None


class MemoryTranscripts:
    """Keeps transcripts in a dict; `away = True` makes every call fail as without a database."""

    def __init__(self) -> None:
        self.kept: dict[UUID, KeptTranscript] = {}
        self.away = False

    async def open(self, session: str, *, user: UUID, origin: SessionOrigin) -> OpenedTranscript:
        self._answer()
        for transcript, kept in self.kept.items():
            if kept.session != session:
                continue
            if kept.user != user:
                raise Refused("session.forbidden", "another user's session", close_code=4403)
            return OpenedTranscript(
                transcript=transcript,
                finals=tuple(kept.finals[number] for number in sorted(kept.finals)),
                finished=kept.audio_samples is not None,
                audio_samples=kept.audio_samples or 0,
            )
        transcript = uuid4()
        self.kept[transcript] = KeptTranscript(user=user, session=session, origin=origin)
        return OpenedTranscript(transcript=transcript)

    async def add_final(self, user: UUID, transcript: UUID, final: StoredFinal) -> None:
        self._answer()
        stored = self._known(user, transcript).finals.setdefault(final.utterance, final)
        if (stored.start, stored.end) != (final.start, final.end):
            raise WentOnElsewhere

    async def leave(self, user: UUID, transcript: UUID) -> None:
        self._answer()
        kept = self.kept.get(transcript)
        if kept is not None and not kept.finals and kept.audio_samples is None:
            await self.forget(user, transcript)

    async def finish(
        self,
        user: UUID,
        transcript: UUID,
        *,
        audio_samples: int,
        is_silent: bool = False,
        rewritten: Sequence[StoredFinal] = (),
    ) -> None:
        self._answer()
        kept = self._known(user, transcript)
        if kept.audio_samples is None:
            kept.audio_samples = audio_samples
            for final in rewritten:
                kept.finals[final.utterance] = final

    async def forget(self, user: UUID, transcript: UUID) -> None:
        self._answer()
        if transcript in self.kept and self.kept[transcript].user == user:
            del self.kept[transcript]

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the database does not answer")

    def _known(self, user: UUID, transcript: UUID) -> KeptTranscript:
        kept = self.kept.get(transcript)
        if kept is None or kept.user != user:
            raise WentOnElsewhere
        return kept
