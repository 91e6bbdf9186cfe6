"""Bodies of requests are bounded: what is longer is refused before it fills the memory."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from service.problems import RequestRefused

KIB: Final = 1024
MIB: Final = 1024 * KIB


def bodies_up_to(limit_bytes: int) -> type[APIRoute]:
    """Make the class of routes whose bodies may have so many bytes; others get 413.

    For `APIRouter(route_class=…)`.
    """

    class BoundedRoute(APIRoute):
        """A route that stops reading a body that is too long."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def bounded(request: Request) -> Response:
                received = 0
                receive = request.receive

                async def counted() -> Message:
                    nonlocal received
                    message = await receive()
                    received += len(message.get("body", b""))
                    if received > limit_bytes:
                        # The one exception that FastAPI lets through while it reads a body.
                        raise HTTPException(413)
                    return message

                declared = request.headers.get("content-length", "")
                if declared.isdecimal() and int(declared) > limit_bytes:
                    raise HTTPException(413)
                return await handle(Request(request.scope, counted, request._send))

            return bounded

    return BoundedRoute


async def pieces(request: Request, *, limit_bytes: int) -> AsyncIterator[bytes]:
    """Give a body as it comes.

    Raises:
        RequestRefused: `request.too_large`, once more than the limit came.
    """
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > limit_bytes:
            raise RequestRefused(
                "request.too_large", f"the body is longer than {limit_bytes} bytes", status=413
            )
        if piece:
            yield piece
