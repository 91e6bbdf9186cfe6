"""The routes of archives: `/v1/archive`, everything a person has out and in again."""

import asyncio
import errno
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from service.accounts.principal import Principal, Scope
from service.library.archive_export import exported
from service.library.archive_import import ArchiveImport, Count
from service.library.archive_spool import SealedSpool
from service.library.archive_zip import BadArchive, ZipReader
from service.library.retention import audio_kept
from service.operations.bodies import MIB, StreamedFile, pieces
from service.parts import Parts
from service.problems import RequestRefused
from service.recordings.opening import Recordings
from service.storage.archive import PostgresArchive
from service.storage.items import PostgresItems

_AT_ONCE: Final = 2
"""Archives on their way through this process: each keeps a core busy."""
_RETRY_S: Final = 30
_TYPE: Final = "application/zip"
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_BINARY: Final[dict[str, Any]] = {_TYPE: _BYTES}
_ANY_BINARY: Final[dict[str, Any]] = {_TYPE: _BYTES, "application/octet-stream": _BYTES}


class CountView(BaseModel):
    """What became of the things of one kind."""

    added: int
    """Or changed, where the archive knew something newer."""
    unchanged: int
    """They were here already, or were deleted here."""
    refused: int
    """They are not what they say, or there is no room for them."""


class ImportView(BaseModel):
    """What became of an archive."""

    notes: CountView
    snippets: CountView
    dictionary: CountView
    preferences: CountView
    history: CountView
    recordings: CountView


class _Transfers:
    """Counts archives on their way: of one person one, so that nobody keeps all others out."""

    def __init__(self) -> None:
        self._open: set[UUID] = set()

    @contextmanager
    def one(self, user: UUID) -> Iterator[None]:
        """Count one more.

        Raises:
            RequestRefused: `library.busy`.
        """
        if len(self._open) >= _AT_ONCE or user in self._open:
            raise RequestRefused(
                "library.busy",
                "the server is busy with other archives",
                status=503,
                retry_after_s=_RETRY_S,
            )
        self._open.add(user)
        try:
            yield
        finally:
            self._open.discard(user)


class _ServerRules:
    """What this server's settings, and people's preferences, say of audio."""

    def __init__(self, recordings: Recordings, items: PostgresItems) -> None:
        self._recordings = recordings
        self._items = items

    async def keep_audio(self, user: UUID) -> timedelta:
        """After its text is done; preferences are put back before recordings."""
        return await audio_kept(self._items, user, otherwise=self._recordings.keep_audio)

    async def has_room(self, user: UUID, recording: UUID, size: int, *, is_done: bool) -> bool:
        """Whether there is room: on the disk, and for what has no text yet in the quota."""
        here = self._recordings
        return here.disk.has(size) and (
            is_done or await here.store.has_quota(user, recording, size, here.quota)
        )


def archive_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/archive`."""
    router = APIRouter(tags=["archive"])
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)
    archive = PostgresArchive(parts.storage.postgres, parts.storage.keys)
    owner = parts.gate.needs(Scope.LIBRARY)
    transfers = _Transfers()

    async def transfer(principal: Annotated[Principal, owner]) -> AsyncIterator[None]:
        with transfers.one(principal.user):  # until the last byte is sent
            yield

    limit_bytes = parts.settings.max_archive_mb * MIB

    @router.get("/v1/archive", response_class=StreamedFile, responses={200: {"content": _BINARY}})
    async def export_archive(
        principal: Annotated[Principal, owner], _: Annotated[None, Depends(transfer)]
    ) -> StreamedFile:
        return StreamedFile(
            exported(principal.user, items, archive),
            media_type=_TYPE,
            headers={"Content-Disposition": 'attachment; filename="alfavoice.zip"'},
        )

    @router.post(
        "/v1/archive",
        openapi_extra={"requestBody": {"required": True, "content": _ANY_BINARY}},
    )
    async def import_archive(
        principal: Annotated[Principal, owner],
        request: Request,
        _: Annotated[None, Depends(transfer)],
    ) -> ImportView:
        try:
            with _spool(parts) as spool:
                async for piece in pieces(request, limit_bytes=limit_bytes):
                    await asyncio.to_thread(spool.append, piece)
                reader = await asyncio.to_thread(ZipReader, io.BufferedReader(spool))
                done = await ArchiveImport(
                    principal.user,
                    reader,
                    items,
                    archive,
                    rules=_ServerRules(parts.recordings, items),
                ).run()
        except BadArchive as exc:
            raise RequestRefused(
                "library.bad_archive", f"this is no archive: {exc}", status=422
            ) from None
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise RequestRefused(
                "library.no_room", "the server has no room for the file now", status=503
            ) from None
        return ImportView(
            **{name: _view(done.counts.get(name, Count())) for name in ImportView.model_fields}
        )

    return router


@contextmanager
def _spool(parts: Parts) -> Iterator[SealedSpool]:
    folder = parts.settings.data_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    spool = SealedSpool(folder)
    try:
        yield spool
    finally:
        spool.close()


def _view(count: Count) -> CountView:
    return CountView(added=count.added, unchanged=count.unchanged, refused=count.refused)
