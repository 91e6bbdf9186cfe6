"""From which address a request comes, and whether it came through a proxy.

`X-Forwarded-For` is believed only as far as known proxies wrote it: read from the right, the first
address that is not a known proxy's is the client's (the rest is what the client says of itself).
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

from starlette.requests import HTTPConnection

from service.operations.audit import Address

Network: TypeAlias = IPv4Network | IPv6Network
FORWARDING_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_MOST_HOPS: Final = 20


def read_address(text: str) -> Address | None:
    """Read an address as peers and proxies write it, with or without brackets; None if it is none."""
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def peer_address(connection: HTTPConnection) -> Address | None:
    """Give the address at the other end of the wire."""
    return None if connection.client is None else read_address(connection.client.host)


class ClientAddresses:
    """Finds out whom a request comes from."""

    def __init__(self, trusted_proxies: Sequence[Network]) -> None:
        self._trusted = tuple(trusted_proxies)

    def of(self, connection: HTTPConnection) -> Address | None:
        """Give the client's address; None over a local socket."""
        address = peer_address(connection)
        lines = connection.headers.getlist("x-forwarded-for")
        hops = [hop for line in lines for hop in line.split(",")][-_MOST_HOPS:]
        while address is not None and self._is_trusted(address) and hops:
            before = read_address(hops.pop())
            if before is None:
                break
            address = before
        return address

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)
