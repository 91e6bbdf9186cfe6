"""What a person taught the product reaches the recogniser: with what is dictated, and with recordings."""

import asyncio

import httpx
import pytest

from service.app import RunningServer
from service.dictation import wire
from service.dictation.personal import UNKNOWN
from service.library.wishes import LibraryWishes
from tests.recordings.uploader import Uploader
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


@pytest.fixture
def hints(server: RunningServer, monkeypatch):
    """The terms of every request that reaches the recogniser."""
    seen = []
    submit = server.workers.queue.submit

    async def spying(request):
        seen.append(request.profile.terms)
        return await submit(request)

    monkeypatch.setattr(server.workers.queue, "submit", spying)
    return seen


async def teach(url: str, **fields: object) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        answer = await http.post("/v1/dictionary", json=fields)
    assert answer.status_code == 201, answer.text


async def dictate(url: str, **fields: object) -> None:
    async with peer(url) as client:
        await client.start(**fields)
        await client.say(voice(1500, seed=3) + quiet(500))
        await client.send(wire.Finish())
        await client.until(wire.Done)


async def test_what_is_said_is_heard_with_ones_own_words_after_those_of_the_context(server, hints):
    await teach(server.url, term="Алиса", language="ru")
    await teach(server.url, term="Kubernetes")
    await teach(server.url, term="Zürich", language="de")

    await dictate(server.url, context=wire.Context(terms=["депо", "Алиса"]))
    in_russian = set(hints)
    hints.clear()
    await dictate(server.url, language="auto")

    assert in_russian == {("депо", "Алиса", "Kubernetes")}
    assert set(hints) == {("Zürich", "Kubernetes", "Алиса")}


async def test_a_recording_is_heard_with_ones_own_words(server, hints):
    await teach(server.url, term="Алиса")
    audio = voice(1500, seed=3) + quiet(1000)

    async with Uploader(server.url) as uploader:
        await uploader.done(await uploader.upload(audio))

    assert set(hints) == {("Алиса",)}


async def test_wishes_that_cannot_be_read_in_time_hold_up_nobody(server, hints, monkeypatch):
    never, waiting = asyncio.Event(), []

    async def endless(self, user, *, language, app):
        waiting.append(user)
        await never.wait()
        return UNKNOWN

    monkeypatch.setattr(LibraryWishes, "of", endless)
    await dictate(server.url)
    never.set()

    assert waiting
    assert set(hints) == {()}
