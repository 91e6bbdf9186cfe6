"""Where texts would go: the endpoint that the operator set up, checked before anybody relies on it.

Plain http is taken only to this machine and to networks that are not the internet: what people
dictate would cross it readable by everybody on the way, and so would the key. There is no setting
against that, because TLS in front of a model server is a few lines of any reverse proxy, and a
tunnel gives an address of a private network. A name is taken for private only where the public DNS
cannot hold it: without a dot (ICANN forbids dotless domains, 2013), or under one of the names
reserved for it. What a name resolves to is not asked: it may be another address tomorrow.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx2

from service.problems import SetUpError
from service.settings import Settings

_PRIVATE_NAMES: Final = (
    ".localhost",  # RFC 6761
    ".local",  # RFC 6762, and Kubernetes' svc.cluster.local
    ".home.arpa",  # RFC 8375
    ".internal",  # reserved by ICANN in 2024
)
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
"""RFC 1035, section 2.3.4, and the underscores of container names."""
_LONGEST_KEY: Final = 4096
"""Bytes; servers take heads of 8 KiB as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible server."""

    origin: str
    """`scheme://host:port`: all that anybody is told of its address."""
    path: str = field(repr=False)
    """What comes before `/chat/completions`; may hold the name of an account or worse."""
    model: str | None
    """As the server knows it; None: whichever it has."""
    key: str | None = field(repr=False)
    is_on_this_machine: bool
    """Whether its address says so; a name other than `localhost` is not believed."""

    def url(self, what: str) -> str:
        """Give the address of one of its resources, such as `models`. Not for logs."""
        return f"{self.origin}{self.path}/{what}"

    @property
    def headers(self) -> dict[str, str]:
        """Who we are and that the answer is to come as it is. Not for logs."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        return headers if self.key is None else {**headers, "Authorization": f"Bearer {self.key}"}


def endpoint_of(settings: Settings) -> Endpoint | None:
    """Give the endpoint that the settings name; None: polishing is off.

    Raises:
        SetUpError: `setup.polish_url`, `setup.polish_in_the_clear`, `setup.polish_key`.
    """
    if not settings.polish_url:
        return None
    url = _parts(settings.polish_url.strip())
    host, port = url.hostname or "", _port(url)
    address = _address(host)
    is_on_this_machine = (
        host == "localhost"
        or host.endswith(".localhost")
        or (address is not None and (address.is_loopback or address.is_unspecified))
    )
    if url.scheme == "http" and not (is_on_this_machine or _is_private(host, address)):
        raise SetUpError(
            "setup.polish_in_the_clear",
            "ALFAVOICE_POLISH_URL: what people dictate would cross the internet unencrypted; use "
            "https, or an address of this machine or of a private network",
        )
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(
        origin=f"{url.scheme}://{shown}:{port}",
        path=url.path.rstrip("/"),
        model=settings.polish_model or None,
        key=_key(settings),
        is_on_this_machine=is_on_this_machine,
    )


def _parts(given: str) -> SplitResult:
    try:
        url = urlsplit(given)
        host, _ = url.hostname, url.port
        httpx2.URL(given)  # what will be asked to take it
    except (ValueError, httpx2.InvalidURL):
        raise _no_url("it is no address") from None
    if url.scheme not in ("http", "https"):
        raise _no_url("it begins with http:// or https://")
    if not host or not _could_be_a_host(host):
        raise _no_url("the name of the host is missing or wrong")
    if url.username is not None or url.password is not None:
        raise _no_url("the key belongs into ALFAVOICE_POLISH_KEY, not into the address")
    if url.query or url.fragment or "?" in given or "#" in given:
        raise _no_url("it ends with the path, such as /v1")
    if not url.path.isascii() or any(letter <= " " for letter in given):
        raise _no_url("it has blanks or letters that an address cannot have")
    return url


def _no_url(why: str) -> SetUpError:
    # The address itself is not repeated: it may hold a key.
    return SetUpError(
        "setup.polish_url",
        f"ALFAVOICE_POLISH_URL is not like http://127.0.0.1:8080/v1: {why}",
    )


def _could_be_a_host(host: str) -> bool:
    """Tell names from numbers that are none: resolvers read 134744072 as 8.8.8.8."""
    if _address(host) is not None:
        return True
    last = host.rstrip(".").rpartition(".")[2]
    is_number = last.isdigit() or last.startswith("0x")
    return _NAME.fullmatch(host) is not None and not is_number


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped  # ::ffff:8.8.8.8 is 8.8.8.8 and not a private address
    return address


def _is_private(host: str, address: IPv4Address | IPv6Address | None) -> bool:
    if address is not None:
        # With 100.64.0.0/10 (RFC 6598), where Tailscale and the like have their addresses.
        return not address.is_global and not address.is_multicast
    name = host.rstrip(".")
    return "." not in name or name.endswith(_PRIVATE_NAMES)


def _key(settings: Settings) -> str | None:
    """Give the key, of the variable or else of the file."""
    if settings.polish_key is not None and settings.polish_key.get_secret_value():
        key = settings.polish_key.get_secret_value().strip()
    elif settings.polish_key_file is not None:
        key = _read_key(settings.polish_key_file)
    else:
        return None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SetUpError(
            "setup.polish_key",
            "ALFAVOICE_POLISH_KEY or its file does not hold one line of Latin letters, digits and signs",
        )
    return key


def _read_key(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            found = opened.read(_LONGEST_KEY + 1)
        if len(found) <= _LONGEST_KEY:
            return found.decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        pass
    raise SetUpError(
        "setup.polish_key",
        f"ALFAVOICE_POLISH_KEY_FILE cannot be read, or is longer than {_LONGEST_KEY} bytes",
    )
