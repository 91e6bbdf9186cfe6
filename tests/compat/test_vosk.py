"""The websocket of vosk-server, spoken to as its own test clients do: send, then wait."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from service.app import RunningServer
from service.problems import SetUpError
from tests.compat.clients import (
    PATIENCE_S,
    first_person,
    free_port,
    history,
    nothing_is_kept,
    until,
)
from tests.compat.real_speech import recordings
from tests.server.conftest import StartServer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


class Client:
    """Does what vosk-server's `test.py` does: one answer after every message of audio."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.answers: list[dict] = []

    async def send(self, message: bytes | str) -> None:
        await self.connection.send(message)

    async def ask(self, message: bytes | str) -> dict:
        await self.send(message)
        async with asyncio.timeout(PATIENCE_S):
            self.answers.append(json.loads(await self.connection.recv()))
        return self.answers[-1]

    async def say(self, pcm: bytes, *, rate: int = 16_000) -> None:
        step = rate * 2 // 5  # 0.2 s
        for first in range(0, len(pcm), step):
            await self.ask(pcm[first : first + step])

    async def closed(self) -> tuple[int, str]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code, closed.rcvd.reason

    def texts(self) -> list[str]:
        return [answer["text"] for answer in self.answers if answer.get("text")]


@asynccontextmanager
async def talking(url: str, **options: object) -> AsyncIterator[Client]:
    address = url.replace("http", "ws", 1)
    async with connect(f"{address}/v1/vosk", close_timeout=2, **options) as connection:
        yield Client(connection)


CONFIG = '{ "config" : { "sample_rate" : 16000 } }'


async def test_every_message_of_audio_has_one_answer_and_eof_gives_the_rest(
    server: RunningServer,
) -> None:
    async with talking(server.url) as client:
        await client.send(CONFIG)
        await client.say(voice(3000, seed=1) + quiet(1200) + voice(1500, seed=2))
        last = await client.ask('{"eof" : 1}')
        code, _ = await client.closed()

    (stored,) = await history(server)
    assert code == 1000
    assert len(client.answers) == 29 + 1
    assert all(answer.keys() in ({"partial"}, {"text", "result"}) for answer in client.answers)
    assert " ".join(client.texts()) == stored.text
    assert last["text"]
    assert [word["word"] for word in last["result"]] == [
        word.strip(".").lower() for word in last["text"].split()
    ]
    assert all(0 <= word["start"] <= word["end"] <= 5.7 for word in last["result"])
    assert all(word["conf"] == 1.0 for word in last["result"])
    assert stored.origin.client == "vosk"


async def test_what_is_heard_so_far_comes_as_partials(server: RunningServer) -> None:
    async with talking(server.url) as client:
        await client.send(CONFIG)
        await client.say(voice(3000, seed=3))
        async with asyncio.timeout(PATIENCE_S):
            while not (await client.ask(voice(100, seed=4))).get("partial"):
                await asyncio.sleep(0.02)
        await client.ask('{"eof" : 1}')

    assert client.answers[-1]["text"]


async def test_a_closed_utterance_is_given_once_with_the_next_audio(server: RunningServer) -> None:
    async with talking(server.url) as client:
        await client.send(CONFIG)
        await client.say(voice(1500, seed=5) + quiet(1200))
        async with asyncio.timeout(PATIENCE_S):
            while not client.texts():
                await client.ask(quiet(20))
        last = await client.ask('{"eof" : 1}')

    (stored,) = await history(server)
    assert client.texts() == [stored.text]
    assert last == {"text": ""}


async def test_without_config_audio_is_that_of_a_telephone(server: RunningServer) -> None:
    async with talking(server.url) as client:
        await client.say(voice(3000, seed=6)[::1], rate=8_000)
        await client.ask('{"eof" : 1}')

    (stored,) = await history(server)
    assert stored.origin.sample_rate == 8_000
    assert stored.audio_samples == pytest.approx(2 * 48_000, abs=2)


