"""What people are given is finished text: numbers, commands, terms, styles; the raw one beside it."""

import json
from pathlib import Path

import httpx
import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.dictation import wire
from service.dictation.composition import composed
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres

SAID = ["Привет, э-э, купи двадцать пять яблок.", "И позвони маме.", "Отмени.", "Новая строка. Позвони папе."]  # fmt: skip
TAKE = b"".join(
    quiet(300) + voice(1000 + 400 * number, seed=number) + quiet(1200)
    for number in range(len(SAID))
)


async def dictate(url: str, **start: object) -> list[wire.ServerMessage]:
    async with peer(url) as client:
        await client.start(partials=False, **start)
        await client.say(TAKE)
        await client.send(wire.Finish())
        assert await client.closed() == wire.CloseCode.NORMAL
        return client.seen


@pytest.fixture
async def script(server: RunningServer, tmp_path: Path) -> Path:
    """A script in which the windows of `TAKE` say `SAID`."""
    finals = [m for m in await dictate(server.url) if isinstance(m, wire.Final)]
    lengths = [str(final.end - final.start) for final in finals]
    assert len(lengths) == len(set(lengths)) == len(SAID)
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"texts": dict(zip(lengths, SAID, strict=True))}))
    return path


async def prefer(url: str, parts: dict[str, object]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        answer = await client.patch("/v1/preferences", json=parts)
        assert answer.status_code == 200, answer.text


async def test_finals_are_finished_and_say_how_they_follow_each_other(
    start_server: StartServer, script: Path
) -> None:
    async with start_server(script=script) as server:
        await server.wait_ready(30)
        seen = await dictate(server.url)
        finals = [m for m in seen if isinstance(m, wire.Final)]
        done = seen[-1]
        stored = (await server.store.recent(LOCAL_USER))[0]

    assert isinstance(done, wire.Done)
    assert [final.raw for final in finals] == SAID
    assert [final.text for final in finals] == [
        "Привет, купи 25 яблок.", "И позвони маме.", "", "\nПозвони папе."
    ]  # fmt: skip
    assert [final.erase for final in finals] == [0, 0, len(" И позвони маме."), 0]
    assert finals[3].glue == ""
    assert composed(finals) == "Привет, купи 25 яблок.\nПозвони папе."
    assert done.text == stored.text == "Привет, купи 25 яблок.\nПозвони папе."
    assert [final.raw for final in stored.finals] == SAID
    assert all(final.erase == 0 for final in stored.finals), "erased for good in the transcript"


async def test_a_session_taken_up_again_shows_the_finals_as_they_were_typed(
    start_server: StartServer, script: Path
) -> None:
    async with start_server(script=script) as server:
        await server.wait_ready(30)
        first = [
            m for m in await dictate(server.url, session="session-1") if isinstance(m, wire.Final)
        ]
    async with start_server(script=script) as server:
        async with peer(server.url) as client:
            await client.start(session="session-1", resume_from=0, partials=False)
            assert await client.closed() == wire.CloseCode.NORMAL
        again = client.of(wire.Final)

    assert [(f.text, f.erase, f.glue) for f in again] == [(f.text, f.erase, f.glue) for f in first]
    assert client.of(wire.Done)[0].text == "Привет, купи 25 яблок.\nПозвони папе."


async def test_raw_is_as_recognised_and_a_chat_has_its_full_stop_once_more_follows(
    start_server: StartServer, script: Path
) -> None:
    async with start_server(script=script) as server:
        await server.wait_ready(30)
        await prefer(server.url, {"style": "raw", "app_styles": {"Telegram": "chat"}})
        raw = (await dictate(server.url))[-1]
        chat = (await dictate(server.url, context=wire.Context(app="telegram")))[-1]

    assert isinstance(raw, wire.Done)
    assert isinstance(chat, wire.Done)
    assert raw.text == " ".join(SAID)
    assert chat.text == "Привет, купи 25 яблок.\nПозвони папе"


async def test_the_model_that_comes_along_adds_marks_and_capitals(
    start_server: StartServer, script: Path
) -> None:
    said = json.loads(script.read_text())
    bare = ["привет как дела", "я знаю что он уже дома", "да", "где ты был вчера вечером"]
    said["texts"] = dict(zip(said["texts"], bare, strict=True))
    script.write_text(json.dumps(said))
    async with start_server(script=script, punctuation="auto") as server:
        await server.wait_ready(30)
        seen = await dictate(server.url)

    finals = [m for m in seen if isinstance(m, wire.Final)]
    assert [final.raw for final in finals] == bare
    assert finals[1].text == "Я знаю, что он уже дома."
    assert all(final.text[0].isupper() and final.text[-1] in ".?!…" for final in finals)
