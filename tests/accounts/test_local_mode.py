"""A server without login serves its own machine, and refuses whatever may come from elsewhere."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import HTTPConnection

from service.accounts.addresses import ClientAddresses
from service.accounts.local import LocalAuthenticator, login_is_required
from service.accounts.origins import origin_check
from service.dictation import wire
from service.problems import RequestRefused, SetUpError
from service.settings import Settings
from tests.accounts.conftest import refused
from tests.server.peer import peer

pytestmark = pytest.mark.postgres


@pytest.fixture
def anywhere() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        yield listener


@pytest.fixture
def loopback() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


def test_login_is_required_as_soon_as_others_can_reach_the_server(anywhere, loopback):
    assert login_is_required("auto", anywhere)
    assert login_is_required("required", loopback)
    assert not login_is_required("auto", loopback)
    assert not login_is_required("off", loopback)
    with pytest.raises(SetUpError) as refusal:
        login_is_required("off", anywhere)
    assert refusal.value.code == "setup.login_off_beyond_loopback"


async def test_a_server_beyond_loopback_does_not_start_without_login(start_server):
    with pytest.raises(SetUpError) as refusal:
        async with start_server(host="0.0.0.0", login="off"):
            pass
    assert refusal.value.code == "setup.login_off_beyond_loopback"


async def test_a_server_beyond_loopback_asks_everybody_to_sign_in(start_server):
    async with start_server(host="0.0.0.0") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert refused(await http.get("/v1/account")) == (401, "auth.required")
            assert (await http.get("/v1/auth/setup")).json() == {
                "login_required": True,
                "has_admin": False,
            }


ELSEWHERE = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "for=203.0.113.7"},
    {"X-Real-IP": "203.0.113.7"},
    {"X-Forwarded-Host": "dictate.example.org"},
    {"Host": "dictate.example.org"},
    {"Host": "localhost.example.org:8765"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
]


async def test_what_may_come_from_elsewhere_is_refused(start_server):
    async with (
        start_server() as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
    ):
        assert (await http.get("/v1/account")).json()["role"] == "admin"
        assert (await http.get("/v1/account", headers={"Host": "localhost:1"})).is_success
        for headers in ELSEWHERE:
            answer = await http.get("/v1/account", headers=headers)
            assert refused(answer) == (403, "auth.login_required"), headers
        assert (await http.get("/v1/account", headers={"Host": "["})).status_code in {400, 403}
        await server.wait_ready(30)
        async with peer(server.url, additional_headers=ELSEWHERE[0]) as opened:
            await opened.send(wire.Start())
            assert await opened.closed() == 4403


@pytest.mark.parametrize("address", ["192.168.1.7", "203.0.113.7", "fe80::1", "::ffff:10.0.0.1"])
async def test_a_peer_on_another_machine_is_refused(address):
    scope = {"type": "http", "headers": [], "client": (address, 4711)}
    with pytest.raises(RequestRefused) as refusal:
        await LocalAuthenticator(origin_check(())).identify(HTTPConnection(scope))
    assert refusal.value.code == "auth.login_required"


def told(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = ()) -> str:
    settings = Settings(trusted_proxies=trusted)
    scope = {
        "type": "http",
        "headers": [(b"x-forwarded-for", line.encode()) for line in forwarded],
        "client": None if peer is None else (peer, 4711),
    }
    return str(ClientAddresses(settings.trusted_proxies).of(HTTPConnection(scope)))


def test_only_known_proxies_are_believed_and_only_as_far_as_they_know():
    spoofed = "1.2.3.4, 198.51.100.9"
    assert told("203.0.113.7", spoofed) == "203.0.113.7"
    assert told("10.0.0.1", spoofed, trusted=("10.0.0.0/8",)) == "198.51.100.9"
    assert told("10.0.0.1", spoofed, "10.0.0.2", trusted=("10.0.0.0/8",)) == "198.51.100.9"
    assert told("10.0.0.1", "nonsense", trusted=("10.0.0.0/8",)) == "10.0.0.1"
    assert told("10.0.0.1", trusted=("10.0.0.1",)) == "10.0.0.1"
    assert told("::ffff:10.0.0.1", "2001:db8::1", trusted=("10.0.0.1",)) == "2001:db8::1"
    assert told(None, "1.2.3.4", trusted=("0.0.0.0/0",)) == "None"


async def test_guessing_through_a_proxy_is_counted_by_the_address_it_names(start_server, database):
    async with (
        start_server(login="required", trusted_proxies=("127.0.0.1",)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
    ):
        body = {"login": "x", "password": "y", "device": {"name": "z"}}
        header = {"X-Forwarded-For": "198.51.100.9"}
        await http.post("/v1/auth/login", json=body, headers=header)
    events = await database.fetch("SELECT address, outcome FROM audit_events")
    assert [(str(event["address"]), event["outcome"]) for event in events] == [
        ("198.51.100.9", "refused")
    ]
