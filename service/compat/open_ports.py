"""Ports of protocols that know no login: which the settings open, and whether they may.

Whoever reaches such a port dictates as one person. On a server without login that is the local
person, and the port is open to this machine only; otherwise it is the person whom the operator
named for it. They are bound before anything slow starts, so that what is wrong is said at once.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from socket import socket

from service.listening import listen
from service.problems import SetUpError
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPort:
    """A bound port."""

    protocol: str
    """Its name in settings, such as `wyoming` of ALFAVOICE_WYOMING_PORT."""
    user: str | None
    """Login of the person who dictates there; None: the local person."""
    listener: socket

    @property
    def number(self) -> int:
        """The TCP port."""
        return int(self.listener.getsockname()[1])


@contextmanager
def open_ports(settings: Settings, *, login_is_required: bool) -> Iterator[Mapping[str, OpenPort]]:
    """Bind the ports that the settings open, by protocol; close them at the end.

    Raises:
        SetUpError: `setup.open_port_without_user`, `setup.open_port_beyond_loopback`, or one cannot
            be opened.
    """
    asked = {
        "wyoming": (settings.wyoming_host, settings.wyoming_port, settings.wyoming_user),
        "vosk": (settings.vosk_host, settings.vosk_port, settings.vosk_user),
    }
    ports: dict[str, OpenPort] = {}
    with ExitStack() as stack:
        for protocol, (host, number, user) in asked.items():
            if number:
                if login_is_required and not user:
                    raise _without_user(protocol)
                listener = stack.enter_context(_listener(protocol, host, number))
                if not login_is_required and not ip_address(listener.getsockname()[0]).is_loopback:
                    raise _beyond_loopback(protocol)
                ports[protocol] = OpenPort(protocol=protocol, user=user, listener=listener)
        yield ports


def _listener(protocol: str, host: str, number: int) -> socket:
    try:
        return listen(host, number)
    except SetUpError as exc:
        raise SetUpError(
            exc.code, f"{_setting(protocol)}_PORT: port {number} on {host} cannot be opened"
        ) from exc


def _without_user(protocol: str) -> SetUpError:
    setting = _setting(protocol)
    return SetUpError(
        "setup.open_port_without_user",
        f"people sign in on this server, but its {protocol} port knows no login: name the account "
        f"that dictates there with {setting}_USER, or close it with {setting}_PORT=0",
        protocol=protocol,
        setting=setting,
    )


def _beyond_loopback(protocol: str) -> SetUpError:
    setting = _setting(protocol)
    return SetUpError(
        "setup.open_port_beyond_loopback",
        f"whoever reaches the {protocol} port dictates without login: have people sign in "
        f"(ALFAVOICE_LOGIN=required) and name an account with {setting}_USER, or set "
        f"{setting}_HOST to 127.0.0.1",
        protocol=protocol,
        setting=setting,
    )


def _setting(protocol: str) -> str:
    return f"ALFAVOICE_{protocol.upper()}"
