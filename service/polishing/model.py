"""The line to the model's server: one request, one answer of bounded size, in bounded time.

The transport of the HTTP library is used, not its client: it follows no redirect (the text would go
where nobody said it would), keeps no cookies (one person's would be sent with another's text), asks
the environment for no proxy and writes no addresses into the log.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

import httpx2

from service.polishing.endpoint import Endpoint
from service.polishing.outcomes import NotPolished, Outcome

_CONNECT_S: Final = 3.0
"""One lost SYN is sent again after a second (RFC 6298, section 2)."""
_KEEP_S: Final = 4.0
"""An idle connection is kept for less than servers keep it: vLLM (uvicorn) and llama.cpp
(cpp-httplib) close after 5 s, and a request that crosses the closing fails."""
_BUSY: Final = frozenset({429, 503})


class Model:
    """One pool of connections to the endpoint; open while the application lives."""

    def __init__(
        self, endpoint: Endpoint, *, timeout_s: float, at_once: int, most_bytes: int
    ) -> None:
        """Make it.

        Args:
            endpoint: where texts go.
            timeout_s: for everything, from the first packet to the last byte of the answer.
            at_once: connections at most.
            most_bytes: of an answer's body.
        """
        self._url = endpoint.url("chat/completions")
        self._headers = {**endpoint.headers, "Content-Type": "application/json"}
        self._timeout_s = timeout_s
        self._most_bytes = most_bytes
        self._phases = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)).as_dict()
        self._transport = httpx2.AsyncHTTPTransport(
            limits=httpx2.Limits(
                max_connections=at_once,
                max_keepalive_connections=at_once,
                keepalive_expiry=_KEEP_S,
            )
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def complete(self, body: bytes) -> bytes:
        """Ask for a chat completion; cancelled, it closes the connection, which stops the model.

        Raises:
            NotPolished: `timed_out`, `unreachable`, `busy`, `refused`, `unreadable`.
        """
        request = httpx2.Request(
            "POST",
            self._url,
            headers=self._headers,
            content=body,
            extensions={"timeout": self._phases},
        )
        try:
            # The time-outs of the library are between two pieces; a server that drips would never
            # meet them.
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    return await self._body(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx2.TimeoutException):
            raise NotPolished(Outcome.TIMED_OUT) from None
        except httpx2.TransportError:  # its words may repeat what was sent or answered
            raise NotPolished(Outcome.UNREACHABLE) from None

    async def _body(self, response: httpx2.Response) -> bytes:
        if response.status_code != 200:
            is_busy = response.status_code in _BUSY
            raise NotPolished(Outcome.BUSY if is_busy else Outcome.REFUSED)
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > self._most_bytes:
                raise NotPolished(Outcome.UNREADABLE)
        return bytes(body)
