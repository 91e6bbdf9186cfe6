"""Bodies of requests are bounded in size and time: what is longer is refused before it fills the memory.

Frameworks read a JSON body whole before they look at it, and at who sends it: without a limit
anybody could fill the memory, and without a time anybody could have it held for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.operations.problem_json import answer_for
from service.problems import RequestRefused, ServiceError

Identify: TypeAlias = Callable[[HTTPConnection], Awaitable[object]]
KIB: Final = 1024
MIB: Final = 1024 * KIB
BODY_S: Final = 150.0
"""For a whole body: 16 MiB, the longest there is, at 900 kbit/s."""
_PATIENCE_S: Final = 60.0
"""Who neither sends nor reads anything for so long is gone."""


class BodyLimit:
    """ASGI middleware: refuses what is too long (413) or too slow (408), by beginning of the path.

    Of somebody who is nobody little is read anywhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        otherwise: int,
        limits: Mapping[str, int | None],
        identify: Identify,
        longest_s: float = BODY_S,
    ) -> None:
        """Wrap an application.

        Args:
            app: what is wrapped.
            otherwise: bytes that a body may have whose path is not among the limits.
            limits: bytes, by beginning of the path, the longest beginning counts; None: the route
                limits itself, as it reads the body piece by piece.
            identify: raises ServiceError for who is nobody; asked before more than `otherwise` is
                read of a body.
            longest_s: for a body that is limited here to arrive.
        """
        self._identify = identify
        self._app = app
        self._otherwise = otherwise
        self._limits = sorted(limits.items(), key=lambda one: -len(one[0]))
        self._longest_s = longest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        limit = self._limit(scope)
        if limit is None:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > limit:
            await answer_for(_too_large(limit))(scope, receive, send)
            return
        is_chunked = b"transfer-encoding" in headers
        if limit > self._otherwise and (is_chunked or int(length) > self._otherwise):
            try:
                await self._identify(HTTPConnection(scope))
            except ServiceError as exc:
                await answer_for(exc)(scope, receive, send)
                return
        received, has_ended = 0, False
        until = asyncio.get_running_loop().time() + self._longest_s

        async def bounded() -> Message:
            nonlocal received, has_ended
            try:
                async with asyncio.timeout_at(None if has_ended else until):
                    message = await receive()
            except TimeoutError:
                # The one exception that FastAPI lets through while it reads a body.
                raise HTTPException(408) from None
            received += len(message.get("body", b""))
            has_ended = not message.get("more_body", False)
            if received > limit:  # chunked, or longer than it said
                raise HTTPException(413)
            return message

        await self._app(scope, bounded, send)

    def _limit(self, scope: Scope) -> int | None:
        if scope["type"] != "http":
            return None
        path: str = scope["path"]
        for beginning, limit in self._limits:
            if path.startswith(beginning):
                return limit
        return self._otherwise


async def pieces(
    request: Request, *, limit_bytes: int, patience_s: float = _PATIENCE_S
) -> AsyncIterator[bytes]:
    """Give a body as it comes.

    Args:
        request: not read yet.
        limit_bytes: of the whole body.
        patience_s: how long nothing may come.

    Raises:
        RequestRefused: `request.too_large`, once more than the limit came; `request.too_slow`.
    """
    received = 0
    parts = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(patience_s):
                piece = await anext(parts, None)
        except TimeoutError:
            raise RequestRefused(
                "request.too_slow", "nothing came for too long: send it again", status=408
            ) from None
        if piece is None:
            return
        received += len(piece)
        if received > limit_bytes:
            raise _too_large(limit_bytes)
        if piece:
            yield piece


class StreamedFile(StreamingResponse):
    """A long answer that ends when its reader takes nothing of it for too long."""

    patience_s: float = _PATIENCE_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""

        async def patient(message: Message) -> None:
            try:
                async with asyncio.timeout(self.patience_s):
                    await send(message)
            except TimeoutError:
                raise ClientDisconnect from None

        try:
            await super().__call__(scope, receive, patient)
        except ClientDisconnect:
            return  # cut off: the server closes a connection whose answer is not whole


def _too_large(limit_bytes: int) -> RequestRefused:
    return RequestRefused(
        "request.too_large", f"this route takes bodies of at most {limit_bytes} bytes", status=413
    )
