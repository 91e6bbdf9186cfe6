"""A server on which people sign in, and people who do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest

from service.app import RunningServer
from tests.server.conftest import StartServer, start_server
from tests.storage.fixtures import database_url, postgres_dsn, storage

__all__ = ["database_url", "postgres_dsn", "start_server", "storage"]

PASSWORD = "корова танцует на льду"
OTHER_PASSWORD = "seven purple umbrellas"


@dataclass
class Client:
    """A program: one device of one person, or nobody yet."""

    http: httpx.AsyncClient
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def access(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"} if self.tokens else {}

    @property
    def user(self) -> str:
        return str(self.tokens["user"]["id"])

    @property
    def device(self) -> str:
        return str(self.tokens["device"])

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.request(
            method, f"/v1{path}", json=body, headers={**self.bearer, **headers}
        )

    async def got(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def sign_in(self, login: str, password: str = PASSWORD, **device: str) -> "Client":
        answer = await self.try_to_sign_in(login, password, **device)
        assert answer.status_code == 200, answer.text
        return Client(self.http, answer.json())

    async def try_to_sign_in(self, login: str, password: str, **device: str) -> httpx.Response:
        body = {"login": login, "password": password, "device": {"name": "ноутбук", **device}}
        return await self.http.post("/v1/auth/login", json=body)

    async def refresh(self, token: str | None = None, device: str | None = None) -> httpx.Response:
        body = {
            "refresh_token": token or self.tokens["refresh_token"],
            "device": device or self.device,
        }
        return await self.http.post("/v1/auth/refresh", json=body)


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


@pytest.fixture
async def server(start_server: StartServer) -> AsyncIterator[RunningServer]:
    """A server that requires people to sign in, and knows nobody."""
    async with start_server(login="required") as running:
        yield running


@pytest.fixture
async def nobody(server: RunningServer) -> AsyncIterator[Client]:
    """A program that is not signed in."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=20) as http:
        yield Client(http)


@pytest.fixture
async def admin(nobody: Client, server: RunningServer) -> Client:
    """The first administrator."""
    body = {
        "token": server.setup_token,
        "login": "anna",
        "password": PASSWORD,
        "device": {"name": "сервер"},
    }
    return Client(nobody.http, await nobody.got("POST", "/auth/invitation", body))


@pytest.fixture
async def boris(admin: Client) -> Client:
    """Somebody with no special rights, signed in once."""
    await admin.got("POST", "/admin/users", {"login": "boris", "password": PASSWORD})
    return await admin.sign_in("boris")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """The owner's connection, to look and to turn back clocks."""
    connection = await asyncpg.connect(database_url, timeout=10)
    yield connection
    await connection.close(timeout=10)
