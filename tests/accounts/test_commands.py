"""The commands, as a person runs them."""

import asyncio
import json
import os
import stat
import sys
import time
import wave
from pathlib import Path

import httpx
import pytest

from service.client.signed_in import SignedIn
from service.problems import ServiceError
from tests.accounts.conftest import PASSWORD, Client
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


COMMAND = Path(sys.executable).with_name("alfavoice")


@pytest.fixture
def run(tmp_path, database_url):
    async def run(*arguments: object, said: str = "", **environment: str) -> tuple[int, str, str]:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("ALFAVOICE", "LC_", "LANG"))
        }
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *map(str, arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **kept,
                "PYTHONIOENCODING": "utf-8",
                "XDG_CONFIG_HOME": str(tmp_path / "config"),
                "ALFAVOICE_DATA_DIR": str(tmp_path),
                "DATABASE_URL": database_url,
                **environment,
            },
        )
        async with asyncio.timeout(90):
            out, err = await process.communicate(said.encode())
        return process.returncode or 0, out.decode(), err.decode()

    return run


async def test_the_first_administrator_is_made_on_the_command_line(run, start_server):
    status, out, err = await run(
        "users",
        "add",
        "--admin",
        "--name",
        "Анна",
        "--password-stdin",
        "Anna",
        said=f"{PASSWORD}\n",
    )
    assert (status, err) == (0, "")
    assert "Anna" in out
    assert (await run("users", "list"))[1] == "anna\tадминистратор\tАнна\n"
    async with start_server(login="required") as server:
        assert server.setup_token is None
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            anna = await Client(http).sign_in("anna")
            assert anna.tokens["user"]["role"] == "admin"
    weak = await run("--language", "en", "users", "add", "x1", "--password-stdin", said="short\n")
    assert weak[0] == 1
    assert "[account.weak_password]" in weak[2]


async def test_accounts_are_managed_beside_a_running_server(run, boris, admin):
    for action, *more in (
        ["role", "admin"], ["role", "user"], ["disable"], ["enable"], ["password", "--password-stdin"],
    ):  # fmt: skip
        status, out, err = await run("users", action, "boris", *more, said="new umbrellas daily\n")
        assert (status, err) == (0, ""), action
        assert "boris" in out
    assert (await boris.ask("GET", "/account")).status_code == 401
    await boris.sign_in("boris", "new umbrellas daily")

    status, link, said = await run("users", "invite", "--server", "https://dictate.example.org/")
    assert status == 0
    address, _, token = link.strip().partition("#")
    assert address == "https://dictate.example.org/welcome"
    assert "--server" not in said
    body = {"token": token, "login": "vera", "password": PASSWORD, "device": {"name": "x"}}
    assert (await boris.http.post("/v1/auth/invitation", json=body)).status_code == 201

    assert (await run("users", "delete", "boris"))[0] == 2  # nobody confirmed it
    assert (await run("users", "delete", "boris", "--yes"))[0] == 0
    listed = json.loads((await run("users", "list", "--json"))[1])
    assert [one["login"] for one in listed] == ["anna", "vera"]
    status, _, err = await run("--language", "en", "users", "disable", "anna")
    assert (status, "[account.last_admin]" in err) == (1, True)


async def test_an_invitation_leads_to_a_server_and_one_to_this_machine_says_so(run):
    for nonsense in ("nonsense", "ftp://dictate.example.org", "https://", "не адрес"):
        status, out, err = await run(
            "users", "invite", "--server", nonsense, ALFAVOICE_LANGUAGE="ru"
        )
        assert (status, out) == (1, "")
        assert "это не адрес сервера" in err
        assert err.strip().endswith("[stream.bad_address]")
    status, link, err = await run("users", "invite", ALFAVOICE_LANGUAGE="ru")
    assert (status, link.startswith("http://127.0.0.1:8765/welcome#in_")) == (0, True)
    assert "только на этой машине" in err
    assert "--server https://…" in err
    # As `doctor --server` reads it: other people come by https.
    _, link, err = await run("users", "invite", "--server", "dictate.example.org")
    assert link.startswith("https://dictate.example.org/welcome#in_")
    assert "--server" not in err


async def test_who_signed_in_transcribes_and_nobody_else(run, boris, server, tmp_path):
    await server.wait_ready(30)
    file = tmp_path / "a.wav"
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(quiet(300) + voice(1500) + quiet(500))
    transcribe = ("--language", "en", "transcribe", file, "--server", server.url)
    status, _, err = await run(*transcribe)
    assert (status, "[auth.required]" in err) == (1, True)
    assert "alfavoice login" in err

    login = ("login", server.url, "--login", "boris", "--password-stdin")
    status, _, err = await run("--language", "en", *login, said="wrong password\n")
    assert (status, "[auth.wrong_credentials]" in err) == (1, True)
    status, out, err = await run(*login, said=f"{PASSWORD}\n")
    assert (status, err) == (0, "")
    (kept,) = (tmp_path / "config").rglob("signed-in.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()

    status, text, err = await run(*transcribe)
    assert status == 0, err
    assert text.strip()

    assert (await run("logout", server.url))[0] == 0
    assert (await run("logout", server.url))[0] == 1
    assert (await run(*transcribe))[0] == 1
    key = await boris.got("POST", "/account/keys", {"name": "x", "scopes": ["dictate"]})
    status, text, err = await run(*transcribe, ALFAVOICE_TOKEN=key["secret"])
    assert (status, bool(text.strip())) == (0, True), err


async def test_a_kept_sign_in_is_refreshed_before_it_is_too_old_by_one_program_at_a_time(
    boris, server, tmp_path
):
    clock = [time.time_ns() / 1e9]
    kept = SignedIn(tmp_path / "config", now=lambda: clock[0])
    await asyncio.to_thread(kept.sign_in, server.url, "boris", PASSWORD)
    first = await asyncio.to_thread(kept.token, server.url)
    assert await asyncio.to_thread(kept.token, server.url + "/v1/stream") == first
    clock[0] += 14.5 * 60

    others = [SignedIn(tmp_path / "config", now=lambda: clock[0]) for _ in range(6)]
    tokens = await asyncio.gather(*(asyncio.to_thread(other.token, server.url) for other in others))

    assert len(set(tokens)) == 1
    assert tokens[0] != first
    program = Client(boris.http, {"access_token": tokens[0]})
    assert (await program.ask("GET", "/account")).is_success
    devices = (await program.got("GET", "/account/devices"))["devices"]
    current = next(device["id"] for device in devices if device["is_current"])
    await boris.got("DELETE", f"/account/devices/{current}")
    clock[0] += 14.5 * 60
    with pytest.raises(ServiceError) as refusal:
        await asyncio.to_thread(kept.token, server.url)
    assert refusal.value.code == "session.unauthorised"
