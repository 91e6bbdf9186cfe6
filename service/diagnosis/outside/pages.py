"""What the server answers over HTTP to somebody who is not signed in."""

import email.utils
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from service.diagnosis.finding import Finding, fail, ok, warn
from service.diagnosis.outside.target import PATIENCE_S, Target, client
from service.recordings.recording import MAX_CHUNK_BYTES
from service.storage.identifiers import uuid7

MOST_CLOCK_S: Final = 10
"""Difference of clocks: tokens last minutes, and `Date` counts whole seconds."""
_TOO_LONG: Final = 1024 * 1024
"""Bytes that no sign-in has."""
_WRONG_TRIES: Final = 8
"""More than the wrong passwords that cost nothing (service/accounts/throttling.py)."""


async def check_health(http: httpx2.AsyncClient) -> list[Finding]:
    """See whether it is ours, runs, is ready and of our version; fewer findings: it is not ours."""
    try:
        live = _told(await http.get("/health/live"))
        answer = await http.get("/health/ready")
        ready = _told(answer)
    except httpx2.HTTPError as exc:
        return [fail("live", "outside.silent", kind=type(exc).__name__)]
    if live.get("status") != "alive" or "ready" not in ready:
        return [fail("live", "outside.not_alfavoice", status=answer.status_code)]
    found = [ok("live", "outside.live")]
    if ready["ready"] is True:
        found.append(ok("ready", "outside.ready"))
    else:
        reasons = ", ".join(map(str, ready.get("reasons") or ()))
        found.append(fail("ready", "outside.not_ready", reasons=reasons))
    theirs, ours = str(ready.get("version", "")), version("alfavoice")
    if theirs == ours:
        found.append(ok("version", "outside.version", version=ours))
    else:
        found.append(warn("version", "outside.version_other", theirs=theirs, ours=ours))
    return found


async def check_pages(http: httpx2.AsyncClient, target: Target) -> list[Finding]:
    """See what is open that should not be, and whether headers and clock are right."""
    front = await http.get("/health/live")
    return [
        *_headers(front, target),
        _clock(front),
        await _metrics(http, target),
        await _documents(http),
        await _login(http, target),
        await _library(http, target),
    ]


async def check_bodies(target: Target, *, is_verified: bool) -> list[Finding]:
    """See that a part of a recording passes the proxy, and that nothing endless does.

    Each on a connection of its own: a proxy that answers before it has read a body reads on, and may take the
    next request for more of it; that one is never answered.
    """
    found = []
    path = f"/v1/recordings/{uuid7(time.time_ns() // 1_000_000)}/audio"
    async with client(target, is_verified=is_verified) as alone:
        chunk = bytes(MAX_CHUNK_BYTES)
        answer = await alone.patch(path, content=chunk, headers={"Upload-Offset": "0"})
    megabytes = MAX_CHUNK_BYTES // 1024**2
    if answer.status_code == 413:
        found.append(fail("chunks", "outside.chunks_refused", megabytes=megabytes))
    else:
        found.append(ok("chunks", "outside.chunks", megabytes=megabytes))
    async with client(target, is_verified=is_verified) as alone:
        answer = await alone.post("/v1/auth/login", content=b" " * _TOO_LONG)
    if answer.status_code in (413, 429):
        found.append(ok("bodies", "outside.bodies"))
    else:
        found.append(warn("bodies", "outside.bodies_any", status=answer.status_code))
    return found


async def check_guessing(http: httpx2.AsyncClient) -> Finding:
    """Guess the password of an account that does not exist until it is slowed down."""
    body = {
        "login": f"doctor-{time.time_ns() % 10**9}",
        "password": "not the password of anybody",
        "device": {"name": "alfavoice doctor"},
    }
    for tries in range(1, _WRONG_TRIES + 1):
        answer = await http.post("/v1/auth/login", json=body)
        if answer.status_code == 429:
            return ok("guessing", "outside.guessing", tries=tries)
    return fail("guessing", "outside.guessing_free", tries=_WRONG_TRIES)


