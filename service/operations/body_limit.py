"""Bodies of requests end at a size, before anything reads them.

Frameworks read a JSON body whole before they look at it: without a limit anybody could fill the
memory without even signing in.
"""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.operations.problem_json import answer_for
from service.problems import RequestRefused

_REFUSED: Final = RequestRefused(
    "request.too_large", "the body is larger than this route takes", status=413
)


class BodyLimit:
    """ASGI middleware: refuses what is too long, by the first part of the path."""

    def __init__(self, app: ASGIApp, *, limits: Mapping[str, int]) -> None:
        """Wrap an application.

        Args:
            app: what is wrapped.
            limits: bytes, by beginning of the path; other paths limit themselves.
        """
        self._app = app
        self._limits = dict(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        limit = self._limit(scope)
        if limit is None:
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > limit:
            await answer_for(_REFUSED)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # Chunked, or longer than it said: the route sees its client go away.
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, counted, send)

    def _limit(self, scope: Scope) -> int | None:
        if scope["type"] != "http":
            return None
        path: str = scope["path"]
        for beginning, limit in self._limits.items():
            if path.startswith(beginning):
                return limit
        return None
