"""The service put together, started and stopped.

    database ─► recogniser process ─► sessions ─► HTTP and sockets

They start in this order and stop in the other. On SIGTERM or SIGINT nobody new is let in, finals
under way are finished and stored, sockets are closed with 1001, and everything ends.
"""

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry

from service.accounts.gate import Gate
from service.accounts.local import login_is_required
from service.accounts.opening import open_accounts
from service.accounts.principal import LOCAL_USER, Principal
from service.compat.open_ports import open_ports
from service.dictation.detection import SileroModel
from service.dictation.options import DictationOptions
from service.dictation.sessions import Sessions
from service.dictation.tracing import traced_by
from service.dictation.wire import MAX_AUDIO_BYTES, Limits
from service.event_loop import event_loop_runner
from service.library.changes import Changes
from service.library.wishes import LibraryWishes
from service.listening import HttpServer, begin_listening, http_config, take_port
from service.operations.admission import Admission
from service.operations.limits import PersonLimits
from service.operations.logs import configure_logs
from service.operations.metrics import DictationMetrics, LoopLag, observe_held
from service.parts import Parts
from service.recogniser import Recognisers, recogniser, tracing
from service.recordings.opening import open_recordings
from service.routing import application, background_work
from service.settings import Settings
from service.storage.encryption.key_file import load_master_keys
from service.storage.opening import Storage, open_storage
from service.storage.transcripts import PostgresTranscripts
from service.storage.usage import PostgresUsage
from service.storage.wishes import PostgresWishes

log = structlog.get_logger()

READY_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A service that listens."""

    url: str
    """`http://host:port`; the socket is `/v1/stream` on it."""
    sessions: Sessions
    workers: Recognisers
    store: PostgresTranscripts
    setup_token: str | None
    """With which the first administrator makes their account, once; None where there is one, or
    where nobody signs in."""
    left_without_login: int
    """Texts that were dictated while nobody signed in, which the first administrator will not see;
    0 once there is one."""

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait until the recogniser is warmed up.

        Raises:
            EngineFailed: it cannot start.
            TimeoutError: it takes longer.
        """
        await self.workers.wait_ready(timeout_s)


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
        listener = stack.enter_context(take_port(settings.host, settings.port))
        is_login_required = login_is_required(settings.login, listener)
        ports = stack.enter_context(open_ports(settings, login_is_required=is_login_required))
        storage = await stack.enter_async_context(_storage(settings))
        observe_held(registry, storage.postgres.connections)
        store = storage.transcripts
        traces = await stack.enter_async_context(tracing(settings, clock=clock))
        workers = await stack.enter_async_context(recogniser(settings, registry, traces))
        people = PersonLimits(
            max_sessions=settings.max_sessions_per_user,
            max_minutes_per_day=settings.max_minutes_per_day,
            usage=PostgresUsage(storage.postgres),
        )
        wishes = LibraryWishes(PostgresWishes(storage.postgres, storage.keys))
        admission = Admission(max_sessions=settings.max_sessions, max_queue_s=settings.max_queue_s)
        sessions = Sessions(
            options=DictationOptions(
                endpoint_silence_ms=settings.endpoint_silence_ms,
                speculation_silence_ms=settings.speculation_silence_ms,
                partial_interval_ms=settings.partial_interval_ms,
                resume_s=settings.resume_s,
            ),
            admission=admission,
            people=people,
            queue=workers.queue,
            store=store,
            wishes=wishes,
            texts=workers.texts,
            model=SileroModel(),
            metrics=metrics,
            clock=clock,
            traced=traced_by(traces, clock),
        )
        changes = Changes(storage.dsn, is_draining=lambda: sessions.is_draining)

        def close_open(is_lost: Callable[[Principal], bool]) -> None:
            sessions.close_sockets(is_lost)
            changes.end(is_lost)

        accounts = stack.enter_context(
            open_accounts(
                settings,
                storage,
                login_is_required=is_login_required,
                close_sockets=close_open,
            )
        )
        setup_token = await accounts.invitations.set_up() if is_login_required else None
        left_without_login = 0 if setup_token is None else await store.count(LOCAL_USER)
        parts = Parts(
            settings=settings,
            storage=storage,
            gate=Gate(accounts.authenticator),
            accounts=accounts,
            sessions=sessions,
            admission=admission,
            people=people,
            changes=changes,
            recordings=open_recordings(settings, storage, registry),
            limits=Limits(
                max_message_bytes=MAX_AUDIO_BYTES,
                max_session_s=settings.max_session_s,
                idle_s=settings.idle_s,
                resume_s=settings.resume_s,
            ),
            queue=workers.queue,
            texts=workers.texts,
            wishes=wishes,
            engines=lambda: workers.descriptions,
            open_ports=ports,
            metrics=metrics,
            registry=registry,
            clock=clock,
        )
        app = application(parts, recogniser_is_ready=workers.ready)
        server = HttpServer(http_config(app))
        # What lives from here to the end is never garbage: looking through it again and again is
        # what makes collections long enough to feel.
        gc.collect()
        gc.freeze()
        begin_listening(listener)  # not before: who asked would wait for us, and not ask another
        tasks = await stack.enter_async_context(_plainly_failing_group())
        running = [
            tasks.create_task(sessions.run()),
            tasks.create_task(LoopLag(registry, clock).watch()),
            *(tasks.create_task(work) for work in background_work(parts)),
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
                setup_token=setup_token,
                left_without_login=left_without_login,
            )
        finally:
            await sessions.drain(settings.drain_s)
            server.should_exit = True
            await serving
            for task in running:
                task.cancel()


@asynccontextmanager
async def _storage(settings: Settings) -> AsyncIterator[Storage]:
    value, url = settings.master_key, settings.database_url
    master = load_master_keys(
        value=value.get_secret_value() if value else None,
        file=settings.master_key_file,
        data_dir=settings.data_dir,
    )
    async with open_storage(
        url.get_secret_value() if url else None, settings.data_dir, master=master
    ) as storage:
        yield storage


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


def serve(
    settings: Settings,
    *,
    announce: Callable[[RunningServer], None],
    say_draining: Callable[[], None] = lambda: None,
) -> int:
    """Run the service until SIGTERM or SIGINT; a second one ends the drain at once.

    Args:
        settings: all of them.
        announce: called once people can dictate.
        say_draining: called when the drain begins.

    Returns:
        The exit status.
    """
    configure_logs(settings.log_format, settings.log_level)
    with event_loop_runner() as runner:
        return runner.run(_serve(settings, announce, say_draining))


async def _serve(
    settings: Settings,
    announce: Callable[[RunningServer], None],
    say_draining: Callable[[], None],
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    running: list[RunningServer] = []

    def stop_or_hurry() -> None:
        if stop.is_set():
            for server in running:
                server.sessions.hurry()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_or_hurry)
    async with running_server(settings) as server:
        running.append(server)
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
        log.info("server_draining", at_most_s=settings.drain_s)
        say_draining()
    log.info("server_stopped")
    return 0
