"""What `alfavoice doctor` says of the language model; no text is sent to it."""

import asyncio
import json
import socket

import pytest
from pydantic import SecretStr

from service.diagnosis.polishing import check_polishing
from service.settings import Settings
from tests.polishing.chat_server import chat_server, never, raw

MODELS = json.dumps({"object": "list", "data": [{"id": "qwen"}, {"id": "saiga"}]}).encode()


def found(url, **settings):
    return check_polishing(Settings(polish_url=url, **settings))


async def asked(behaviour, **settings):
    """What is found of a server, and what it was asked."""
    async with chat_server(behaviour) as chat:
        finding = await asyncio.to_thread(found, chat.url, **settings)
    return finding, chat.calls


@pytest.mark.parametrize(
    ("behaviour", "settings", "status", "key"),
    [
        (raw(MODELS), {}, "ok", "doctor.polish"),
        (raw(MODELS), {"polish_model": "saiga"}, "ok", "doctor.polish"),
        (raw(MODELS), {"polish_model": "gpt"}, "warn", "doctor.polish_model_unknown"),
        (raw(b"[1]"), {"polish_model": "gpt"}, "ok", "doctor.polish"),
        (raw(b"", status="404 Where"), {}, "warn", "doctor.polish_status"),
        (raw(b"", status="401 Who"), {}, "warn", "doctor.polish_status"),
        (raw(b"", status="302 There", head="Location: /\r\n"), {}, "warn", "doctor.polish_status"),
        (raw(b"", length=9), {}, "warn", "doctor.polish_unreachable"),
    ],
)
async def test_the_server_is_asked_for_its_models_alone(behaviour, settings, status, key):
    finding, calls = await asked(behaviour, polish_key=SecretStr("s3cret"), **settings)

    assert (finding.status, finding.key) == (status, key)
    assert [(call.target, call.body) for call in calls] == [("/secret-path/v1/models", b"")]
    assert "Bearer s3cret" in calls[0].head
    assert not {"s3cret", "secret-path"} & set(str(finding.values).replace("/", " ").split())


async def test_a_server_that_is_silent_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("service.diagnosis.polishing._PATIENCE_S", 0.2)
    finding, _ = await asked(never)

    assert (finding.status, finding.key) == ("warn", "doctor.polish_unreachable")


def test_without_a_server_nothing_is_wrong():
    assert (found(None).status, found(None).key) == ("ok", "doctor.polish_off")


def test_an_address_that_the_server_would_not_start_with_is_broken():
    finding = found("http://8.8.8.8/v1")

    assert (finding.status, finding.key) == ("fail", "error.setup.polish_in_the_clear")


def test_nobody_there_is_a_warning():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        finding = found(f"http://127.0.0.1:{bound.getsockname()[1]}/v1")

    assert (finding.status, finding.key) == ("warn", "doctor.polish_unreachable")