async def test_reset_ends_the_utterance_and_goes_on(server: RunningServer) -> None:
    async with talking(server.url) as client:
        await client.send(CONFIG)
        await client.say(voice(1500, seed=7))
        first = await client.ask('{"reset" : 1}')
        empty = await client.ask('{"reset" : 1}')
        await client.say(voice(1500, seed=8))
        second = await client.ask('{"eof" : 1}')

    (stored,) = await history(server)
    assert first["text"]
    assert empty == {"text": ""}
    assert second["text"] not in ("", first["text"])
    assert stored.text == f"{first['text']} {second['text']}"


async def test_a_phrase_list_gives_hints_and_bare_words(server: RunningServer, monkeypatch) -> None:
    asked = []
    submit = server.workers.queue.submit

    async def spying(request):
        asked.append(request)
        return await submit(request)

    monkeypatch.setattr(server.workers.queue, "submit", spying)
    async with talking(server.url) as client:
        await client.send(
            '{"config": {"sample_rate": 16000, "phrase_list": ["свет", "[unk]"], "words": 0}}'
        )
        await client.say(voice(1500, seed=9))
        last = await client.ask('{"eof" : 1}')

    assert asked[0].profile.terms == ("свет",)
    assert last.keys() == {"text"}
    assert last["text"] == last["text"].lower().rstrip(".") != ""


async def test_alternatives_are_a_list_of_one(server: RunningServer) -> None:
    async with talking(server.url) as client:
        await client.send('{"config": {"max_alternatives": 20, "sample_rate": 16000}}')
        await client.say(voice(1500, seed=10))
        (best,) = (await client.ask('{"eof" : 1}'))["alternatives"]

    assert best["text"]
    assert best["confidence"] == 1.0
    assert best["result"]


async def test_eof_before_any_audio_is_an_empty_text_and_nothing_is_kept(
    server: RunningServer,
) -> None:
    async with talking(server.url) as client:
        assert await client.ask('{"eof" : 1}') == {"text": ""}
        assert await client.closed() == (1000, "")

    await nothing_is_kept(server)


WRONG = [
    "no json",
    "{}",
    "null",
    '{"eof": 0}',
    '{"config": {"sample_rate": 4000}}',
    '{"config": {"sample_rate": "NaN"}}',
    '{"config": {"phrase_list": "свет"}}',
    '{"config": {"max_alternatives": -1}}',
    "[" * 5000,
    "x" * 70_000,
]


async def test_a_wrong_message_closes_with_its_reason_and_what_was_said_is_kept(
    server: RunningServer,
) -> None:
    for message, is_speaking in itertools.product(WRONG, (False, True)):
        async with talking(server.url) as client:
            if is_speaking:
                await client.send(CONFIG)
                await client.say(voice(1200, seed=11))
            await client.send(message)
            code, reason = await client.closed()
        assert code == 1008, message[:100]
        assert reason

    stored = await history(server, of=len(WRONG))
    assert len(stored) == len(WRONG)
    assert all(one.text for one in stored)


async def test_a_client_that_vanishes_leaves_its_text_and_no_session(
    server: RunningServer,
) -> None:
    async with talking(server.url) as client:
        await client.send(CONFIG)
        await client.say(voice(1500, seed=12))
        client.connection.transport.abort()
    (stored,) = await history(server)

    assert stored.text
    await until(lambda: not server.sessions._held)


async def test_a_page_of_another_origin_is_turned_away(server: RunningServer) -> None:
    with pytest.raises(InvalidStatus) as denied:
        async with talking(server.url, origin="https://evil.example"):
            pass

    assert denied.value.response.status_code == 403


@pytest.fixture
async def telephone(start_server: StartServer) -> AsyncIterator[SimpleNamespace]:
    """A server whose Vosk port is open."""
    port = free_port()
    async with start_server(vosk_port=port) as server:
        await server.wait_ready(30)
        yield SimpleNamespace(server=server, url=f"ws://127.0.0.1:{port}/")


