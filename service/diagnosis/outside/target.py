"""Which server is looked at, and how it is spoken to."""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx2

from service.client.signed_in import server_address

PATIENCE_S: Final = 10.0
"""For one question. Somebody who waits longer for a page takes the server for dead."""
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server by its address."""

    url: str
    """`http(s)://host[:port]`, perhaps with a path."""
    host: str
    port: int
    is_encrypted: bool
    is_here: bool
    """Whether the address is of this very machine, which nobody else reaches."""


def target_of(server: str) -> Target:
    """Read an address; without `http://` it is an `https://` one, as people are to use it.

    Raises:
        ServiceError: `stream.bad_address`.
    """
    url = server_address(server if "://" in server else f"https://{server}")
    parts = urlsplit(url)
    return Target(
        url=url,
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        is_encrypted=parts.scheme == "https",
        is_here=_is_loopback(parts.hostname or ""),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def context(*, is_verified: bool) -> ssl.SSLContext:
    """Give what a connection is encrypted with.

    Args:
        is_verified: False only to look at a server whose certificate is known to be wrong; nothing
            secret goes over such a connection.
    """
    made = ssl.create_default_context()
    if not is_verified:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def client(target: Target, *, is_verified: bool) -> httpx2.AsyncClient:
    """Give what asks the server: directly, by no proxy of the environment, following nothing."""
    return httpx2.AsyncClient(
        base_url=target.url,
        verify=context(is_verified=is_verified) if target.is_encrypted else True,
        timeout=PATIENCE_S,
        trust_env=False,
        follow_redirects=False,
    )