async def check_redirect(target: Target, *, port: int | None) -> Finding | None:
    """See where plain HTTP leads.

    Args:
        target: of which it is another port.
        port: of plain HTTP; None: 80 where the server is at 443, else there is nothing to look at.
    """
    if port is None:
        if target.port != 443:
            return None
        port = 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_S, trust_env=False) as http:
            answer = await http.get(f"http://{host}:{port}/health/live")
    except httpx2.HTTPError:
        return ok("redirect", "outside.redirect_closed", port=port)
    if answer.is_redirect:
        if urlsplit(answer.headers.get("Location", "")).scheme == "https":
            return ok("redirect", "outside.redirect", port=port)
        return warn("redirect", "outside.redirect_elsewhere", port=port)
    if "alive" in answer.text[:200]:
        return fail("redirect", "outside.redirect_none", port=port)
    return warn("redirect", "outside.redirect_elsewhere", port=port)


def _headers(answer: httpx2.Response, target: Target) -> list[Finding]:
    wanted = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": None}
    missing = [
        name
        for name, value in wanted.items()
        if name not in answer.headers or (value and answer.headers[name].lower() != value)
    ]
    if not target.is_encrypted:
        return []
    if "max-age" not in answer.headers.get("Strict-Transport-Security", ""):
        missing.insert(0, "Strict-Transport-Security")
    if missing:
        return [warn("headers", "outside.headers_missing", names=", ".join(missing))]
    return [ok("headers", "outside.headers")]


def _clock(answer: httpx2.Response) -> Finding:
    try:
        theirs = email.utils.parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return warn("clock", "outside.clock_none")
    off = round((theirs - datetime.now(UTC)).total_seconds())
    if abs(off) > MOST_CLOCK_S:
        return warn("clock", "outside.clock_off", seconds=abs(off))
    return ok("clock", "outside.clock")


async def _metrics(http: httpx2.AsyncClient, target: Target) -> Finding:
    answer = await http.get("/metrics")
    if answer.status_code == 200 and "alfavoice_" in answer.text:
        if target.is_here:
            return ok("metrics", "outside.metrics_here")
        return fail("metrics", "outside.metrics_open")
    return ok("metrics", "outside.metrics", status=answer.status_code)


async def _documents(http: httpx2.AsyncClient) -> Finding:
    opened = []
    for path in ("/docs", "/redoc"):
        answer = await http.get(path)
        if answer.status_code == 200 and "openapi" in answer.text.lower():
            opened.append(path)
    if opened:
        return warn("documents", "outside.documents_open", paths=", ".join(opened))
    return ok("documents", "outside.documents")


async def knows_no_login(target: Target) -> bool:
    """Whether the server says that it lets everybody in; False, too, where it says nothing."""
    try:
        async with client(target, is_verified=False) as http:  # nothing secret is asked or told
            told = _told(await http.get("/v1/auth/setup"))
    except httpx2.HTTPError:
        return False
    return told.get("login_required") is False


async def _login(http: httpx2.AsyncClient, target: Target) -> Finding:
    told = _told(await http.get("/v1/auth/setup"))
    if told.get("login_required") is not True:
        key = "outside.login_off_here" if target.is_here else "outside.login_off"
        return (ok if target.is_here else fail)("login", key)
    if told.get("has_admin") is not True:
        return warn("login", "outside.login_nobody")
    return ok("login", "outside.login")


async def _library(http: httpx2.AsyncClient, target: Target) -> Finding:
    answer = await http.get("/v1/history")
    if answer.status_code == 401:
        return ok("history", "outside.history")
    if answer.status_code == 200 and target.is_here:
        return ok("history", "outside.history_here")
    status = answer.status_code
    return (fail if status == 200 else warn)("history", "outside.history_open", status=status)


def _told(answer: httpx2.Response) -> Mapping[str, Any]:
    """Give a JSON object that was answered; empty where it is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
