"""OpenAI's interfaces on a server on which people sign in."""

import asyncio
import base64
import json
from contextlib import suppress

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from service.app import RunningServer
from tests.compat.speech_files import wav
from tests.server.conftest import StartServer
from tests.voice import voice

pytestmark = pytest.mark.postgres


@pytest.fixture
async def server(start_server: StartServer):
    async with start_server(login="required") as running:
        await running.wait_ready(30)
        yield running


async def new_key(server: RunningServer, *scopes: str) -> tuple[str, str, dict[str, str]]:
    """An API key of a new administrator, its id, and how to sign in as them."""
    async with httpx.AsyncClient(base_url=f"{server.url}/v1", timeout=20) as http:
        person = {"login": "anna", "password": "корова танцует на льду", "device": {"name": "x"}}
        answer = await http.post("/auth/invitation", json={"token": server.setup_token, **person})
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        body = {"name": "OpenAI", "scopes": list(scopes)}
        made = (await http.post("/account/keys", json=body, headers=bearer)).json()
        return made["secret"], made["key"]["id"], bearer


async def transcribe(server: RunningServer, key: str) -> str:
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
        said = await client.audio.transcriptions.create(file=("a.wav", wav()), model="whisper-1")
        return said.text


async def test_files_need_a_key_that_may_dictate(server: RunningServer) -> None:
    key, _, _ = await new_key(server, "dictate")

    assert await transcribe(server, key)
    with pytest.raises(openai.AuthenticationError) as refused:
        await transcribe(server, "sk-nobody")
    assert refused.value.code == "invalid_api_key"


async def test_a_key_for_the_library_may_not_dictate(server: RunningServer) -> None:
    key, _, _ = await new_key(server, "library")

    with pytest.raises(openai.PermissionDeniedError) as refused:
        await transcribe(server, key)
    assert refused.value.code == "auth.forbidden"


async def errors_until_closed(socket: ClientConnection) -> set[str]:
    codes = set()
    with suppress(ConnectionClosed):
        async with asyncio.timeout(20):
            while True:
                event = json.loads(await socket.recv())
                if event["type"] == "error":
                    codes.add(event["error"]["code"])
    return codes


async def test_realtime_takes_the_key_of_a_header_or_of_a_browser_and_ends_with_it(
    server: RunningServer,
) -> None:
    key, number, bearer = await new_key(server, "dictate")
    address = f"{server.url.replace('http', 'ws')}/v1/realtime?intent=transcription"
    offered = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{key}")]

    with pytest.raises(InvalidStatus) as refused:
        async with connect(address):
            pass
    async with connect(address, additional_headers={"Authorization": f"Bearer {key}"}) as native:
        assert json.loads(await native.recv())["type"] == "session.created"
    async with connect(address, subprotocols=offered) as browser:
        assert browser.subprotocol == "realtime"
        audio = base64.b64encode(voice(1000)).decode()
        append = json.dumps({"type": "input_audio_buffer.append", "audio": audio})
        await browser.send(append)
        async with httpx.AsyncClient(base_url=f"{server.url}/v1") as http:
            assert (await http.delete(f"/account/keys/{number}", headers=bearer)).is_success
        with suppress(ConnectionClosed):  # that may be quicker
            await browser.send(append)
        codes = await errors_until_closed(browser)

    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["error"]["code"] == "invalid_api_key"
    assert codes == {"invalid_api_key"}
    assert browser.close_code == 4401
