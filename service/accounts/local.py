"""A server for one person: whoever can reach it from this machine is that person.

That holds only while nobody else can reach it. So a request is refused when it came from another
machine, through a proxy (which would make everybody local), under a name (which somebody else may
have pointed at this machine) or from a web page of another address.
"""

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from socket import socket
from typing import Final, Literal

from starlette.requests import HTTPConnection

from service.accounts.addresses import FORWARDING_HEADERS, peer_address
from service.accounts.origins import host_of, is_no_name
from service.accounts.principal import LOCAL_PRINCIPAL, Principal
from service.problems import RequestRefused, SetUpError

_OWN_SITES: Final = frozenset({"none", "same-origin"})
"""Of `Sec-Fetch-Site` (W3C Fetch Metadata): the address was typed, or a page of ours asks. Programs
send no such header."""


def login_is_required(login: Literal["auto", "required", "off"], listener: socket) -> bool:
    """Decide whether people must sign in.

    Args:
        login: the setting; `auto` means: unless only this machine can reach us.
        listener: bound already, so that what counts is the address and not how it was written.

    Raises:
        SetUpError: `setup.login_off_beyond_loopback`.
    """
    is_loopback = ip_address(listener.getsockname()[0]).is_loopback
    if login == "off" and not is_loopback:
        raise SetUpError(
            "setup.login_off_beyond_loopback",
            "ALFAVOICE_LOGIN=off is for a server that only this machine can reach: listen on "
            "127.0.0.1, or let people sign in",
        )
    return login == "required" or (login == "auto" and not is_loopback)


class LocalAuthenticator:
    """Everybody who is on this machine is the one local person."""

    def __init__(self, origin_is_allowed: Callable[[str | None, str | None], bool]) -> None:
        self._origin_is_allowed = origin_is_allowed

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Give the local principal.

        Raises:
            RequestRefused: `auth.login_required`, it may be somebody else.
        """
        headers = connection.headers
        if any(name in headers for name in FORWARDING_HEADERS):
            raise _refused("it came through a proxy")
        peer = peer_address(connection)
        if peer is None or not peer.is_loopback:
            raise _refused("it came from another machine")
        host = headers.get("host", "")
        if host and not is_no_name(host_of(host)):
            raise _refused("it names the server otherwise than localhost or by its number")
        origin = headers.get("origin")
        if not self._origin_is_allowed(origin, host):
            raise _refused("it came from a web page of another address")
        # Images, sound, scripts and links of pages carry no `Origin`, but where they are from.
        if origin is None and headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            raise _refused("it came from a web page of another address")
        return LOCAL_PRINCIPAL

    async def lost(self, principals: Sequence[Principal]) -> list[Principal]:
        """Give none: the local person is never signed out."""
        return []


def _refused(why: str) -> RequestRefused:
    return RequestRefused(
        "auth.login_required",
        f"this server serves one person without login and refuses this request: {why}. To let "
        "others in, set ALFAVOICE_LOGIN=required",
        status=403,
    )
