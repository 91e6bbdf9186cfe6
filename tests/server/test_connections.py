"""Who opens a connection has to ask for something; who asks slowly for an answer is served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request

from service.listening import (
    BoundedHttpProtocol,
    HttpServer,
    begin_listening,
    http_config,
    listen,
    take_port,
)
from service.problems import SetUpError

PATIENCE_S = 0.3
LONG_S = 10.0


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """An HTTP server that echoes, and waits 0.3 s for the head of a request."""
    monkeypatch.setattr(BoundedHttpProtocol, "request_head_s", PATIENCE_S)
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> str:
        return (await request.body()).decode()

    listener = listen("127.0.0.1", 0)
    server = HttpServer(http_config(app))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True


async def request(*parts: bytes, pause_s: float, port: int) -> bytes:
    """Send the parts with pauses between them; give all that came back until the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as tasks:
        received = tasks.create_task(_all(reader))
        for part in parts:
            if received.done():
                break
            writer.write(part)
            await asyncio.sleep(pause_s)
    writer.close()
    return received.result()


async def _all(reader: asyncio.StreamReader) -> bytes:
    """Give what comes until the connection ends, however it ends."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65_536):
            received += part
    return received


HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"


async def test_a_connection_that_asks_for_nothing_is_closed(port: int) -> None:
    assert await request(pause_s=0, port=port) == b""


async def test_a_head_that_dribbles_in_is_cut_off(port: int) -> None:
    dribble = [HEAD] + [b"X-%d: y\r\n" % n for n in range(20)]
    assert await request(*dribble, pause_s=PATIENCE_S / 5, port=port) == b""


async def test_a_second_head_that_dribbles_in_is_cut_off_too(port: int) -> None:
    dribble = [HEAD] + [b"X-%d: y\r\n" % n for n in range(20)]
    answers = await request(HEAD + b"\r\nfour", *dribble, pause_s=PATIENCE_S / 5, port=port)
    assert answers.count(b"HTTP/1.1") == 1


async def test_a_slow_body_is_the_business_of_the_route(port: int) -> None:
    answer = await request(
        HEAD + b"Connection: close\r\n\r\n", b"fo", b"ur", pause_s=PATIENCE_S * 2, port=port
    )
    assert answer.endswith(b'"four"')


async def test_one_connection_serves_request_after_request(port: int) -> None:
    last = HEAD + b"Connection: close\r\n\r\nfour"
    answers = await request(*[HEAD + b"\r\nfour"] * 3, last, pause_s=PATIENCE_S * 2, port=port)
    assert answers.count(b'"four"') == 4


async def test_a_port_that_is_taken_refuses_until_somebody_serves_there() -> None:
    with take_port("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

        begin_listening(listener)

        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        with pytest.raises(SetUpError, match="cannot be opened"):
            take_port("127.0.0.1", port)
