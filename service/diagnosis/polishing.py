"""Whether the language model that rewrites texts is set up and answers. No text is sent to it."""

import asyncio
from typing import Any, Final

import httpx2
import msgspec

from service.diagnosis.finding import Finding, fail, ok, warn
from service.polishing.endpoint import Endpoint, endpoint_of
from service.problems import SetUpError
from service.settings import Settings

_PATIENCE_S: Final = 3.0
_MOST_BYTES: Final = 1024 * 1024
"""A list of models; that of a large gateway has some hundred kilobytes."""


def check_polishing(settings: Settings) -> Finding:
    """Ask the server for its models; the list is asked for with the key, as texts would be."""
    try:
        endpoint = endpoint_of(settings)
    except SetUpError as exc:
        return fail("polishing", f"error.{exc.code}")
    if endpoint is None:
        return ok("polishing", "doctor.polish_off")
    try:
        return asyncio.run(_answers(endpoint))
    except (TimeoutError, httpx2.TransportError) as exc:
        return warn(
            "polishing", "doctor.polish_unreachable", host=endpoint.origin, kind=type(exc).__name__
        )


async def _answers(endpoint: Endpoint) -> Finding:
    host = endpoint.origin
    # The transport, as `service.polishing.model` says why: no redirects, no proxy, no log.
    async with asyncio.timeout(_PATIENCE_S), httpx2.AsyncHTTPTransport() as transport:
        request = httpx2.Request("GET", endpoint.url("models"), headers=endpoint.headers)
        response = await transport.handle_async_request(request)
        try:
            if response.status_code != 200:
                status = response.status_code
                return warn("polishing", "doctor.polish_status", host=host, status=status)
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _MOST_BYTES:
                    break
        finally:
            await response.aclose()
    names = _names(bytes(body))
    if endpoint.model is not None and names and endpoint.model not in names:
        return warn("polishing", "doctor.polish_model_unknown", host=host, model=endpoint.model)
    return ok("polishing", "doctor.polish", host=host)


def _names(body: bytes) -> set[str]:
    """Give the names in a list of models; none where it is no such list, which no server must have."""
    try:
        told: Any = msgspec.json.decode(body)
        return {str(one["id"]) for one in told["data"]}
    except (msgspec.MsgspecError, RecursionError, TypeError, KeyError, ValueError):
        return set()
