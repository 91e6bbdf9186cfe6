"""Nginx in front of two real services: what people notice when one stops, and when one dies."""

import asyncio
import base64
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from service.client.events import Interrupted, Resumed, StreamEvent
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions
from service.dictation.wire import Final
from tests.deploy.nginx import Proxy, free_port, nginx_program, running_nginx
from tests.recordings.uploader import TAKE, Uploader
from tests.voice import quiet, voice

pytestmark = [pytest.mark.nginx, pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(240)]

PASSWORD = "a lantern over cold water"
SPOKEN = "кашалот"
"""A word behind the question mark of an address."""
FIRST_HALF = voice(2000, seed=1) + quiet(1200) + voice(800, seed=2)
ALL = FIRST_HALF + voice(700, seed=2) + quiet(1200) + voice(1500, seed=3) + quiet(300)


@asynccontextmanager
async def service(port: int, database_url: str, folder: Path) -> AsyncIterator["Service"]:
    """Run `alfavoice serve` as behind a proxy until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", "serve", "--port", str(port), "--log-format", "json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={
            **os.environ,
            "ALFAVOICE_DATABASE_URL": database_url,
            "ALFAVOICE_DATA_DIR": str(folder),
            "ALFAVOICE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
            "ALFAVOICE_LOGIN": "required",
            "ALFAVOICE_TRUSTED_PROXIES": '["127.0.0.1"]',
            "ALFAVOICE_ENGINE": "scripted",
            "ALFAVOICE_LANES": "1",
            "ALFAVOICE_DRAIN_S": "20",
            "ALFAVOICE_LANGUAGE": "en",
        },
    )  # fmt: skip
    running = Service(port=port, process=process)
    try:
        async with asyncio.timeout(90):
            await running.until(rf"http://127\.0\.0\.1:{port}")
        yield running
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await running.ended()


@dataclass(slots=True, kw_only=True)
class Service:
    port: int
    process: asyncio.subprocess.Process

    async def until(self, pattern: str) -> str:
        """Read what it prints until this appears."""
        assert self.process.stdout
        while True:
            line = (await self.process.stdout.readline()).decode()
            assert line, "the service ended"
            if found := re.search(pattern, line):
                return found.group()

    async def has_sockets(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            metrics = await http.get(f"http://127.0.0.1:{self.port}/metrics")
        return "alfavoice_sockets_open 1.0" in metrics.text

    async def ended(self) -> None:
        assert self.process.stdout
        while await self.process.stdout.read(65536):
            pass
        await self.process.wait()


@dataclass(slots=True)
class TwoHalves:
    """A take whose second half is spoken when the test says so."""

    held: HeldAudio = field(default_factory=lambda: HeldAudio(ALL))
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, start: int, samples: int) -> bytes:
        half = len(FIRST_HALF) // 2
        if start >= half:
            await self.go_on.wait()
        elif start + samples > half:
            samples = half - start
        return await self.held.read(start, samples)

    def forget(self, before: int) -> None:
        self.held.forget(before)


async def dictate_while(
    services: list[Service], proxy: Proxy, token: str, *, number: signal.Signals
) -> tuple[str, list[StreamEvent], Service]:
    """Dictate; once a final is there, send this signal to the service that has the session.

    Returns:
        The text, what the client was told, and the service that ended.
    """
    events: list[StreamEvent] = []
    heard, back = asyncio.Event(), asyncio.Event()

    def show(event: StreamEvent) -> None:
        events.append(event)
        if isinstance(event, Final):
            heard.set()
        if isinstance(event, Resumed):
            back.set()

    source = TwoHalves()
    stream = Stream(source, StreamOptions(server=proxy.url, token=token, language="ru"), show=show)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stream.run())
        async with asyncio.timeout(60):
            await heard.wait()
            (holder,) = [one for one in services if await one.has_sockets()]
            os.kill(holder.process.pid, number)
            await back.wait()
        source.go_on.set()
        done = await running
    return done.done.text, events, holder


async def test_people_dictate_on_through_a_rolling_restart_and_a_crash(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nginx_program()
    ports = [free_port(), free_port()]
    (tmp_path / "nginx").mkdir()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(service(ports[0], database_url, tmp_path))
        invitation = (await first.until(r"/welcome#[\w-]+")).partition("#")[2]
        second = await stack.enter_async_context(service(ports[1], database_url, tmp_path))
        proxy = await stack.enter_async_context(running_nginx(tmp_path / "nginx", services=ports))
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=proxy.url, timeout=30))
        signed_in = await http.post(
            "/v1/auth/invitation",
            json={
                "token": invitation,
                "login": "anna",
                "password": PASSWORD,
                "device": {"name": "laptop"},
            },
        )
        assert signed_in.status_code == 201, signed_in.text
        token = signed_in.json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"

        # A rolling restart: the one with the session stops, the other takes it, the first is back.
        text, events, stopped = await dictate_while(
            [first, second], proxy, token, number=signal.SIGTERM
        )
        check(text, events)
        await stopped.ended()
        stayed = second if stopped is first else first
        again = await stack.enter_async_context(service(stopped.port, database_url, tmp_path))

        # A crash.
        crashed_text, events, _ = await dictate_while(
            [stayed, again], proxy, token, number=signal.SIGKILL
        )
        check(crashed_text, events)

        async with Uploader(proxy.url, Authorization=f"Bearer {token}") as uploader:
            recording = await uploader.upload(TAKE, chunk=100_000)
            await uploader.done(recording)
        history = (await http.get("/v1/history", params={"limit": 10})).json()["items"]
        whole = [(await http.get(f"/v1/history/{item['id']}")).json() for item in history]
        await hold_the_edge(proxy, http)
    texts = [transcript["text"] for transcript in whole]
    assert {text, crashed_text} <= set(texts)
    assert len(texts) == 3
    tells_nothing(proxy, token, invitation)


def check(text: str, events: list[StreamEvent]) -> None:
    """Every utterance is there once and in order, and the client found its way by itself."""
    finals = {event.utterance: event for event in events if isinstance(event, Final)}
    ordered = [finals[number] for number in sorted(finals)]
    spoken = sum(final.end - final.start for final in ordered)

    assert [final.utterance for final in ordered] == list(range(len(ordered)))
    assert all(a.end <= b.start for a, b in pairwise(ordered))
    assert spoken >= 4.5 * 16_000  # of 5 s
    assert all(final.text in text for final in ordered)
    assert any(isinstance(event, Interrupted) for event in events)


async def hold_the_edge(proxy: Proxy, http: httpx.AsyncClient) -> None:
    """What nginx refuses or answers itself."""
    assert (await http.get("/metrics")).status_code == 404
    async with httpx.AsyncClient() as anybody:
        plain = await anybody.get(f"{proxy.plain_url}/v1/history")
    assert (plain.status_code, plain.headers["Location"]) == (
        308,
        "https://localhost/v1/history",
    )
    long = await http.post("/v1/snippets", content=b" " * 90_000)
    assert (long.status_code, long.json()["code"]) == (413, "request.too_large")
    assert "max-age" in long.headers["Strict-Transport-Security"]
    listened = await http.get("/v1/listen", params={"keyterm": SPOKEN})
    assert listened.status_code == 404
    for path, body in (
        ("login", {"login": "anna", "password": "wrong " + PASSWORD, "device": {"name": "x"}}),
        ("invitation/open", {"token": "guessed"}),
    ):
        asked = (http.post(f"/v1/auth/{path}", json=body) for _ in range(12))
        tries = await asyncio.gather(*asked)
        limited = [answer for answer in tries if answer.headers.get("Retry-After") == "5"]
        assert limited, path
        assert limited[0].json()["code"] == "auth.too_many_attempts"
    old = ssl.create_default_context(cafile=str(proxy.certificate))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with httpx.AsyncClient(verify=old) as outdated:
        with pytest.raises(httpx.ConnectError):
            await outdated.get(f"{proxy.url}/health/live")


def tells_nothing(proxy: Proxy, *secrets: str) -> None:
    """The log has every request, and nothing of what was said or shown."""
    log = proxy.log.read_text("utf-8")
    for path in (
        "/v1/stream",
        "/v1/listen",
        "/v1/auth/invitation",
        "/v1/auth/invitation/open",
        "/v1/recordings/",
    ):
        assert path in log
    written = log + proxy.errors.read_text("utf-8")
    for secret in (*secrets, SPOKEN, "keyterm", "%D0", "limit=10", PASSWORD, "Bearer", "anna"):
        assert secret not in written
    assert not [file for file in proxy.log.parent.glob("*/*") if file.parent.name != "tls"]
