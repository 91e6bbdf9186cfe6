"""News of recordings as server-sent events: of one until it is done, or of all of one's own.

Each event `recording` carries the whole recording as `GET` gives it, so that a client that missed
some missed nothing. Nothing is queued for a slow client: it gets the newest state when it reads
again. What another copy of the service did is heard through the database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from service.accounts.principal import Principal, Scope
from service.library.changes import Watch
from service.problems import StoreUnavailable, not_found
from service.recordings.answers import RecordingAnswer, answer_of
from service.recordings.recording import Recording, State

if TYPE_CHECKING:
    from service.parts import Parts

PREFIX: Final = "/v1/recordings"
_REREAD_S: Final = 1.0
"""Progress is written as often; what else changes is told at once."""
_STREAM_S: Final = 900.0
"""A stream ends after this long: an event source comes back by itself, with a token that holds."""
_AGAIN_MS: Final = 2000
_OVERLAP: Final = timedelta(seconds=10)
"""Longer than a transaction: none that began earlier ends unseen."""
_AT_ONCE: Final = 500
_ENDED: Final = frozenset({State.DONE, State.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """One recording, and who watches for news of it."""

    watch: Watch
    recording: UUID


def event_routes(parts: "Parts") -> APIRouter:
    """Make the routes that tell news."""
    router = APIRouter(prefix=PREFIX)
    owner = parts.gate.needs(Scope.LIBRARY)
    store = parts.recordings.store

    async def watching(principal: Annotated[Principal, owner]) -> AsyncIterator[Watch]:
        with parts.changes.watch(principal) as watch:
            yield watch

    async def following(
        recording_id: UUID, watch: Annotated[Watch, Depends(watching)]
    ) -> _Followed:
        if await store.get(watch.user, recording_id) is None:
            raise not_found("recording")
        return _Followed(watch=watch, recording=recording_id)

    @router.get("/events", response_class=EventSourceResponse)
    async def follow_recordings(
        watch: Annotated[Watch, Depends(watching)],
    ) -> AsyncIterator[ServerSentEvent]:
        """Tell how all of one's recordings get on, beginning with those under way."""
        seen = datetime.now(UTC)

        async def look() -> tuple[Recording, ...]:
            nonlocal seen
            since, seen = seen - _OVERLAP, datetime.now(UTC)
            return await store.news(watch.user, since=since, limit=_AT_ONCE)

        async for event in _events(watch, look):
            yield event

    @router.get("/{recording_id}/events", response_class=EventSourceResponse)
    async def follow_recording(
        followed: Annotated[_Followed, Depends(following)],
    ) -> AsyncIterator[ServerSentEvent]:
        """Tell how a recording gets on, until it is done, failed or deleted."""
        user, state = followed.watch.user, None

        async def look() -> tuple[Recording, ...] | None:
            nonlocal state
            found = None if state in _ENDED else await store.get(user, followed.recording)
            state = found.state if found else None
            return (found,) if found else None

        async for event in _events(followed.watch, look):
            yield event

    return router


async def _events(
    watch: Watch, look: Callable[[], Awaitable[tuple[Recording, ...] | None]]
) -> AsyncIterator[ServerSentEvent]:
    """Tell what `look` finds, each recording as often as it is different; None is the end."""
    now = asyncio.get_running_loop().time
    until = now() + _STREAM_S
    told: dict[UUID, RecordingAnswer] = {}
    while now() < until and not watch.has_ended:
        found: tuple[Recording, ...] | None = ()
        with suppress(StoreUnavailable):
            found = await look()
        if found is None:
            return
        answers = {one.id: answer_of(one) for one in reversed(found)}
        for key, answer in answers.items():
            if told.get(key) != answer:
                yield ServerSentEvent(event="recording", data=answer, retry=_AGAIN_MS)
        if answers:
            told = answers  # what is not found any more has ended, and was told
        with suppress(TimeoutError):
            async with asyncio.timeout(_REREAD_S):
                await watch.changed()
