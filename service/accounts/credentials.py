"""What a request or socket shows to prove who it is.

    Authorization: Bearer <access token | API key>     our clients, OpenAI's
    Authorization: Token <API key>                     Deepgram's
    Sec-WebSocket-Protocol: alfavoice.v1, ticket.<ticket>          browsers
    Sec-WebSocket-Protocol: token, <API key>                       Deepgram's in browsers
    Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.<API key>   OpenAI's in browsers

Never a query parameter: addresses end up in logs.
"""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from starlette.requests import HTTPConnection

from service.accounts.opaque import API_KEY_PREFIX

TICKET_SUBPROTOCOL: Final = "ticket."
_OPENAI_SUBPROTOCOL: Final = "openai-insecure-api-key."
_DEEPGRAM_SUBPROTOCOL: Final = "token"
MAX_LETTERS: Final = 4_000


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A JWT."""

    value: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for a program."""

    value: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A single-use ticket."""

    value: str


def credential_of(connection: HTTPConnection) -> AccessToken | ApiKey | Ticket | None:
    """Read what is shown; None if it is nothing."""
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, value = header.partition(" ")
        value = value.strip()
        if scheme.lower() in {"bearer", "token"} and 0 < len(value) <= MAX_LETTERS:
            return _token_or_key(value)
        return None
    offered = [str(one) for one in connection.scope.get("subprotocols", [])]
    for one, following in zip_longest(offered, offered[1:], fillvalue=""):
        if one.startswith(TICKET_SUBPROTOCOL):
            return Ticket(one.removeprefix(TICKET_SUBPROTOCOL))
        if one.startswith(_OPENAI_SUBPROTOCOL):
            return ApiKey(one.removeprefix(_OPENAI_SUBPROTOCOL))
        if one == _DEEPGRAM_SUBPROTOCOL and following:
            return _token_or_key(following)
    return None


def _token_or_key(value: str) -> AccessToken | ApiKey:
    return ApiKey(value) if value.startswith(API_KEY_PREFIX) else AccessToken(value)
