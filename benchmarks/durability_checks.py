"""Whether what was promised is there, asked over the API as any client would."""

import asyncio
import time
from collections import Counter
from typing import Any, Final
from uuid import UUID

import httpx2

from benchmarks.durability_ledger import Ledger, Spoken, Uploaded
from benchmarks.durability_takes import Expected, borders_of, fault_of

_PAGE: Final = 200
_CALL_S: Final = 180.0
"""Calls are made again for so long: the server is being killed meanwhile."""
_AGAIN_S: Final = 0.3
_LOOK_S: Final = 0.5


class NoAnswer(Exception):
    """The server gave none within three minutes."""


class Checks:
    """The one who looks."""

    def __init__(self, url: str, ledger: Ledger, *, key: str | None = None) -> None:
        """Take the server, what was promised, and an API key where people sign in there."""
        self._ledger = ledger
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.AsyncClient(base_url=url, timeout=20, headers=headers)

    async def leave(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def keep_looking(self) -> None:
        """Check what gets finished, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Check everything that is finished and was not checked yet."""
        for spoken in [*self._ledger.sessions.values()]:
            if spoken.transcript is not None and not spoken.is_checked:
                await self._check_session(spoken, spoken.transcript)
        for uploaded in [*self._ledger.recordings.values()]:
            if uploaded.is_stored and uploaded.checked is None:
                await self._check_recording(uploaded)

    async def expected(self, transcript: str) -> Expected:
        """Read what became of a take that nothing disturbed."""
        found = await self._get(f"/v1/history/{transcript}")
        if found is None:
            raise NoAnswer("a transcript is gone even undisturbed")
        return Expected(text=found["text"], borders=borders_of(found["finals"]))

    async def _check_session(self, spoken: Spoken, transcript: str) -> None:
        found = await self._get(f"/v1/history/{transcript}")
        spoken.is_checked = True
        if found is None:
            self._ledger.violated(f"session {spoken.session} is done and not in the history")
            return
        fault = None
        if found["kind"] != "live" or found["finished_at"] is None:
            fault = "its transcript is not finished"
        elif found["text"] != spoken.text:
            fault = "`done` said another text"
        elif spoken.expected is not None:
            fault = fault_of(spoken.take, spoken.expected, found)
            self._ledger.letter_for_letter += found["text"] == spoken.expected.text
        if fault:
            self._ledger.violated(f"session {spoken.session}: {fault}")
        stored = [final["raw"] for final in found["finals"]]
        self._ledger.finals_checked += len(stored)
        self._ledger.shown_otherwise += sum(
            shown != kept for shown, kept in zip(spoken.finals, stored, strict=False)
        )

    async def _check_recording(self, uploaded: Uploaded) -> None:
        found = await self._get(f"/v1/recordings/{uploaded.id}")
        if found is None or not found["is_stored"]:
            uploaded.checked = "lost"
            self._ledger.violated(f"recording {uploaded.id} was stored and is not there")
        elif found["state"] == "failed":
            uploaded.checked = "failed"
            self._ledger.violated(f"recording {uploaded.id} failed: {found['reason']}")
        elif found["state"] == "done":
            uploaded.checked = str(found["transcript"])
            transcript = await self._get(f"/v1/history/{uploaded.checked}")
            fault = None
            if transcript is None:
                fault = "is done and not in the history"
            elif transcript["kind"] != "recording" or transcript["finished_at"] is None:
                fault = "is done and its transcript is not"
            elif uploaded.expected and transcript["text"] != uploaded.expected.text:
                fault = "has another text than undisturbed"
            if fault:
                self._ledger.violated(f"recording {uploaded.id} {fault}")

    async def census(self, *, is_last: bool) -> None:
        """Go through all there is.

        Args:
            is_last: nothing is going on any more, so that nothing else may be there either.
        """
        promised = {
            str(one.checked): f"recording {one.id}"
            for one in self._ledger.recordings.values()
            if one.checked not in (None, "lost", "failed")
        } | {
            one.transcript: f"session {one.session}"
            for one in self._ledger.sessions.values()
            if one.transcript is not None
        }
        stored = {str(one.id) for one in self._ledger.recordings.values() if one.is_stored}
        if len(promised) != sum(
            one.checked not in (None, "lost", "failed") for one in self._ledger.recordings.values()
        ) + sum(one.transcript is not None for one in self._ledger.sessions.values()):
            self._ledger.violated("two of them share a transcript")
        history = Counter([one["id"] for one in await self._all("/v1/history", "items")])
        recordings = Counter([one["id"] for one in await self._all("/v1/recordings", "recordings")])
        for transcript, name in promised.items():
            if history[transcript] != 1:
                self._ledger.violated(f"{name} is in the history {history[transcript]} times")
        for recording in stored:
            if recordings[recording] != 1:
                self._ledger.violated(f"recording {recording} is listed {recordings[recording]}×")
        if is_last:
            deleted = await self._all("/v1/history", "items", deleted="true")
            others = [one for one in history if one not in promised]
            others += [one for one in recordings if UUID(one) not in self._ledger.recordings]
            others += [one["id"] for one in deleted]
            if others:
                self._ledger.violated(f"{len(others)} things are there that nobody made: {others}")

    async def settle(self, limit_s: float) -> None:
        """Wait until every recording that was acknowledged has its transcript, and check them."""
        until = time.monotonic() + limit_s
        while self._ledger.unfinished or self._ledger.unchecked:
            if time.monotonic() > until:
                for one in self._ledger.recordings.values():
                    if one.is_stored and one.checked is None:
                        self._ledger.violated(f"recording {one.id} never became a transcript")
                return
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def _all(self, path: str, of: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self._get(path, limit=str(_PAGE), **query, **cursor)
            if page is None:
                raise NoAnswer(f"{path}: 404")
            found += page[of]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    async def _get(self, path: str, **query: str) -> dict[str, Any] | None:
        """Give the answer; None: 404."""
        until = time.monotonic() + _CALL_S
        status: object = None
        while time.monotonic() < until:
            try:
                answer = await self._http.get(path, params=query)
                status = answer.status_code
                if status == 404:
                    return None
                if status == 200:
                    found: dict[str, Any] = answer.json()
                    return found
            except (httpx2.HTTPError, ValueError) as exc:
                status = type(exc).__name__
            else:
                if status != 503:
                    self._ledger.answers[f"{status} of GET"] += 1
            await asyncio.sleep(_AGAIN_S)
        raise NoAnswer(f"{path}: {status}")
