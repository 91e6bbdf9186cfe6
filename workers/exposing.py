"""What a worker says of itself over HTTP: metrics, and whether it lives and is ready.

    GET /metrics        Prometheus text
    GET /health/live    200 while the event loop runs
    GET /health/ready   200 while it can recognise for somebody, else 503 and why

A worker has no web framework; three answers without bodies to read need none. One request a
connection, bounded in size, time and number, so that nobody can hold it up.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from workers.contract.errors import WorkerError

log = structlog.get_logger()

REQUEST_S: Final = 5.0
"""For a whole request and its answer; a probe gives up after one to ten."""
MOST_HEADER_BYTES: Final = 16 * 1024
MOST_AT_ONCE: Final = 16
"""Connections; further ones are closed. A Prometheus and a kubelet are two."""


class NotExposed(WorkerError):
    """The address for metrics cannot be listened on."""

    code = "worker.metrics_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    kind: str
    body: bytes


def address_of(text: str) -> tuple[str, int]:
    """Give host and port of `HOST:PORT`, `[HOST]:PORT` or `PORT`, which is on loopback.

    Raises:
        NotExposed: it is none of these.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise NotExposed("the address for metrics is HOST:PORT, such as 127.0.0.1:9764")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@asynccontextmanager
async def exposed(
    address: str,
    registry: CollectorRegistry,
    reasons: Mapping[str, Callable[[], bool]],
) -> AsyncIterator[int]:
    """Answer at an address while the block runs; give the port.

    Args:
        address: `HOST:PORT`; port 0 takes a free one.
        registry: the metrics.
        reasons: what must hold to be ready, by what is said when it does not.

    Raises:
        NotExposed: the address is wrong or taken.
    """
    host, port = address_of(address)
    under_way: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(under_way) >= MOST_AT_ONCE:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(_converse(reader, writer, registry, reasons))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    try:
        server = await asyncio.start_server(connected, host, port, limit=MOST_HEADER_BYTES)
    except OSError as exc:
        raise NotExposed(f"the address for metrics cannot be listened on: {exc.strerror}") from exc
    try:
        taken: int = server.sockets[0].getsockname()[1]
        log.info("worker_metrics_exposed", host=host, port=taken)
        yield taken
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await server.wait_closed()


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    registry: CollectorRegistry,
    reasons: Mapping[str, Callable[[], bool]],
) -> None:
    try:
        async with asyncio.timeout(REQUEST_S):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target = (*head.split(b"\r\n", 1)[0].split(b" "), b"")[:2]
            answer = answer_to(method, target.partition(b"?")[0], registry, reasons)
            writer.write(_written(answer, with_body=method != b"HEAD"))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # whoever asked so is not answered
    finally:
        with suppress(OSError):
            writer.transport.abort()


def answer_to(
    method: bytes,
    path: bytes,
    registry: CollectorRegistry,
    reasons: Mapping[str, Callable[[], bool]],
) -> Answer:
    """Give the answer to a request."""
    if method not in (b"GET", b"HEAD"):
        return _said(HTTPStatus.METHOD_NOT_ALLOWED, {"status": "only GET"})
    if path == b"/metrics":
        body = generate_latest(registry)
        return Answer(status=HTTPStatus.OK, kind=CONTENT_TYPE_LATEST, body=body)
    if path == b"/health/live":
        return _said(HTTPStatus.OK, {"status": "alive"})
    if path == b"/health/ready":
        missing = [name for name, holds in reasons.items() if not holds()]
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        return _said(status, {"ready": not missing, "reasons": missing})
    return _said(HTTPStatus.NOT_FOUND, {"status": "not found"})


def _said(status: HTTPStatus, document: Mapping[str, object]) -> Answer:
    return Answer(status=status, kind="application/json", body=json.dumps(document).encode())


def _written(answer: Answer, *, with_body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
        f"Content-Type: {answer.kind}\r\nContent-Length: {len(answer.body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + (answer.body if with_body else b"")
