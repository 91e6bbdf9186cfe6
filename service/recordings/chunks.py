"""The body of a request with audio: bounded in size, in time and in number."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import ClientDisconnect, Request

from service.problems import RequestRefused
from service.recordings.recording import MAX_CHUNK_BYTES

_PART_S: Final = 20.0
"""How long a client may send nothing in the middle of a body."""
_BODY_S: Final = 120.0
"""For 4 MiB: 280 kbit/s; slower clients send shorter chunks, and keep what arrived either way."""
_TURN_S: Final = 30.0


@asynccontextmanager
async def turn(uploads: asyncio.Semaphore) -> AsyncIterator[None]:
    """Have one of the places for uploads.

    Raises:
        RequestRefused: `recording.busy`, there was none in time.
    """
    try:
        async with asyncio.timeout(_TURN_S):
            await uploads.acquire()
    except TimeoutError:
        raise RequestRefused(
            "recording.busy",
            "too many uploads at once: send this chunk again",
            status=503,
            retry_after_s=5,
        ) from None
    try:
        yield
    finally:
        uploads.release()


async def read_chunk(request: Request) -> bytes:
    """Read a body. Of one that breaks off, what arrived counts: bytes in order are right as far as they go.

    Raises:
        RequestRefused: `request.too_large`.
    """
    if int(request.headers.get("content-length") or 0) > MAX_CHUNK_BYTES:
        raise _too_large()
    chunk = bytearray()
    parts = aiter(request.stream())
    try:
        async with asyncio.timeout(_BODY_S):
            while True:
                async with asyncio.timeout(_PART_S):
                    part = await anext(parts, None)
                if part is None:
                    break
                chunk += part
                if len(chunk) > MAX_CHUNK_BYTES:
                    raise _too_large()
    except (ClientDisconnect, TimeoutError):
        pass
    return bytes(chunk)


def _too_large() -> RequestRefused:
    return RequestRefused(
        "request.too_large",
        f"a request carries at most {MAX_CHUNK_BYTES} bytes of audio: send shorter chunks",
        status=413,
    )
