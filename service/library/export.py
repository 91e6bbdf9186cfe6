"""Routes of the export: one transcript as a document, many as a zip of documents."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, model_validator

from service.accounts.principal import Principal, Scope
from service.library.export_archive import HistoryArchive
from service.library.export_documents import FORMATS, file_name
from service.library.history_models import ChoiceModel, Ids
from service.library.preferences import preferences_of
from service.library.time_zones import TimeZone
from service.operations.bodies import StreamedFile
from service.parts import Parts
from service.problems import RequestRefused, not_found
from service.storage.encryption.sealing import Unreadable
from service.storage.history import PostgresHistory
from service.storage.items import PostgresItems

MOST: Final = 20_000
"""Transcripts in one zip: its list of contents is kept in memory until it is sent, 1 kB each."""

FormatName = Literal["txt", "md", "docx", "srt", "vtt", "json"]


class ExportQuery(BaseModel):
    """How one transcript is exported."""

    model_config = ConfigDict(extra="forbid")

    format: FormatName = "txt"
    time_zone: TimeZone | None = None
    """For the time in the document and its name; none: the one of the person's preferences."""


class ExportRequest(ExportQuery):
    """Which transcripts are exported, and how; with neither `ids` nor `choice`: all."""

    ids: Ids | None = None
    choice: ChoiceModel | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.ids is not None and self.choice is not None:
            raise ValueError("ids or choice, not both")
        return self


def _file_of(*media_types: str) -> dict[int | str, dict[str, Any]]:
    content = {media: {"schema": {"type": "string", "format": "binary"}} for media in media_types}
    return {200: {"description": "The file.", "content": content}}


def export_routes(parts: Parts, history: PostgresHistory) -> APIRouter:
    """Make the router with the routes of the export."""
    router = APIRouter(prefix="/v1/history")
    archive = HistoryArchive(history)
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)

    @router.post("/export", response_class=StreamedFile, responses=_file_of("application/zip"))
    async def export_transcripts(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], asked: ExportRequest
    ) -> StreamedFile:
        """Give many transcripts as a zip of documents."""
        user, zone = principal.user, await _zone(items, principal.user, asked)
        content: AsyncIterator[bytes]
        if asked.ids is not None:
            ids = list(dict.fromkeys(asked.ids))
            if await history.count_of(user, ids) < len(ids):
                raise not_found("transcript")
            content = archive.of_ids(user, ids, ending=asked.format, zone=zone)
        else:
            choice = (asked.choice or ChoiceModel()).choice()
            if await history.count(user, choice, most=MOST + 1) > MOST:
                raise RequestRefused(
                    "export.too_many",
                    f"one export holds {MOST:,} transcripts: choose a part, such as a year",
                    status=422,
                )
            content = archive.of_choice(user, choice, ending=asked.format, zone=zone)
        return StreamedFile(
            content,
            media_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="transcripts.zip"'},
        )

    @router.get(
        "/{transcript_id}/export",
        response_class=Response,
        responses=_file_of(*(each.media_type.partition(";")[0] for each in FORMATS.values())),
    )
    async def export_transcript(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)],
        transcript_id: UUID,
        asked: Annotated[ExportQuery, Query()],
    ) -> Response:
        """Give one transcript as a document."""
        zone = await _zone(items, principal.user, asked)
        found = await history.transcripts(principal.user, [transcript_id])
        if not found:
            raise not_found("transcript")
        transcript, form = found[0], FORMATS[asked.format]
        if not transcript.entry.is_readable:
            raise Unreadable("this transcript is damaged, or its key is gone")
        body = await history.on_thread(lambda: form.write(transcript, zone))
        name = file_name(transcript.entry, asked.format, zone)
        return Response(
            body,
            media_type=form.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return router


async def _zone(items: PostgresItems, user: UUID, asked: ExportQuery) -> ZoneInfo:
    """Give the zone that was asked for, else the one of the person's preferences."""
    if asked.time_zone is not None:
        return ZoneInfo(asked.time_zone)
    return ZoneInfo((await preferences_of(items, user)).values.time_zone)
