"""The routes of synchronisation: `/v1/sync`. docs/sync.md says how clients use them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AwareDatetime, BaseModel

from service.accounts.principal import Principal, Scope
from service.library.changes import Watch
from service.library.kinds import Kind
from service.library.merging import Contents
from service.library.shelf import ConflictView
from service.library.sync_cursor import LONGEST, NoCursor, TooOld, read_cursor
from service.library.sync_operations import Push, PushResults
from service.library.sync_push import Pushing
from service.parts import Parts
from service.problems import RequestRefused, ServiceError, StoreUnavailable
from service.storage.items import PostgresItems, StoredItem
from service.storage.pushed_edits import PushedEdits
from service.storage.sync import Change, PostgresSync, PulledRecording, PulledTranscript

log = structlog.get_logger()

_MOST_CHANGES: Final = 500
_LONGEST_STREAM_S: Final = 900.0
"""A client opens the next one: so who was locked out since is not told of changes for ever."""
_AGAIN_MS: Final = 1_000
"""What browsers are told to wait before they do."""
_FORGET_EVERY_S: Final = 3600.0


class FieldView(BaseModel):
    """A field's value, and when it was written."""

    value: Any
    at: int
    """Milliseconds since 1970-01-01 UTC; give it as `seen` when writing over it."""
    writer: str


class ItemContent(BaseModel):
    """A note, snippet, term or the preferences."""

    kind: Kind
    fields: dict[str, FieldView]
    conflicts: list[ConflictView]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class TranscriptContent(BaseModel):
    """A transcript without its words' times: those are in `/v1/history`."""

    kind: str
    language: str
    client: str
    app: str | None
    device_id: UUID | None
    started_at: AwareDatetime
    finished_at: AwareDatetime | None
    audio_seconds: float | None
    word_count: int
    is_favourite: bool
    edited_at_ms: int | None
    text: str
    """As edited, if it was."""


class RecordingContent(BaseModel):
    """The state of a recording."""

    state: str
    reason: str | None
    language: str
    app: str | None
    recorded_at: AwareDatetime
    audio_seconds: float | None
    transcript_id: UUID | None
    has_audio: bool


class ChangeView(BaseModel):
    """The newest state of one thing. With no content it is gone: forget it."""

    thing: Literal["transcript", "item", "recording"]
    id: UUID
    change: int
    is_unreadable: bool
    """It is there, but its key is gone or it is damaged: keep what you have."""
    item: ItemContent | None = None
    transcript: TranscriptContent | None = None
    recording: RecordingContent | None = None


class Changes(BaseModel):
    """Some changes, in order."""

    changes: list[ChangeView]
    next: str
    """`cursor` of the next pull. Store it together with the changes."""
    more: bool
    """Pull again at once."""


class Newest(BaseModel):
    """What the event `changed` carries."""

    change: int


