"""Clients that upload and speak, whatever dies: they go on until they are told it is stored."""

import asyncio
import hashlib
import random
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from benchmarks.durability_ledger import Ledger, Spoken, Uploaded
from benchmarks.durability_takes import Expected, Take
from service.client.events import Interrupted, Resumed, StreamEvent
from service.client.reconnecting import StreamBroken
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions
from service.problems import Refused
from service.storage.identifiers import uuid7
from workers.contract.audio import BYTES_PER_SAMPLE, seconds

PATIENCE_S: Final = 180.0
"""An upload or a session that gets no further for so long is given up."""
_ENCODINGS: Final = ("pcm16", "pcm16", "wav")
_AGAIN_S: Final = (0.2, 1.0)
_PASSING: Final = frozenset({429, 503})


class People:
    """All clients of a run; they share the ledger."""

    def __init__(
        self, url: str, ledger: Ledger, *, chance: random.Random, keys: Sequence[str] = ()
    ) -> None:
        """Take the server, what was promised, and API keys where people sign in there."""
        self._url = url
        self._keys = keys
        self._ledger = ledger
        self._chance = chance
        self.hurry = False
        """Whether nobody pauses between chunks any more."""
        self._http = httpx2.AsyncClient(
            base_url=f"{url}/v1/recordings",
            timeout=20,
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=100),
        )

    async def leave(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def upload(
        self, take: Take, expected: Expected | None, *, chunks: int, pause_s: float
    ) -> Uploaded | None:
        """Upload a take as a new recording until it is stored; None: it was lost.

        Args:
            take: what it holds.
            expected: what its text will be, if that is known.
            chunks: in about so many requests.
            pause_s: 0 to twice this between them.
        """
        key = uuid7(time.time_ns() // 1_000_000)
        entry = Uploaded(id=key, take=take, expected=expected)
        self._ledger.recordings[key] = entry
        encoding = self._chance.choice(_ENCODINGS)
        data = take.as_file(encoding)
        announced = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_bytes": len(data),
            "encoding": encoding,
            "language": "ru",
            "recorded_at": datetime.now(UTC).isoformat(),
        } | ({"sample_rate": 16_000} if encoding == "pcm16" else {})
        step = -(-len(data) // chunks)
        moved_at = time.monotonic()
        offset: int | None = None  # unknown: ask
        while time.monotonic() < moved_at + PATIENCE_S:
            acknowledged = entry.acknowledged_bytes
            if offset is None:
                found = await self._ask(entry, announced=announced)
            else:
                chunk = data[offset : offset + step]
                found = await self._ask(entry, chunk=chunk, offset=offset)
            if found is None:
                offset = None
                await asyncio.sleep(self._chance.uniform(*_AGAIN_S))
                continue
            if found["is_stored"]:
                entry.is_stored = True
                return entry
            offset = found["received_bytes"]
            if entry.acknowledged_bytes > acknowledged:
                moved_at = time.monotonic()
            await asyncio.sleep(0 if self.hurry else self._chance.uniform(0, 2 * pause_s))
        self._ledger.violated(f"recording {key} got no further for {PATIENCE_S:g} s")
        return None

    async def _ask(
        self,
        entry: Uploaded,
        *,
        announced: dict[str, Any] | None = None,
        chunk: bytes = b"",
        offset: int = 0,
    ) -> dict[str, Any] | None:
        """Announce or send once; None: ask again. What was acknowledged must be there still."""
        try:
            # Each request with any of the keys: so it may come to any of several services.
            headers = (
                {"Authorization": f"Bearer {self._chance.choice(self._keys)}"} if self._keys else {}
            )
            if announced is not None:
                answer = await self._http.put(f"/{entry.id}", json=announced, headers=headers)
            else:
                answer = await self._http.patch(
                    f"/{entry.id}/audio",
                    content=chunk,
                    headers=headers | {"Upload-Offset": str(offset)},
                )
            body: dict[str, Any] = answer.json()
        except (httpx2.HTTPError, ValueError) as exc:
            self._ledger.cut_off[type(exc).__name__] += 1
            return None
        if not answer.is_success:
            self._ledger.answers[f"{answer.status_code} {body.get('code')}"] += 1
            if answer.status_code not in _PASSING:
                self._ledger.violated(
                    f"recording {entry.id}: answered {answer.status_code} {body.get('code')}"
                )
            return None
        if body["received_bytes"] < entry.acknowledged_bytes:
            self._ledger.violated(
                f"recording {entry.id}: {entry.acknowledged_bytes} bytes were acknowledged, "
                f"{body['received_bytes']} are there"
            )
        if body["state"] == "failed":
            self._ledger.violated(f"recording {entry.id} failed: {body['reason']}")
            entry.checked = "failed"
        entry.acknowledged_bytes = body["received_bytes"]
        return body

    async def speak(
        self,
        take: Take,
        expected: Expected | None,
        *,
        pace: float | None,
        key: str | None = None,
        hear: Callable[[StreamEvent], None] = lambda _: None,
    ) -> None:
        """Dictate a take as a new session until `done`.

        Args:
            take: what is said.
            expected: what its text will be, if that is known.
            pace: 1 speaks as people do, None as fast as it is taken.
            key: signs in with this API key; None: with any of those there are.
            hear: told what happens.
        """
        session = uuid.UUID(int=self._chance.getrandbits(128), version=4).hex
        entry = Spoken(session=session, take=take, expected=expected)
        self._ledger.sessions[session] = entry
        options = StreamOptions(
            server=self._url,
            token=key or (self._chance.choice(self._keys) if self._keys else None),
            language="ru",
            client="durability",
            pace=pace,
            message_ms=200,
            patience_s=PATIENCE_S,
        )
        begun = time.monotonic()
        until = begun + PATIENCE_S
        while True:
            stream = Stream(
                HeldAudio(take.pcm), options, session=session, show=self._noting(session, hear)
            )
            try:
                async with asyncio.timeout(2 * PATIENCE_S):
                    said = await stream.run()
            except StreamBroken as exc:
                self._ledger.violated(f"session {session} was broken off: {exc.code}")
                return
            except (Refused, TimeoutError) as exc:
                # Nobody was there at the very first try: a person presses the key again.
                if time.monotonic() > until:
                    self._ledger.violated(f"session {session} never ended: {exc!r}")
                    return
                await asyncio.sleep(self._chance.uniform(*_AGAIN_S))
            else:
                entry.transcript, entry.text = said.done.transcript, said.done.text
                entry.finals = tuple(final.raw for final in said.finals)
                if pace is not None:
                    spoken_s = seconds(len(take.pcm) // BYTES_PER_SAMPLE) / pace
                    self._ledger.late_s.append(time.monotonic() - begun - spoken_s)
                return

    def _noting(
        self, session: str, hear: Callable[[StreamEvent], None]
    ) -> Callable[[StreamEvent], None]:
        def note(event: StreamEvent) -> None:
            hear(event)
            match event:
                case Interrupted():
                    self._ledger.session_interruptions += 1
                case Resumed(received=received):
                    self._ledger.session_resumes += 1
                    if received * 2 > len(self._ledger.sessions[session].take.pcm):
                        self._ledger.violated(f"session {session}: more is there than was said")
                case _:
                    pass

        return note
