"""What `alfavoice doctor --server` sends to see how long a body may be."""

import asyncio
from contextlib import suppress

from service.diagnosis.outside.pages import check_bodies
from service.diagnosis.outside.target import target_of

REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"
TOO_LONG = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}"


async def answer_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request by its head, as Nginx does; all that comes after it is read and thrown away."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSED if head.startswith(b"PATCH") else TOO_LONG)
        await writer.drain()
        length = next(
            line for line in head.lower().splitlines() if line.startswith(b"content-length")
        )
        # Who has the answer may go before all is sent.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readexactly(int(length.partition(b":")[2]))
            await reader.read(1)  # of the next request, or nothing where the connection is over
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_an_early_answer_costs_no_later_request_its_own() -> None:
    answering: list[asyncio.Task[None]] = []
    async with asyncio.timeout(60), asyncio.TaskGroup() as owned:

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answering.append(owned.create_task(answer_early(reader, writer)))

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            target = target_of(f"http://127.0.0.1:{port}")
            chunks, bodies = await check_bodies(target, is_verified=True)
    assert (chunks.key, bodies.key) == ("outside.chunks", "outside.bodies")
    assert len(answering) == 2
