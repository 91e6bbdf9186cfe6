"""Bodies and answers end by size and by time, whoever is at the other end."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from service.operations.bodies import BodyLimit, StreamedFile, pieces
from service.operations.problem_json import install_problem_answers
from service.problems import RequestRefused

PATIENCE_S = 20


class Said(BaseModel):
    text: str


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problem_answers(app, CollectorRegistry())

    async def identify(connection: HTTPConnection) -> None:
        if "authorization" not in connection.headers:
            raise RequestRefused("auth.required", "sign in first", status=401)

    app.add_middleware(
        BodyLimit,
        otherwise=100,
        limits={"/large": 1000, "/own": None},
        identify=identify,
        longest_s=0.2,
    )

    @app.post("/small")
    @app.post("/large/one")
    async def take(said: Said) -> int:
        return len(said.text)

    @app.post("/own")
    async def take_pieces(request: Request) -> int:
        return sum([len(piece) async for piece in pieces(request, limit_bytes=50, patience_s=0.2)])

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"Content-Type": "application/json", "Authorization": "Bearer x"},
    ) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def said(letters: int) -> bytes:
    return b'{"text": "%b"}' % (b"x" * letters)


async def chunked(
    body: bytes, *, then: Callable[[], object] = lambda: None
) -> AsyncIterator[bytes]:
    for begin in range(0, len(body), 16):
        yield body[begin : begin + 16]
    if (waiting := then()) is not None:
        await waiting


@pytest.mark.parametrize(("path", "most"), [("/small", 80), ("/large/one", 980)])
@pytest.mark.parametrize("form", [bytes, chunked])
async def test_a_body_is_as_long_as_its_route_takes_and_no_longer(http, path, most, form):
    assert (await http.post(path, content=form(said(most)))).json() == most
    assert code(await http.post(path, content=form(said(most + 20)))) == (413, "request.too_large")


@pytest.mark.parametrize("form", [bytes, chunked])
async def test_of_nobody_no_large_body_is_read(http, form):
    del http.headers["Authorization"]
    assert (await http.post("/large/one", content=said(50))).json() == 50
    assert (await http.post("/small", content=form(said(50)))).json() == 50
    assert code(await http.post("/large/one", content=form(said(200)))) == (401, "auth.required")


@pytest.mark.parametrize("path", ["/small", "/own"])
async def test_a_body_that_does_not_come_is_not_waited_for(http, path):
    async with asyncio.timeout(PATIENCE_S):
        answer = await http.post(path, content=chunked(said(1), then=asyncio.Event().wait))

    assert code(answer) == (408, "request.too_slow")


async def test_pieces_end_at_their_limit(http):
    assert (await http.post("/own", content=chunked(b"x" * 50))).json() == 50
    assert code(await http.post("/own", content=chunked(b"x" * 51))) == (413, "request.too_large")


async def test_a_file_ends_when_nobody_takes_it():
    let_go = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            let_go.set()

    async def never(_: object = None) -> None:
        await asyncio.Event().wait()

    file = StreamedFile(content())
    file.patience_s = 0.05
    async with asyncio.timeout(PATIENCE_S):
        await file({"type": "http", "asgi": {"spec_version": "2.3"}}, never, never)
