"""What tests of other people's protocols share: speech for the scripted recogniser, history."""

import asyncio
import socket
from collections.abc import Callable
from uuid import UUID

import httpx

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.storage.transcripts import StoredTranscript

PATIENCE_S = 20.0


async def history(server: RunningServer, *, of: int = 1) -> tuple[StoredTranscript, ...]:
    """Wait until so many of the local person's dictations are stored whole; give all."""

    async def read() -> tuple[StoredTranscript, ...]:
        return await server.store.recent(LOCAL_USER)

    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await read()
            if sum(one.finished_at is not None for one in found) >= of:
                return found
            await asyncio.sleep(0.02)


async def nothing_is_kept(server: RunningServer) -> None:
    """Wait until the history is empty and no session lives."""
    async with asyncio.timeout(PATIENCE_S):
        while server.sessions._held or await server.store.recent(LOCAL_USER):
            await asyncio.sleep(0.02)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def first_person(server: RunningServer, login: str) -> tuple[UUID, str]:
    """Make the first account of a server on which people sign in; give it and an API key."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=20) as http:
        body = {
            "token": server.setup_token,
            "login": login,
            "password": "корова танцует на льду",
            "device": {"name": "ноутбук"},
        }
        signed_in = (await http.post("/v1/auth/invitation", json=body)).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        key = await http.post(
            "/v1/account/keys", json={"name": "программа", "scopes": ["dictate"]}, headers=bearer
        )
        return UUID(signed_in["user"]["id"]), key.raise_for_status().json()["secret"]
