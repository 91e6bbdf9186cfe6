"""A dictation from beginning to end, as somebody who has an account; nothing of it is left behind."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from websockets.exceptions import WebSocketException

from service.client.events import StreamEvent
from service.client.reconnecting import StreamBroken
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions
from service.diagnosis.finding import Finding, fail, ok, warn
from service.diagnosis.outside.sample import SECONDS, spoken_sample
from service.diagnosis.outside.sockets import opened
from service.diagnosis.outside.target import PATIENCE_S, Target
from service.dictation import wire
from service.problems import ProtocolError, ServiceError

SLOW_S: Final = 2.0
"""From the last sound to the stored text; as `text_slow` of monitoring/thresholds.toml."""
_PATIENCE_S: Final = 60.0
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who dictates: an access token or key, or a login with its password."""

    token: str | None = None
    login: str | None = None
    password: str | None = None
    """None beside a login: it was not asked for, as the server knows no login."""


class NotLetIn(Exception):
    """The server did not take the sign-in."""

    def __init__(self, code: str) -> None:
        """Take the code of the refusal."""
        super().__init__(code)
        self.code = code


@asynccontextmanager
async def signed_in(http: httpx2.AsyncClient, account: Account) -> AsyncIterator[str]:
    """Give a token; who signed in for it is signed out at the end.

    Raises:
        NotLetIn: the server refuses.
    """
    if account.token is not None:
        yield account.token
        return
    body = {
        "login": account.login,
        "password": account.password,
        "device": {"name": "alfavoice doctor", "client": "alfavoice-doctor"},
    }
    told = await _asked(http, "/v1/auth/login", body)
    try:
        yield told["access_token"]
    finally:
        await http.post("/v1/auth/logout", json={"refresh_token": told["refresh_token"]})


async def check_dictation(target: Target, token: str | None) -> list[Finding]:
    """Dictate a sample as fast as it is spoken, and delete what came of it."""
    session = uuid.uuid4().hex
    options = StreamOptions(
        server=target.url,
        token=token,
        partials=False,
        client="alfavoice-doctor",
        pace=1.0,
        patience_s=0,
        silence_s=_PATIENCE_S,
    )
    began: list[StreamEvent] = []  # once anything was heard, the server may store of it
    stream = Stream(HeldAudio(spoken_sample()), options, session=session, show=began.append)
    try:
        async with asyncio.timeout(SECONDS + _PATIENCE_S):
            said = await stream.run()
    except TimeoutError:
        return [fail("dictation", "outside.dictation_slow", seconds=round(_PATIENCE_S))]
    except (ServiceError, StreamBroken) as exc:
        failed = fail("dictation", "outside.dictation_failed", code=exc.code)
        if not began:
            return [failed]
        return [failed, await _forgotten(target, token, session)]
    took_s = said.timing.finalisation_s
    took = round(took_s or 0.0, 2)
    if took_s is None or took_s > SLOW_S:
        found = [warn("dictation", "outside.dictation_slow", seconds=took)]
    else:
        found = [ok("dictation", "outside.dictation", seconds=took)]
    if not said.finals:
        found.append(warn("speech", "outside.dictation_unheard"))
    return [*found, await _forgotten(target, token, session)]


async def _forgotten(target: Target, token: str | None, session: str) -> Finding:
    """Have the session and its transcript deleted for good, as a person's client cancels one."""
    for _ in range(_TRIES):
        try:
            async with (
                opened(target, token=token, is_verified=True) as socket,
                asyncio.timeout(PATIENCE_S),
            ):
                await socket.send(wire.encode(wire.Start(session=session)))
                await socket.send(wire.encode(wire.Cancel()))
                said = [wire.decode_server(message) async for message in socket]
        except (OSError, TimeoutError, WebSocketException, ProtocolError):
            continue
        # `done` says that it was stored once more, before `cancel` was read.
        is_done = any(isinstance(message, wire.Done) for message in said)
        if socket.close_code == wire.CloseCode.NORMAL and not is_done:
            return ok("cleaning", "outside.cleaned")
    return warn("cleaning", "outside.left_behind")


async def _asked(http: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    try:
        told = answer.json()
    except ValueError:
        raise NotLetIn(f"HTTP {answer.status_code}") from None
    if not answer.is_success:
        raise NotLetIn(str(told.get("code", answer.status_code)))
    return dict(told)
