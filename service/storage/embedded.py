"""PostgreSQL in the data folder: started with the first process that needs it, ended with the last.

```
process 1   enter ── starts ─────────────────────────── leave
process 2            enter ── finds it running ──────────────────── leave ── stops
server               ├──────────────────────────────────────────────────┤
```

Two lock files decide. The *turnstile* is held by whoever is starting or stopping; the *usage* lock is held
shared for as long as a process uses the server, so that getting it exclusively proves that nobody
else does. The kernel drops both when a process dies, so a killed process is not counted for ever; a
server that outlived its processes is taken over by the next one.
"""

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from service.problems import ServiceError, SetUpError
from service.storage.cluster import DATABASE, Cluster, Postmaster
from service.storage.socket_folder import SOCKET_PORT

START_S: Final = 90.0
"""Longest wait for the server: initdb takes 2 s on a laptop, recovery after a crash some more."""
WATCH_S: Final = 1.0
"""How often is looked whether the server still runs."""
_POLL_S: Final = 0.05

_log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """One process's use of the server in a data folder. Every call blocks; not for two threads."""

    def __init__(self, data_dir: Path, *, start_s: float = START_S) -> None:
        self._data_dir = data_dir
        self._start_s = start_s
        self._cluster = Cluster(data_dir / "postgres")
        self._usage: int | None = None
        self._postmaster: Postmaster | None = None
        self._watch: threading.Thread | None = None
        self._leaving = threading.Event()

    def enter(self) -> str:
        """Start the server, or share the one that runs; give the DSN of our database on it.

        From now on it is started again whenever it dies, until `leave`.

        Raises:
            SetUpError: `setup.database_*`, saying what a person must do.
        """
        until = time.monotonic() + self._start_s
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._usage = os.open(self._data_dir / "postgres.usage", os.O_RDWR | os.O_CREAT, 0o600)
            self._postmaster = self._share_or_start(self._usage, until)
        except OSError as exc:
            raise SetUpError(
                "setup.database_folder",
                f"the data folder cannot be used ({exc.strerror}): check its owner and the free "
                "space of its disk, or choose another folder with --data-dir",
                why="unusable",
                reason=exc.strerror,
            ) from None
        finally:
            if self._postmaster is None:
                self._let_go()
        self._watch = threading.Thread(
            target=self._keep_running, name="embedded-postgres-watch", daemon=True
        )
        self._watch.start()
        return _dsn(self._postmaster.socket_folder)

    def leave(self) -> None:
        """Stop using the server, and stop it if nobody else uses it. Again changes nothing."""
        self._leaving.set()
        if self._watch is not None:
            self._watch.join()
        if self._usage is None:
            return
        try:
            with self._turnstile(time.monotonic() + self._start_s):
                if _locked(self._usage, fcntl.LOCK_EX):
                    self._cluster.stop()
                self._let_go()
        finally:
            self._let_go()

    def _share_or_start(self, usage: int, until: float) -> Postmaster:
        while True:
            with self._turnstile(until):
                found = self._cluster.postmaster()
                if found is not None and found.is_ready and _locked(usage, fcntl.LOCK_SH):
                    return found
                if found is None and _locked(usage, fcntl.LOCK_EX):
                    self._cluster.prepare()
                    started = self._cluster.start(socket_folder=None, until=until)
                    fcntl.flock(usage, fcntl.LOCK_SH)
                    return started
            # Either the server is recovering, or others use one that died and will start it again,
            # or they are in another container, where we cannot see it: then two servers on one
            # folder would destroy it.
            if time.monotonic() > until:
                raise SetUpError(
                    "setup.database_in_use",
                    "another AlfaVoice uses this data folder, but its database cannot be reached "
                    "from here (another container or machine?): choose another folder with "
                    "--data-dir, or give both the same DATABASE_URL",
                    why="elsewhere",
                )
            time.sleep(_POLL_S)

    def _keep_running(self) -> None:
        while not self._leaving.wait(WATCH_S):
            last = self._postmaster
            if last is None or self._cluster.postmaster() is not None:
                continue
            _log.error("embedded_postgres_died")
            until = time.monotonic() + self._start_s
            try:
                with self._turnstile(until):
                    if self._cluster.postmaster() is None and not self._leaving.is_set():
                        self._cluster.start(socket_folder=last.socket_folder, until=until)
            except (ServiceError, OSError) as exc:  # tried again in a second: the disk may be full
                _log.error("embedded_postgres_not_started", reason=type(exc).__name__)
            else:
                _log.info("embedded_postgres_started_again")

    def _let_go(self) -> None:
        if self._usage is not None:
            os.close(self._usage)
            self._usage = None

    @contextmanager
    def _turnstile(self, until: float) -> Iterator[None]:
        """Be the only process that starts or stops the server."""
        lock = os.open(self._data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _locked(lock, fcntl.LOCK_EX):
                if time.monotonic() > until:
                    raise SetUpError(
                        "setup.database_in_use",
                        "another AlfaVoice has been starting or stopping the database of this data "
                        "folder for too long: end it, then try again",
                        why="starting",
                    )
                time.sleep(_POLL_S)
            yield
        finally:
            os.close(lock)


@asynccontextmanager
async def embedded_postgres(data_dir: Path) -> AsyncIterator[str]:
    """Use the PostgreSQL of a data folder; yields its DSN.

    Raises:
        SetUpError: `setup.database_*`, saying what a person must do.
    """
    server = EmbeddedPostgres(data_dir)
    loop = asyncio.get_running_loop()
    # One thread: `leave` waits behind an `enter` that was cancelled, and undoes it. Both end by
    # their own deadlines.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-postgres") as thread:
        entering = loop.run_in_executor(thread, server.enter)
        entering.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            yield await asyncio.shield(entering)
        finally:
            await asyncio.shield(loop.run_in_executor(thread, server.leave))


def _locked(lock: int, way: int) -> bool:
    """Whether the lock could be had at once."""
    try:
        fcntl.flock(lock, way | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _dsn(socket_folder: Path) -> str:
    folder = quote(str(socket_folder), safe="")
    return f"postgresql://{DATABASE}@/{DATABASE}?host={folder}&port={SOCKET_PORT}&sslmode=disable"
