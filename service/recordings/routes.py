"""The routes of recordings: announce, send, look, retry, delete."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from service.accounts.principal import Principal, Scope
from service.operations.problem_json import answer
from service.problems import RequestRefused, not_found
from service.recordings.answers import (
    CURSOR_PATTERN,
    AnnouncementRequest,
    RecordingAnswer,
    RecordingPage,
    answer_of,
    cursor_of,
    read_cursor,
)
from service.recordings.chunks import read_chunk, turn
from service.recordings.events import PREFIX, event_routes
from service.recordings.opening import Recordings
from service.recordings.playback import playback_route
from service.recordings.recording import (
    Announcement,
    BeyondTheEnd,
    Encoding,
    Gap,
    Reason,
    Recording,
    State,
)
from service.storage.recordings import full_disk
from workers.contract.audio import BYTES_PER_SAMPLE

if TYPE_CHECKING:
    from service.parts import Parts

OFFSET_HEADER: Final = "Upload-Offset"
_CHECK_S: Final = 10.0
"""How long the answer to the last bytes waits for their SHA-256."""
_LAST_KEY: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
_CHUNK_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_OFFSET: Final[dict[str, Any]] = {
    OFFSET_HEADER: {
        "description": "How many bytes are here: the client goes on from there.",
        "schema": {"type": "integer"},
    }
}


def recording_routes(parts: "Parts") -> APIRouter:
    """Make the router of `/v1/recordings`."""
    router = APIRouter(tags=["recordings"])
    router.include_router(event_routes(parts))  # before `/{recording_id}`
    router.include_router(_uploading(parts))
    router.include_router(_looking(parts))
    router.include_router(playback_route(parts))
    return router


def _uploading(parts: "Parts") -> APIRouter:
    router = APIRouter(prefix=PREFIX)
    needs = parts.gate.needs(Scope.DICTATE)
    recordings = parts.recordings

    @router.put(
        "/{recording_id}",
        responses={
            200: {"description": "It was announced before.", "headers": _OFFSET},
            201: {"description": "It is new.", "model": RecordingAnswer, "headers": _OFFSET},
        },
    )
    async def announce_recording(
        recording_id: UUID,
        asked: AnnouncementRequest,
        principal: Annotated[Principal, needs],
        response: Response,
    ) -> RecordingAnswer:
        """Announce a recording, or ask how much of it is here.

        The id is chosen by the client, a UUIDv7. The same announcement again changes nothing; of a
        recording that failed because of its SHA-256 it begins anew.
        """
        announced = asked.announcement(recording_id, now=datetime.now(UTC))
        _check_size(recordings, announced)
        if await recordings.store.get(principal.user, recording_id) is None:
            await parts.people.check_day(principal.user)
        found, is_new = await recordings.store.announce(
            principal.user, announced, device=principal.device, quota=recordings.quota
        )
        if not is_new and (found.sha256, found.size_bytes, found.encoding, found.sample_rate) != (
            announced.sha256,
            announced.size_bytes,
            announced.encoding,
            announced.sample_rate,
        ):
            raise RequestRefused(
                "recording.differs",
                "this id was announced with other content: choose a new one",
                status=409,
            )
        response.status_code = 201 if is_new else 200
        response.headers[OFFSET_HEADER] = str(found.received_bytes)
        return answer_of(found)

    @router.patch(
        "/{recording_id}/audio",
        openapi_extra=_CHUNK_BODY,
        responses={200: {"description": "Received; look at `state`.", "headers": _OFFSET}},
        response_model=RecordingAnswer,
    )
    async def send_audio(
        recording_id: UUID,
        upload_offset: Annotated[int, Header(ge=0, le=2**53)],
        principal: Annotated[Principal, needs],
        request: Request,
        response: Response,
    ) -> RecordingAnswer | Response:
        """Send the bytes from `Upload-Offset` on, 4 MiB at most.

        Bytes that are here already are taken as sent again and change nothing. A gap is refused
        (409) with the offset to go on from. Whatever was acknowledged is stored. The answer to the
        last bytes says whether the SHA-256 is right, or `checking` if that takes longer.
        """
        async with turn(recordings.uploads):
            if await recordings.store.get(principal.user, recording_id) is None:
                raise not_found("recording")
            chunk = await read_chunk(request)
            if not recordings.disk.has(len(chunk)):
                raise full_disk()
            found = await recordings.store.append(
                principal.user, recording_id, offset=upload_offset, chunk=chunk
            )
        match found:
            case None:
                raise not_found("recording")
            case Gap(received_bytes=received):
                return answer(
                    409,
                    "recording.gap",
                    f"bytes are missing before this chunk: go on from byte {received}",
                    headers={OFFSET_HEADER: str(received)},
                )
            case BeyondTheEnd():
                raise RequestRefused(
                    "recording.beyond_end", "this is more than was announced", status=409
                )
        recordings.metrics.received.inc(len(chunk))
        if found.state is State.CHECKING:
            found = await _checked(recordings, found)
        if found.reason is Reason.HASH_MISMATCH:
            raise RequestRefused(
                "recording.hash_mismatch",
                "what arrived does not have the announced SHA-256: announce it again and send all "
                "of it",
                status=409,
            )
        response.headers[OFFSET_HEADER] = str(found.received_bytes)
        return answer_of(found)

    return router


def _looking(parts: "Parts") -> APIRouter:
    router = APIRouter(prefix=PREFIX)
    needs = parts.gate.needs(Scope.LIBRARY)
    store, signals = parts.recordings.store, parts.recordings.signals

    @router.get("")
    async def list_recordings(
        principal: Annotated[Principal, needs],
        state: State | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(pattern=CURSOR_PATTERN)] = None,
    ) -> RecordingPage:
        """List recordings, newest first."""
        before = _LAST_KEY if cursor is None else read_cursor(cursor)
        found = await store.page(principal.user, before=before, state=state, limit=limit)
        return RecordingPage(
            recordings=[answer_of(one) for one in found],
            next=cursor_of(found[-1]) if len(found) == limit else None,
        )

    @router.get(
        "/{recording_id}", responses={200: {"description": "It is here.", "headers": _OFFSET}}
    )
    async def get_recording(
        recording_id: UUID,
        principal: Annotated[Principal, parts.gate.needs(Scope.DICTATE)],
        response: Response,
    ) -> RecordingAnswer:
        """Give one recording, and how much of it is here."""
        found = await store.get(principal.user, recording_id)
        if found is None:
            raise not_found("recording")
        response.headers[OFFSET_HEADER] = str(found.received_bytes)
        return answer_of(found)

    @router.post("/{recording_id}/retry")
    async def retry_recording(
        recording_id: UUID, principal: Annotated[Principal, needs]
    ) -> RecordingAnswer:
        """Try a failed recording again; of others nothing changes."""
        found = await store.retry(principal.user, recording_id)
        if found is not None:
            signals.work()
            return answer_of(found)
        found = await store.get(principal.user, recording_id)
        if found is None:
            raise not_found("recording")
        if found.reason is Reason.HASH_MISMATCH:
            raise RequestRefused(
                "recording.hash_mismatch",
                "its bytes are wrong: announce it again and send all of it",
                status=409,
            )
        return answer_of(found)

    @router.delete("/{recording_id}", status_code=204)
    async def delete_recording(recording_id: UUID, principal: Annotated[Principal, needs]) -> None:
        """Delete a recording and its audio.

        A transcript that is complete stays in the history; one that is not is moved to what is
        deleted there.
        """
        if not await store.delete(principal.user, recording_id):
            raise not_found("recording")

    return router


def _check_size(recordings: Recordings, announced: Announcement) -> None:
    too_large = announced.size_bytes > recordings.largest_bytes
    if announced.encoding is Encoding.PCM16 and announced.sample_rate is not None:
        bytes_a_second = announced.sample_rate * BYTES_PER_SAMPLE
        too_large |= announced.size_bytes > recordings.longest_s * bytes_a_second
    if too_large:
        raise RequestRefused(
            "recording.too_large",
            f"a recording here has at most {recordings.largest_bytes} bytes and "
            f"{recordings.longest_s} seconds: cut it into parts",
            status=413,
        )
    if not recordings.disk.has(announced.size_bytes):
        raise full_disk()


async def _checked(recordings: Recordings, recording: Recording) -> Recording:
    """Wait a little for the SHA-256 of a recording."""
    with recordings.signals.watch(recording.user) as news:
        recordings.signals.work()
        try:
            async with asyncio.timeout(_CHECK_S):
                while recording.state is State.CHECKING:
                    await news.next()
                    recording = (
                        await recordings.store.get(recording.user, recording.id) or recording
                    )
        except TimeoutError:
            pass
    return recording
