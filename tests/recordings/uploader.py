"""A client that uploads recordings, one request at a time or all at once."""

import asyncio
import hashlib
import time
from typing import Any
from uuid import UUID

import httpx

from service.storage.identifiers import uuid7
from tests.voice import quiet, voice

PATIENCE_S = 60.0
TAKE = (
    quiet(300)
    + voice(2500, seed=1)
    + quiet(1200)
    + voice(1700, seed=2)
    + quiet(1000)
    + voice(2100, seed=3)
    + quiet(400)
)
"""Three utterances."""


def new_id() -> UUID:
    return uuid7(time.time_ns() // 1_000_000)


def announcement(audio: bytes, **changes: object) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "sha256": hashlib.sha256(audio).hexdigest(),
        "size_bytes": len(audio),
        "encoding": "pcm16",
        "language": "ru",
        "recorded_at": "2026-11-20T10:00:00+03:00",
        **changes,
    }
    if fields["encoding"] == "pcm16":
        fields.setdefault("sample_rate", 16_000)
    return fields


class Uploader:
    """Speaks to one server."""

    def __init__(self, url: str, **headers: str) -> None:
        self._all = f"{url}/v1/recordings"
        self.http = httpx.AsyncClient(
            base_url=f"{url}/v1/recordings", headers=headers, timeout=PATIENCE_S
        )

    async def __aenter__(self) -> "Uploader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def announce(self, key: UUID, audio: bytes, **changes: object) -> httpx.Response:
        return await self.http.put(f"/{key}", json=announcement(audio, **changes))

    async def send(self, key: UUID, chunk: bytes, *, offset: int) -> httpx.Response:
        return await self.http.patch(
            f"/{key}/audio", content=chunk, headers={"Upload-Offset": str(offset)}
        )

    async def upload(
        self, audio: bytes, *, key: UUID | None = None, chunk: int = 1024 * 1024, **changes: object
    ) -> UUID:
        """Upload as a good client does: from the offset the server names, until it is stored."""
        key = key or new_id()
        answer = await self.announce(key, audio, **changes)
        assert answer.is_success, answer.text
        while not answer.json()["is_stored"]:
            offset = int(answer.headers["Upload-Offset"])
            answer = await self.send(key, audio[offset : offset + chunk], offset=offset)
            assert answer.is_success, answer.text
        return key

    async def get(self, key: UUID) -> dict[str, Any]:
        answer = await self.http.get(f"/{key}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def page(self, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(self._all, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def until(self, key: UUID, *states: str) -> dict[str, Any]:
        """Wait until a recording is in one of these states."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = await self.get(key)
            if found["state"] in states:
                return found
            assert time.monotonic() < end, found
            await asyncio.sleep(0.05)

    async def done(self, key: UUID) -> dict[str, Any]:
        found = await self.until(key, "done", "failed")
        assert found["state"] == "done", found
        return found
