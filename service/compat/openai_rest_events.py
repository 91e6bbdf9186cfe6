"""A request told as it comes (`stream=true`), for as long as its client is there.

A stream begins with the first text: what fails before has an HTTP status of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.compat.openai_rest_answers import Transcribed, delta_event, done_event, sent_event
from service.compat.openai_rest_errors import answer_for, described
from service.dictation.wire import Final as FinalMessage
from service.operations.attending import attended
from service.problems import ServiceError

SEND_TIMEOUT_S: Final = 60.0
"""A client that reads nothing for this long is gone."""
Told = Callable[[FinalMessage], Awaitable[None]]
log = structlog.get_logger()


class TranscriptEvents(Response):
    """The answer to a streamed request: `transcript.text.delta`, …, `transcript.text.done`."""

    media_type = "text/event-stream"

    def __init__(
        self,
        work: Callable[[Told], Coroutine[Any, Any, Transcribed]],
        *,
        logprobs: bool,
        held: AsyncExitStack,
    ) -> None:
        """Make the answer.

        Args:
            work: transcribes, telling each final.
            logprobs: whether to tell them too.
            held: what the work needs; let go of at the end.
        """
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._work = work
        self._logprobs = logprobs
        self._held = held
        self._has_begun = False
        self._has_text = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do the work and tell of it."""

        async def told(final: FinalMessage) -> None:
            if final.text:
                text = f"{final.glue}{final.text}" if self._has_text else final.text
                self._has_text = True
                words = final.words if self._logprobs else None
                await self._send(send, delta_event(text, logprobs=words))

        async with self._held:
            try:
                said = await attended(receive, self._work(told))
                await self._send(send, done_event(said, logprobs=self._logprobs))
                await self._end(send)
            except (ClientDisconnect, OSError, TimeoutError):
                return
            except ServiceError as exc:
                if not self._has_begun:
                    await answer_for(exc)(scope, receive, send)
                    return
                log.warning("stream_failed", code=exc.code)
                await self._send(send, sent_event({"error": described(exc).model_dump()}))
                await self._end(send)

    async def _send(self, send: Send, event: bytes) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            if not self._has_begun:
                self._has_begun = True
                headers = [h for h in self.raw_headers if h[0] != b"content-length"]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _end(self, send: Send) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