@asynccontextmanager
async def calling(url: str, **options: object) -> AsyncIterator[Client]:
    async with asyncio.timeout(PATIENCE_S):
        while True:  # the port opens right after the server says it runs
            try:
                connection = await connect(url, close_timeout=2, **options)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
    async with connection:
        yield Client(connection)


async def test_its_own_port_speaks_the_same(telephone) -> None:
    async with calling(telephone.url) as client:
        await client.send(CONFIG)
        await client.say(voice(1500, seed=13))
        last = await client.ask('{"eof" : 1}')
        code, _ = await client.closed()

    (stored,) = await history(telephone.server)
    assert code == 1000
    assert " ".join(client.texts()) == stored.text == last["text"] != ""


async def test_its_own_port_lets_in_no_web_page_of_somebody_else(telephone) -> None:
    with pytest.raises(InvalidStatus) as denied:
        async with calling(telephone.url, origin="https://evil.example"):
            pass

    assert denied.value.response.status_code == 403


async def test_its_own_port_closes_on_wrong_and_vanished_clients(telephone) -> None:
    async with calling(telephone.url) as client:
        await client.send("no json")
        code, _ = await client.closed()
    async with calling(telephone.url) as client:
        await client.send(CONFIG)
        await client.say(voice(1500, seed=14))
        client.connection.transport.abort()
    async with calling(telephone.url) as client:
        await client.send(bytes(600_000))
        too_big, _ = await client.closed()

    assert code == 1008
    assert too_big == 1009
    assert (await history(telephone.server))[0].text
    await until(lambda: not telephone.server.sessions._held)


async def test_a_stopping_server_closes_its_own_port(start_server: StartServer) -> None:
    port = free_port()
    async with start_server(vosk_port=port) as server:
        await server.wait_ready(30)
        waiting = calling(f"ws://127.0.0.1:{port}")
        client = await waiting.__aenter__()

    code, _ = await client.closed()
    await waiting.__aexit__(None, None, None)
    assert code == 1001


async def test_where_people_sign_in_its_own_port_dictates_for_a_named_account(
    start_server: StartServer,
) -> None:
    port = free_port()
    async with start_server(
        login="required", vosk_port=port, vosk_user="pbx@example.org"
    ) as server:
        await server.wait_ready(30)
        async with calling(f"ws://127.0.0.1:{port}") as client:
            nobody, _ = await client.closed()
        pbx, _ = await first_person(server, "pbx@example.org")
        async with calling(f"ws://127.0.0.1:{port}") as client:
            await client.send(CONFIG)
            await client.say(voice(1500, seed=15))
            last = await client.ask('{"eof" : 1}')
        (stored,) = await server.store.recent(pbx)
        with pytest.raises(InvalidStatus) as denied:
            async with talking(server.url):
                pass

    assert nobody == 1008
    assert stored.text == last["text"] != ""
    assert denied.value.response.status_code == 401


async def test_without_a_named_account_it_is_not_opened_where_people_sign_in(
    start_server: StartServer,
) -> None:
    with pytest.raises(SetUpError) as failed:
        async with start_server(login="required", vosk_port=free_port()):
            pass

    assert failed.value.code == "setup.open_port_without_user"


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_real_speech_comes_back_as_its_words(start_server: StartServer, tmp_path) -> None:
    async def said(url: str, pcm: bytes) -> str:
        async with talking(url) as client:
            await client.send(CONFIG)
            await client.say(pcm)
            await client.ask('{"eof" : 1}')
            return " ".join(client.texts())

    async with recordings(start_server, tmp_path) as spoken:
        texts = [await said(spoken.server.url, pcm) for pcm in spoken.pcm()]

    assert spoken.word_error_rate(texts) < 25
