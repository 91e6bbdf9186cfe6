"""`alfavoice doctor --server`: real services, behind Nginx as it ships and as it should not be."""

import asyncio
import io
import json
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from service.app import RunningServer
from service.commands.program import run
from service.diagnosis.finding import Finding
from service.diagnosis.outside.dictating import Account, check_dictation
from service.diagnosis.outside.examination import examine_server
from service.diagnosis.outside.pages import check_guessing
from service.diagnosis.outside.target import Target, client, target_of
from service.language import Language
from tests.client.faulty_server import FaultyServer
from tests.deploy.nginx import Proxy, free_port, running_nginx
from tests.server.conftest import StartServer

PASSWORD = "a lantern over cold water"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def signed_in(server: RunningServer) -> dict[str, str]:
    """The first administrator, as somebody of another device."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        answer = await http.post(
            "/v1/auth/invitation",
            json={
                "token": server.setup_token,
                "login": "anna",
                "password": PASSWORD,
                "device": {"name": "desk"},
            },
        )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def looked_at(
    proxy: Proxy,
    *,
    account: Account | None = None,
    change: Callable[[Target], Target] | None = None,
) -> dict[str, Finding]:
    """Findings by what was looked at."""
    target = target_of(proxy.url)
    found = await examine_server(
        change(target) if change else target, account, http_port=port_of(proxy.plain_url)
    )
    return {finding.check: finding for finding in found}


def wrong(found: dict[str, Finding]) -> dict[str, str]:
    return {check: one.key for check, one in found.items() if one.status != "ok"}


@pytest.mark.nginx
@pytest.mark.postgres
@pytest.mark.slow
async def test_all_is_well_behind_nginx_as_it_ships_and_nothing_is_left_behind(
    start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nginx").mkdir()
    account = Account(login="anna", password=PASSWORD)
    async with start_server(login="required", trusted_proxies=("127.0.0.1",)) as server:
        await server.wait_ready(30)
        headers = await signed_in(server)
        services = [port_of(server.url)]
        async with (
            running_nginx(tmp_path / "nginx", services=services, days=90) as proxy,
            httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as http,
        ):
            untrusted = await looked_at(proxy, account=account)
            signed_in_meanwhile = await http.get("/v1/account/devices")
            monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
            right = await looked_at(proxy, account=account)
            history = (await http.get("/v1/history")).json()["items"]
            deleted = (await http.get("/v1/history", params={"deleted": True})).json()["items"]
        async with client(target_of(server.url), is_verified=True) as direct:
            guessed = await check_guessing(direct)

    assert wrong(untrusted) == {
        "certificate": "outside.certificate_untrusted",
        "account": "outside.not_private",
    }
    assert len(signed_in_meanwhile.json()["devices"]) == 1
    assert wrong(right) == {}
    assert {"redirect", "headers", "chunks", "bodies", "socket", "heartbeat"} <= set(right)
    assert right["metrics"].values == {"status": 404}
    assert right["dictation"].key == "outside.dictation"
    assert right["cleaning"].key == "outside.cleaned"
    assert (history, deleted) == ([], [])
    assert guessed.key == "outside.guessing"


def without_care(text: str) -> str:
    """The shipped configuration as somebody in a hurry would shorten it."""
    for line in (
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $connection_upgrade;",
        'add_header Strict-Transport-Security "max-age=31536000" always;',
        "location = /metrics {\n            return 404;\n        }",
        "return 308 https://$host$request_uri;",
    ):
        assert line in text
        text = text.replace(line, "")
    text = text.replace("client_max_body_size 4m;  # one chunk", "client_max_body_size 1m;  #")
    return text.replace("client_max_body_size 64k", "client_max_body_size 8m")


@pytest.mark.nginx
@pytest.mark.postgres
async def test_a_careless_proxy_before_a_server_without_sign_in_is_told_all_that_is_wrong(
    start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nginx").mkdir()
    async with start_server(login="off", trusted_proxies=("127.0.0.1",)) as server:
        await server.wait_ready(30)
        services = [port_of(server.url)]
        async with running_nginx(
            tmp_path / "nginx", services=services, days=5, changed=without_care
        ) as proxy:
            monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
            found = await looked_at(proxy, change=lambda target: replace(target, is_here=False))

    assert (
        wrong(found).items()
        >= {
            "certificate": "outside.certificate_ending",
            "redirect": "outside.redirect_elsewhere",
            "headers": "outside.headers_missing",
            "chunks": "outside.chunks_refused",
            "login": "outside.login_off",
            "socket": "outside.socket_status",
        }.items()
    )
    assert found["headers"].values == {"names": "Strict-Transport-Security"}


@pytest.mark.nginx
@pytest.mark.parametrize(
    ("name", "days", "certificate"),
    [
        ("localhost", -3, "outside.certificate_expired"),
        ("another.example", 30, "outside.certificate_name"),
        ("localhost", 30, "outside.certificate"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said_even_while_the_service_is_down(
    name: str, days: int, certificate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_nginx(tmp_path, services=[free_port()], name=name, days=days) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
        found = await looked_at(proxy)

    assert found["certificate"].key == certificate
    assert found["encryption"].values["version"] == "TLSv1.3"
    assert found["live"].key == "outside.not_alfavoice"
    assert found["redirect"].key == "outside.redirect"


@pytest.mark.postgres
async def test_plain_http_beyond_this_machine_is_never_spoken_a_password(
    start_server: StartServer,
) -> None:
    async with start_server(login="required") as server:
        await server.wait_ready(30)
        await signed_in(server)
        target = replace(target_of(server.url), is_here=False)
        found = await examine_server(target, Account(login="anna", password=PASSWORD))

    keys = {finding.check: finding.key for finding in found if finding.status != "ok"}
    assert keys == {
        "encryption": "outside.plain",
        "metrics": "outside.metrics_open",
        "account": "outside.not_private",
    }


async def test_a_dictation_that_breaks_off_leaves_nothing_behind_either() -> None:
    async with FaultyServer().running() as server:
        server.drop_before = {9}  # some audio is there, and acknowledged
        found = await check_dictation(target_of(server.url), "token")

    assert [finding.key for finding in found] == ["outside.dictation_failed", "outside.cleaned"]
    assert server.cancelled == [start.session for start in server.starts[:1]]


async def test_an_address_without_scheme_is_one_as_people_use_it() -> None:
    assert target_of("dictate.example.org").url == "https://dictate.example.org"
    assert target_of("http://[::1]:8765/").is_here


def test_a_server_that_is_down_is_said_as_json_with_the_exit_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        status = run(
            ["--language", "en", "doctor", "--json", "--server", f"http://127.0.0.1:{port}"]
        )

    told = json.loads(capsys.readouterr().out)
    assert status == 1
    assert [one["finding"] for one in told] == ["outside.name", "outside.port_closed"]
    assert "Nobody answers" in told[1]["message"]


async def test_a_dictation_that_was_not_tried_is_not_shown_as_a_good_one(start_server, capsys):
    async with start_server(login="required") as server:
        await server.wait_ready(30)
        arguments = ["--language", "ru", "doctor", "--server", server.url]
        assert await asyncio.to_thread(run, arguments) == 0

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "не проверена" in line]
    assert line == "– Диктовка не проверена: дайте --login или --token-file"


async def test_nobody_is_asked_for_a_password_that_the_server_has_no_use_for(
    start_server, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # nothing to be read from it
    async with start_server() as server:
        await server.wait_ready(30)
        asked = ["--language", "ru", "doctor", "--server", server.url, "--login", "anna"]
        assert await asyncio.to_thread(run, [*asked, "--password-stdin"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert "✓ Продиктованное удалено" in lines
    assert "– Вход не понадобился: сервер никого не просит войти" in lines


async def test_of_a_server_without_login_each_thing_is_said_once(start_server):
    async with start_server() as server:
        await server.wait_ready(30)
        found = await examine_server(target_of(server.url), None)
    assert [finding.check for finding in found if finding.status != "ok"] == []
    assert found[-2].key == "outside.dictation"  # there is no login to ask for
    assert found[-1].key == "outside.cleaned"
    said = [Language("ru").text(finding.key, **finding.values) for finding in found]
    assert sorted(set(said)) == sorted(said)
    assert "Входить не нужно никому: адрес одной этой машины" in said
