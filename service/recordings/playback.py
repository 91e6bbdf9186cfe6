"""Play a recording back while its audio is kept: all of it, or the range a player asks for.

Bare samples get a WAV header in front, so that whatever plays files plays them.
"""

import re
import struct
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import Response

from service.accounts.principal import Principal, Scope
from service.operations.bodies import StreamedFile
from service.operations.problem_json import answer
from service.problems import RequestRefused, not_found
from service.recordings.decoding import AudioGone, Pieces
from service.recordings.events import PREFIX
from service.recordings.recording import MEDIA_TYPES, Encoding, Recording, State
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from service.parts import Parts

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_SENT_BYTES: Final = 256 * 1024
_AUDIO: Final[dict[str, Any]] = {
    "content": {
        media_type: {"schema": {"type": "string", "format": "binary"}}
        for media_type in sorted(set(MEDIA_TYPES.values()))
    }
}


def playback_route(parts: "Parts") -> APIRouter:
    """Make the route that gives audio."""
    router = APIRouter(prefix=PREFIX)
    store = parts.recordings.store

    @router.get(
        "/{recording_id}/audio",
        response_class=StreamedFile,
        responses={
            200: {"description": "All of it.", **_AUDIO},
            206: {"description": "The range asked for.", **_AUDIO},
        },
    )
    async def play_recording(
        recording_id: UUID,
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)],
        asked: Annotated[str | None, Header(alias="Range", max_length=100)] = None,
    ) -> Response:
        """Give the audio as it was uploaded; one range of bytes (RFC 9110 section 14) where asked."""
        recording = await store.get(principal.user, recording_id)
        if recording is None:
            raise not_found("recording")
        _check_presence(recording)
        header = _wav_header(recording)
        size = len(header) + recording.size_bytes
        span = _span(asked, size)
        if span is None:
            return answer(
                416,
                "recording.no_such_range",
                "the audio is shorter than the range that was asked for",
                headers={"Content-Range": f"bytes */{size}"},
            )
        first, after = span
        pieces = Pieces(
            lambda position: store.piece(principal.user, recording_id, position),
            recording.size_bytes,
        )
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Length": str(after - first),
            "Cache-Control": "private, no-store",
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        }
        is_part = asked is not None and _RANGE.fullmatch(asked) is not None
        if is_part:
            headers["Content-Range"] = f"bytes {first}-{after - 1}/{size}"
        return StreamedFile(
            _sent(header, pieces, first, after),
            status_code=206 if is_part else 200,
            headers=headers,
            media_type=MEDIA_TYPES[recording.encoding],
        )

    return router


def _check_presence(recording: Recording) -> None:
    if not recording.has_audio:
        raise RequestRefused(
            "recording.audio_gone", "its audio was deleted after its text was stored", status=410
        )
    if recording.state in {State.UPLOADING, State.CHECKING} or not recording.is_stored:
        raise RequestRefused(
            "recording.incomplete", "its audio is not here yet", status=409, retry_after_s=5
        )


def _wav_header(recording: Recording) -> bytes:
    """Give the header of bare samples (RIFF WAVE, PCM, 16 bit, mono); of files, nothing."""
    if recording.encoding is not Encoding.PCM16:
        return b""
    rate, size = recording.sample_rate or SAMPLE_RATE_HZ, recording.size_bytes
    form = struct.pack(
        "<IHHIIHH", 16, 1, 1, rate, rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE
    )
    sizes = (min(36 + size, 2**32 - 1), min(size, 2**32 - 1))
    return b"RIFF%bWAVEfmt %bdata%b" % (
        struct.pack("<I", sizes[0]),
        form,
        struct.pack("<I", sizes[1]),
    )


def _span(asked: str | None, size: int) -> tuple[int, int] | None:
    """Give the first byte and the one after the last; None if there is no such range.

    Several ranges, or another unit, are answered with all of it, as RFC 9110 allows.
    """
    match = _RANGE.fullmatch(asked) if asked else None
    if match is None:
        return 0, size
    first, last = match.groups()
    if first:
        begin, after = int(first), min(int(last) + 1 if last else size, size)
    else:
        begin, after = max(0, size - int(last or 0)), size
    return (begin, after) if begin < after else None


async def _sent(header: bytes, pieces: Pieces, first: int, after: int) -> AsyncIterator[bytes]:
    position = first
    while position < after:
        length = min(_SENT_BYTES, after - position)
        if position < len(header):
            data = header[position : position + length]
        else:
            data = await pieces.read(position - len(header), length)
            if not data:
                raise AudioGone
        position += len(data)
        yield data