def sync_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/sync`."""
    router = APIRouter(tags=["sync"])
    postgres, keys = parts.storage.postgres, parts.storage.keys
    sync = PostgresSync(postgres, keys)
    pushing = Pushing(PostgresItems(postgres, keys), PushedEdits(postgres, keys))
    owner = parts.gate.needs(Scope.LIBRARY)

    async def watching(principal: Annotated[Principal, owner]) -> AsyncIterator[Watch]:
        with parts.changes.watch(principal) as watch:
            yield watch

    @router.get("/v1/sync")
    async def pull(
        principal: Annotated[Principal, owner],
        cursor: Annotated[
            str | None, Query(max_length=LONGEST, description="The `next` of the pull before.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST_CHANGES)] = 200,
    ) -> Changes:
        try:
            begin = None if cursor is None else read_cursor(cursor)
            pulled = await sync.pull(principal.user, begin, limit=limit)
        except NoCursor:
            raise RequestRefused("sync.bad_cursor", "this is no cursor", status=422) from None
        except TooOld:
            raise RequestRefused(
                "sync.too_old",
                "what was deleted since is not known any more: pull without a cursor, and forget "
                "what does not come",
                status=410,
            ) from None
        return Changes(
            changes=[_view(change) for change in pulled.changes],
            next=str(pulled.next),
            more=pulled.more,
        )

    @router.post("/v1/sync")
    async def push(principal: Annotated[Principal, owner], batch: Push) -> PushResults:
        results = await pushing.push(principal.user, batch.operations, writer=batch.writer)
        return PushResults(results=results)

    @router.get("/v1/sync/events", response_class=EventSourceResponse)
    async def events(
        watch: Annotated[Watch, Depends(watching)],
    ) -> AsyncIterator[ServerSentEvent]:
        """Say `changed` with the number of the newest change, now and whenever there is one."""
        told = -1
        watch.wake()
        until = asyncio.get_running_loop().time() + _LONGEST_STREAM_S
        while True:
            try:
                async with asyncio.timeout_at(until):
                    await watch.changed()
            except TimeoutError:
                return
            if watch.has_ended:
                return
            try:
                newest = await sync.newest(watch.user)
            except StoreUnavailable:
                await asyncio.sleep(_AGAIN_MS / 1000)
                watch.wake()
                continue
            if newest != told:
                told = newest
                yield ServerSentEvent(
                    event="changed", data=Newest(change=newest), id=str(newest), retry=_AGAIN_MS
                )

    return router


async def forget_old_tombstones(parts: Parts) -> None:
    """Forget what was deleted long ago, now and then, until cancelled."""
    sync = PostgresSync(parts.storage.postgres, parts.storage.keys)
    while True:
        forgotten = 0
        try:
            forgotten = await sync.forget()
        except ServiceError as error:
            log.warning("tombstones_kept", code=error.code)
        await asyncio.sleep(1.0 if forgotten else _FORGET_EVERY_S)


def _view(change: Change) -> ChangeView:
    thing: Literal["transcript", "item", "recording"]
    match change.thing:
        case "transcripts":
            thing = "transcript"
        case "library_items":
            thing = "item"
        case _:
            thing = "recording"
    view = ChangeView(
        thing=thing, id=change.id, change=change.number, is_unreadable=change.is_unreadable
    )
    match change.content:
        case StoredItem():
            view.item = _item(change.content)
        case PulledTranscript():
            view.transcript = _transcript(change.content)
        case PulledRecording():
            view.recording = _recording(change.content)
        case None:
            pass
    return view


def _item(item: StoredItem) -> ItemContent | None:
    contents = item.contents
    if not isinstance(contents, Contents):
        return None
    return ItemContent(
        kind=item.kind,
        fields={
            name: FieldView(value=one.value, at=one.stamp.at, writer=one.stamp.writer)
            for name, one in contents.fields.items()
        },
        conflicts=[
            ConflictView(id=one.id, field=one.field, text=one.value, written_at_ms=one.stamp.at)
            for one in contents.conflicts
        ],
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def _transcript(one: PulledTranscript) -> TranscriptContent:
    return TranscriptContent(
        kind=one.kind,
        language=one.language,
        client=one.client,
        app=one.app,
        device_id=one.device,
        started_at=one.started_at,
        finished_at=one.finished_at,
        audio_seconds=_seconds(one.audio_samples),
        word_count=one.word_count,
        is_favourite=one.is_favourite,
        edited_at_ms=None if one.edited_at is None else int(one.edited_at.timestamp() * 1000),
        text=one.text,
    )


def _recording(one: PulledRecording) -> RecordingContent:
    return RecordingContent(
        state=one.state,
        reason=one.reason,
        language=one.language,
        app=one.app,
        recorded_at=one.recorded_at,
        audio_seconds=_seconds(one.audio_samples),
        transcript_id=one.transcript,
        has_audio=one.has_audio,
    )


def _seconds(samples: int | None) -> float | None:
    return None if samples is None else samples / 16_000
