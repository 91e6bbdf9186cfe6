"""A text finished by a server, as the person who is signed in there."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from service.client.signed_in import LOOPBACK, server_address
from service.client.stream import TokenSource
from service.finishing.messages import FinishedText
from service.problems import ServiceError

ANSWER_S: Final = 120.0
"""A server gives the longest text 110 s before it gives up."""


async def finished_at(
    server: str, request: Mapping[str, object], token_source: TokenSource
) -> FinishedText:
    """Ask `POST /v1/text` of a server.

    Args:
        server: its address, however it was named.
        request: fields of a `TextRequest`.
        token_source: gives the token of who asks.

    Raises:
        ServiceError: as the server refused it; `stream.unreachable`, `stream.not_alfavoice`,
            `stream.bad_address`, `session.unauthorised`.
    """
    address = server_address(server)
    try:
        token = await token_source()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # No proxy of the environment for what is on this machine.
        is_here = urlsplit(address).hostname in LOOPBACK
        async with httpx2.AsyncClient(timeout=ANSWER_S, trust_env=not is_here) as client:
            answer = await client.post(f"{address}/v1/text", json=request, headers=headers)
    except (httpx2.HTTPError, OSError):
        raise ServiceError("stream.unreachable", "the server does not answer") from None
    if not answer.is_success:
        raise _refusal(answer)
    try:
        return FinishedText.model_validate_json(answer.content)
    except ValidationError:
        raise _not_ours() from None


def _refusal(answer: httpx2.Response) -> ServiceError:
    try:
        problem = answer.json()
        return ServiceError(str(problem["code"]), str(problem["detail"]))
    except (ValueError, KeyError, TypeError):
        return _not_ours()


def _not_ours() -> ServiceError:
    return ServiceError("stream.not_alfavoice", "what answers at this address is not AlfaVoice")
