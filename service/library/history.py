"""Routes of the history: list, read, edit, favourite, delete, restore."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from service.accounts.principal import Principal, Scope
from service.library.export import export_routes
from service.library.history_cursor import read_cursor, write_cursor
from service.library.history_models import (
    ChangeRequest,
    CountModel,
    EntryModel,
    IdsRequest,
    ListQuery,
    PageModel,
    TranscriptModel,
    entry_model,
    transcript_model,
)
from service.library.history_search import search_routes
from service.library.statistics import statistics_routes
from service.parts import Parts
from service.problems import not_found
from service.storage.history import Edit, PostgresHistory

_THREADS: Final = 2
"""For long texts; they share the processor with everything else."""


def history_routes(parts: Parts) -> APIRouter:
    """Make the router of everything below `/v1/history`."""
    router = APIRouter(tags=["history"])
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="history")
    history = PostgresHistory(parts.storage.postgres, parts.storage.keys, executor)
    # Their fixed names come before `{transcript_id}`.
    router.include_router(search_routes(parts, history))
    router.include_router(statistics_routes(parts, history))
    router.include_router(export_routes(parts, history))
    router.include_router(_several(parts, history))
    router.include_router(_one(parts, history))
    return router


def _several(parts: Parts, history: PostgresHistory) -> APIRouter:
    router = APIRouter(prefix="/v1/history")

    @router.get("")
    async def list_history(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)],
        asked: Annotated[ListQuery, Query()],
    ) -> PageModel:
        """Give a page of the history, newest first."""
        page = await history.page(
            principal.user, asked.choice(), after=read_cursor(asked.cursor), limit=asked.limit
        )
        return PageModel(
            items=[entry_model(entry) for entry in page.entries], next=write_cursor(page.next)
        )

    @router.post("/delete")
    async def delete_transcripts(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], asked: IdsRequest
    ) -> CountModel:
        """Delete several transcripts; they can be restored for 30 days."""
        return CountModel(count=await history.delete(principal.user, asked.ids))

    @router.post("/restore")
    async def restore_transcripts(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], asked: IdsRequest
    ) -> CountModel:
        """Restore several deleted transcripts."""
        return CountModel(count=await history.restore(principal.user, asked.ids))

    return router


def _one(parts: Parts, history: PostgresHistory) -> APIRouter:
    router = APIRouter(prefix="/v1/history/{transcript_id}")

    async def entry_of(user: UUID, transcript_id: UUID) -> EntryModel:
        entry = await history.entry(user, transcript_id)
        if entry is None:
            raise not_found("transcript")
        return entry_model(entry)

    @router.get("", response_model=TranscriptModel)
    async def get_transcript(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], transcript_id: UUID
    ) -> Response:
        """Give all of a transcript: its text, and every utterance with raw text and word times."""
        found = await history.transcripts(principal.user, [transcript_id])
        if not found:
            raise not_found("transcript")
        body = await history.on_thread(lambda: transcript_model(found[0]).model_dump_json())
        return Response(body, media_type="application/json")

    @router.patch("")
    async def change_transcript(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)],
        transcript_id: UUID,
        asked: ChangeRequest,
    ) -> EntryModel:
        """Change the text, or whether it is a favourite; what was said stays beside the new text."""
        edit = Edit(text=asked.text) if "text" in asked.model_fields_set else None
        is_there = await history.change(
            principal.user, transcript_id, edit=edit, favourite=asked.is_favourite
        )
        if not is_there:
            raise not_found("transcript")
        return await entry_of(principal.user, transcript_id)

    @router.delete("", status_code=204)
    async def delete_transcript(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], transcript_id: UUID
    ) -> None:
        """Delete a transcript; it can be restored for 30 days. Again changes nothing."""
        changed = await history.delete(principal.user, [transcript_id])
        if not changed and not await history.count_of(principal.user, [transcript_id]):
            raise not_found("transcript")

    @router.post("/restore")
    async def restore_transcript(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], transcript_id: UUID
    ) -> EntryModel:
        """Restore a deleted transcript. Again changes nothing."""
        await history.restore(principal.user, [transcript_id])
        return await entry_of(principal.user, transcript_id)

    return router
