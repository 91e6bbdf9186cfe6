"""The routes of notes: `/v1/notes`."""

import time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel

from service.accounts.principal import Principal, Scope
from service.library.fields import NoteFields
from service.library.kinds import Kind
from service.library.shelf import Before, IfChange, ItemView, Limit, Shelf, shown
from service.parts import Parts
from service.storage.identifiers import uuid7
from service.storage.items import PostgresItems, StoredItem

_DEFAULTS: Final[dict[str, Any]] = NoteFields().model_dump()


class NoteView(ItemView):
    """A note."""

    title: str
    text: str
    is_pinned: bool


class NotePage(BaseModel):
    """Some notes, newest first."""

    notes: list[NoteView]
    next: UUID | None
    """`before` of the next page; none: this is the last."""


def note_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/notes`."""
    router = APIRouter(tags=["notes"])
    shelf = Shelf(PostgresItems(parts.storage.postgres, parts.storage.keys), Kind.NOTE)
    owner = parts.gate.needs(Scope.LIBRARY)

    @router.get("/v1/notes")
    async def list_notes(
        principal: Annotated[Principal, owner], before: Before = None, limit: Limit = 50
    ) -> NotePage:
        page, after = await shelf.page(principal, before=before, limit=limit)
        return NotePage(notes=[_view(item) for item in page], next=after)

    @router.post("/v1/notes", status_code=201)
    async def make_note(principal: Annotated[Principal, owner], note: NoteFields) -> NoteView:
        item = uuid7(time.time_ns() // 1_000_000)
        return _view(await shelf.write(principal, item, _DEFAULTS | note.given()))

    @router.get("/v1/notes/{note_id}")
    async def read_note(
        principal: Annotated[Principal, owner], note_id: Annotated[UUID, Path()]
    ) -> NoteView:
        return _view(await shelf.get(principal, note_id))

    @router.put("/v1/notes/{note_id}")
    async def put_note(
        principal: Annotated[Principal, owner],
        note_id: Annotated[UUID, Path(description="Made by the client: a UUIDv7.")],
        note: NoteFields,
        if_change: IfChange = None,
    ) -> NoteView:
        values = _DEFAULTS | note.given()
        return _view(await shelf.write(principal, note_id, values, if_change=if_change))

    @router.patch("/v1/notes/{note_id}")
    async def change_note(
        principal: Annotated[Principal, owner],
        note_id: Annotated[UUID, Path()],
        note: NoteFields,
        if_change: IfChange = None,
    ) -> NoteView:
        return _view(
            await shelf.write(
                principal, note_id, note.given(), must_exist=True, if_change=if_change
            )
        )

    @router.delete("/v1/notes/{note_id}", status_code=204)
    async def delete_note(
        principal: Annotated[Principal, owner],
        note_id: Annotated[UUID, Path()],
        if_change: IfChange = None,
    ) -> None:
        await shelf.delete(principal, note_id, if_change=if_change)

    @router.delete("/v1/notes/{note_id}/conflicts/{conflict_id}")
    async def settle_conflict(
        principal: Annotated[Principal, owner],
        note_id: Annotated[UUID, Path()],
        conflict_id: Annotated[str, Path(max_length=100)],
    ) -> NoteView:
        return _view(
            await shelf.write(principal, note_id, {}, must_exist=True, settled=[conflict_id])
        )

    return router


def _view(item: StoredItem) -> NoteView:
    return NoteView(**shown(item, _DEFAULTS))
