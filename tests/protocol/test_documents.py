"""The written interfaces are those that are served."""

import json
from pathlib import Path

import httpx2
import pytest

from service.dictation import asyncapi
from service.operations.documents import OPENAPI_FILE, written
from tests.server.conftest import start_server
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["database_url", "postgres_dsn", "start_server"]

pytestmark = pytest.mark.postgres


async def test_the_documents_served_without_a_login_are_those_committed(start_server):
    async with start_server(login="required") as server, httpx2.AsyncClient() as client:
        openapi = await client.get(f"{server.url}/openapi.json")
        stream = await client.get(f"{server.url}/asyncapi.json")

    assert (openapi.status_code, stream.status_code) == (200, 200)
    assert stream.headers["content-type"] == "application/json"
    assert stream.json() == json.loads(asyncapi.PATH.read_text("utf-8"))
    assert written(openapi.json()) == OPENAPI_FILE.read_text("utf-8"), "run: make openapi"


def test_the_document_says_how_every_route_fails():
    document = json.loads(Path(OPENAPI_FILE).read_text("utf-8"))

    silent = [
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not path.startswith("/health/") and "default" not in operation["responses"]
    ]

    assert len(document["paths"]) > 20
    assert silent == []
