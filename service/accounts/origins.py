"""Which web pages may talk to a server that asks nobody to sign in, and open its sockets."""

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit


def origin_check(allowed: tuple[str, ...]) -> Callable[[str | None, str | None], bool]:
    """Make the check of an `Origin`: programs send none, pages only those we know.

    A page of the server itself is known if its address is `localhost` or a number: a name could be
    anybody's, pointed at this machine to get past the browser (DNS rebinding).

    Args:
        allowed: origins besides, such as `https://dictate.example.org`.
    """

    def is_allowed(origin: str | None, host: str | None) -> bool:
        if origin is None:
            return True
        if origin in allowed:
            return True
        try:
            address = urlsplit(origin)
            name = address.hostname or ""
        except ValueError:
            return False
        return address.netloc == host and is_no_name(name)

    return is_allowed


def host_of(header: str) -> str:
    """Give the host of a `Host` header, without port and brackets; empty if it has none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def is_no_name(host: str) -> bool:
    """Whether a host is `localhost` or a number, which nobody can point elsewhere."""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
