"""The service put together, started and stopped.

    database ─► recogniser process ─► sessions ─► HTTP and sockets

They start in this order and stop in the other. On SIGTERM or SIGINT nobody new is let in, finals
under way are finished and stored, sockets are closed with 1001, and everything ends.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry

from service.dictation.detection import SileroModel
from service.dictation.routes import stream_route
from service.dictation.sessions import DictationOptions, Sessions
from service.dictation.wire import MAX_AUDIO_BYTES, Limits
from service.operations.admission import Admission
from service.operations.health import health_routes
from service.operations.logs import configure_logs
from service.operations.metrics import DictationMetrics, LoopLag
from service.problems import SetUpError
from service.recogniser import recogniser
from service.settings import Settings
from service.storage.opening import open_transcripts
from service.storage.transcripts import LOCAL_USER, PostgresTranscripts
from workers.local import LocalWorkers

log = structlog.get_logger()

SOCKETS_END_S: Final = 5
"""After the drain: how long sockets may take to close before they are cut."""
LISTEN_BACKLOG: Final = 2048
READY_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A service that listens."""

    url: str
    """`http://host:port`; the socket is `/v1/stream` on it."""
    sessions: Sessions
    workers: LocalWorkers
    store: PostgresTranscripts

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait until the recogniser is warmed up.

        Raises:
            EngineFailed: it cannot start.
            TimeoutError: it takes longer.
        """
        await self.workers.wait_ready(timeout_s)


class _Uvicorn(uvicorn.Server):
    """Uvicorn that leaves the signals to us: sessions are drained before it may stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def running_server(
    settings: Settings, *, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[RunningServer]:
    """Run the whole service within this event loop; drain and stop it at the end.

    Args:
        settings: `port` 0 takes a free one.
        clock: monotonic seconds.

    Raises:
        SetUpError: a person must put something right first.
    """
    registry = CollectorRegistry()
    for collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
        registry.register(collector)
    metrics = DictationMetrics(registry)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(settings.host, settings.port))
        url = settings.database_url
        store = await stack.enter_async_context(
            open_transcripts(url.get_secret_value() if url else None, settings.data_dir)
        )
        workers = await stack.enter_async_context(recogniser(settings, registry))
        sessions = Sessions(
            options=DictationOptions(
                endpoint_silence_ms=settings.endpoint_silence_ms,
                speculation_silence_ms=settings.speculation_silence_ms,
                partial_interval_ms=settings.partial_interval_ms,
                resume_s=settings.resume_s,
            ),
            admission=Admission(
                max_sessions=settings.max_sessions, max_queue_s=settings.max_queue_s
            ),
            queue=workers.queue,
            store=store,
            model=SileroModel(),
            metrics=metrics,
            clock=clock,
        )
        app = _app(settings, sessions, metrics, registry, workers, store)
        server = _Uvicorn(_uvicorn_config(app))
        # What lives from here to the end is never garbage: looking through it again and again is
        # what makes collections long enough to feel.
        gc.collect()
        gc.freeze()
        tasks = await stack.enter_async_context(_plainly_failing_group())
        running = [
            tasks.create_task(sessions.run()),
            tasks.create_task(LoopLag(registry, clock).watch()),
        ]
        serving = tasks.create_task(server.serve(sockets=[listener]))
        while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(READY_POLL_S)
        host, port = listener.getsockname()[:2]
        try:
            yield RunningServer(
                url=f"http://{f'[{host}]' if ':' in host else host}:{port}",
                sessions=sessions,
                workers=workers,
                store=store,
            )
        finally:
            await sessions.drain(settings.drain_s)
            server.should_exit = True
            await serving
            for task in running:
                task.cancel()


@asynccontextmanager
async def _plainly_failing_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup out of whose block an error comes as it is, not in a group."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        try:
            yield group
        except Exception as exc:  # noqa: BLE001 - raised below
            failure = exc
    if failure is not None:
        raise failure


def serve(settings: Settings, *, announce: Callable[[RunningServer], None]) -> int:
    """Run the service until SIGTERM or SIGINT.

    Args:
        settings: all of them.
        announce: called once people can dictate.

    Returns:
        The exit status.
    """
    configure_logs(settings.log_format, settings.log_level)
    with _runner() as runner:
        return runner.run(_serve(settings, announce))


async def _serve(settings: Settings, announce: Callable[[RunningServer], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_server(settings) as server:
        log.info("server_listening", url=server.url)
        async with asyncio.TaskGroup() as tasks:
            ready = tasks.create_task(server.wait_ready(float("inf")))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait((ready, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done() and ready.exception() is None:
                announce(server)
                await stopping
            ready.cancel()
            stopping.cancel()
        log.info("server_draining")
    log.info("server_stopped")
    return 0


def _runner() -> asyncio.Runner:
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything slow starts, so that a port in use is said at once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise SetUpError(
            "setup.no_such_address", f"{host} is not an address of this machine"
        ) from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(LISTEN_BACKLOG)
    except OSError as exc:
        listener.close()
        raise SetUpError(
            "setup.port_in_use",
            f"port {port} on {host} cannot be opened ({exc.strerror}); choose another with --port",
        ) from exc
    if not ip_address(listener.getsockname()[0]).is_loopback:
        log.warning("open_to_other_machines", what="whoever reaches the port can dictate: no login")
    return listener


def _app(
    settings: Settings,
    sessions: Sessions,
    metrics: DictationMetrics,
    registry: CollectorRegistry,
    workers: LocalWorkers,
    store: PostgresTranscripts,
) -> FastAPI:
    async def recogniser_is_ready() -> bool:
        return workers.ready()

    async def is_open() -> bool:
        return not sessions.is_draining

    app = FastAPI(title="AlfaVoice", version=version("alfavoice"), docs_url=None, redoc_url=None)
    app.include_router(
        health_routes(
            probes={
                "recogniser": recogniser_is_ready,
                "store": store.is_alive,
                "draining": is_open,
            },
            registry=registry,
            version=app.version,
        )
    )
    app.include_router(
        stream_route(
            sessions,
            user=LOCAL_USER,
            limits=Limits(
                max_message_bytes=MAX_AUDIO_BYTES,
                max_session_s=settings.max_session_s,
                idle_s=settings.idle_s,
                resume_s=settings.resume_s,
            ),
            metrics=metrics,
            allowed_origins=settings.allowed_origins,
        )
    )
    return app


def _uvicorn_config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # The implementation that stops reading the connection until the application asks for the
        # next message: our back-pressure.
        ws="websockets-sansio",
        ws_max_size=MAX_AUDIO_BYTES,
        ws_per_message_deflate=False,
        # Heartbeats and the idle limit find dead peers; a ping would take a connection that is
        # not read (back-pressure) for a dead one.
        ws_ping_interval=None,
        ws_ping_timeout=None,
        timeout_graceful_shutdown=SOCKETS_END_S,
    )
