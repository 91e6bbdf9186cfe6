"""Who this person is at which server: tokens kept in a file that only they can read.

The file is locked while a token is refreshed, so that two programs at once do not use one refresh
token twice; the new one is on disk before anything is done with it.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import filelock
import httpx2
import platformdirs

from service.client.stream import TokenSource
from service.problems import ServiceError

TOKEN_VARIABLE: Final = "ALFAVOICE_TOKEN"  # noqa: S105 - the name of a variable
_ANSWER_S: Final = 20.0
_LOCK_S: Final = 60.0
_SPARE_S: Final = 60.0
"""An access token that ends sooner is refreshed before it is used."""
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a machine reaches itself."""


def config_folder() -> Path:
    """Give the person's folder of settings for this program."""
    return Path(platformdirs.user_config_dir("alfavoice", appauthor=False))


def server_address(server: str) -> str:
    """Give the HTTP address of a server however it was named.

    Without `http://` it needs a port or a dot: one word is more often a mistake than a machine.

    Raises:
        ServiceError: `stream.bad_address`.
    """
    try:
        parts = urlsplit(server if "://" in server else f"http://{server}")
        port = parts.port
    except ValueError:
        raise _no_address() from None
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    host = parts.hostname
    if scheme not in {"http", "https"} or not host or any(map(str.isspace, parts.netloc)):
        raise _no_address()
    if "://" not in server and port is None and "." not in host and host not in LOOPBACK:
        raise _no_address()
    path = parts.path.rstrip("/").removesuffix("/v1/stream")
    return urlunsplit((scheme, parts.netloc.rpartition("@")[2].lower(), path, "", ""))


def _no_address() -> ServiceError:
    return ServiceError("stream.bad_address", "this is not the address of a server")


def is_private(server: str) -> bool:
    """Whether what is sent to a server can be read by nobody on the way."""
    parts = urlsplit(server_address(server))
    return parts.scheme == "https" or parts.hostname in LOOPBACK


class SignedIn:
    """The tokens of this person; every call blocks."""

    def __init__(self, folder: Path, *, now: Callable[[], float]) -> None:
        """Look into a folder.

        Args:
            folder: of the person's settings; made when there is something to keep.
            now: seconds since 1970-01-01 UTC.
        """
        self._file = folder / "signed-in.json"
        self._now = now

    def knows(self, server: str) -> bool:
        """Whether somebody signed in at this server."""
        return server_address(server) in self._read()

    def sign_in(self, server: str, login: str, password: str) -> None:
        """Sign in and keep the tokens.

        Raises:
            ServiceError: as the server refused it; `stream.unreachable`, `stream.not_alfavoice`.
        """
        address = server_address(server)
        with self._locked():
            kept = self._read()
            device = {
                "name": socket.gethostname()[:100] or "computer",
                "platform": sys.platform,
                "client": f"alfavoice-cli {version('alfavoice')}",
            }
            if address in kept:
                device["id"] = kept[address]["device"]
            body = {"login": login, "password": password, "device": device}
            kept[address] = self._tokens(_asked(address, "login", body))
            self._write(kept)

    def sign_out(self, server: str) -> bool:
        """Sign out and forget the tokens; whether there were any.

        A server that does not answer does not hinder it: the sign-in ends there unused.
        """
        address = server_address(server)
        with self._locked():
            kept = self._read()
            tokens = kept.pop(address, None)
            if tokens is None:
                return False
            self._write(kept)
            with suppress(OSError, ServiceError):
                _asked(address, "logout", {"refresh_token": tokens["refresh_token"]})
            return True

    def token(self, server: str) -> str | None:
        """Give an access token good for a minute at least; None if nobody signed in there.

        Raises:
            ServiceError: `session.unauthorised`, the sign-in is over.
            OSError: the server does not answer.
        """
        address = server_address(server)
        if address not in self._read():
            return None
        with self._locked():
            kept = self._read()
            tokens = kept.get(address)
            if tokens is None:
                return None
            if tokens["expires_at"] - self._now() < _SPARE_S:
                body = {"refresh_token": tokens["refresh_token"], "device": tokens["device"]}
                try:
                    tokens = kept[address] = self._tokens(_asked(address, "refresh", body))
                except ServiceError as exc:
                    if exc.code == "auth.session_ended":
                        raise ServiceError("session.unauthorised", exc.message) from None
                    raise
                self._write(kept)
            return str(tokens["access_token"])

    def _tokens(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {
                "access_token": str(answer["access_token"]),
                "expires_at": self._now() + float(answer["expires_in"]),
                "refresh_token": str(answer["refresh_token"]),
                "device": str(answer["device"]),
            }
        except (KeyError, TypeError, ValueError):
            raise _not_ours() from None

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self._file.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, kept: Mapping[str, object]) -> None:
        unfinished = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123
            json.dump(kept, out)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(self._file)

    def _locked(self) -> filelock.BaseFileLock:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return filelock.FileLock(self._file.with_suffix(".lock"), timeout=_LOCK_S)


def token_source(server: str, signed_in: SignedIn | None = None) -> TokenSource:
    """Give where tokens for a server come from: `ALFAVOICE_TOKEN`, or a sign-in that was kept."""
    given = os.environ.get(TOKEN_VARIABLE)
    kept = signed_in or SignedIn(config_folder(), now=lambda: time.time_ns() / 1e9)

    async def token() -> str | None:
        return given or await asyncio.to_thread(kept.token, server)

    return token


def _asked(address: str, what: str, body: Mapping[str, object]) -> Mapping[str, Any]:
    """Ask `/v1/auth/<what>`.

    Raises:
        ServiceError: the server refused it, or is none of ours.
        OSError: it does not answer.
    """
    # No proxy of the environment for what is on this machine.
    is_here = urlsplit(address).hostname in LOOPBACK
    try:
        with httpx2.Client(timeout=_ANSWER_S, trust_env=not is_here) as client:
            answer = client.post(f"{address}/v1/auth/{what}", json=body)
    except httpx2.HTTPError as exc:
        raise ConnectionError(type(exc).__name__) from None
    if answer.status_code == 204:
        return {}
    try:
        told = answer.json()
    except ValueError:
        raise _not_ours() from None
    if not isinstance(told, dict) or not (answer.is_success or "code" in told):
        raise _not_ours()
    if not answer.is_success:
        raise ServiceError(str(told["code"]), str(told.get("detail", "")))
    return told


def _not_ours() -> ServiceError:
    return ServiceError("stream.not_alfavoice", "what answers at this address is not AlfaVoice")
