"""Connections to PostgreSQL: a bounded pool in which no call waits for ever.

Every failure leaves here as an error of ours without the driver's words: those may carry the
values of a row, and a row is what somebody said.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from service.problems import ServiceError, SetUpError, StoreUnavailable

T = TypeVar("T")
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

FOREIGN_KEY_VIOLATION: Final = "23503"

_TRY_LATER: Final = frozenset({"08", "25", "40", "53", "55", "57", "58"})
"""SQLSTATE classes (PostgreSQL manual, appendix A) that pass by themselves: connection, transaction
state (a read-only standby), rollback, resources, object in use, intervention (also the statement
timeout), system."""
_NEEDS_A_PERSON: Final = frozenset({"28", "3D", "42"})
"""Classes that no waiting helps: wrong password, no such database, no right to do this."""

CONNECTION_LOST: Final = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises for it besides SQLSTATE class 08. The last one when a server is killed
between two messages of one statement (asyncpg 0.32, seen in tests/storage 2026-11-21)."""

_BEGIN_AS: Final = (
    "BEGIN; SET LOCAL ROLE alfavoice_service; SET LOCAL alfavoice.acting_user = '{user}'"
)
"""One message to the server instead of three. The role and the setting are those of the row-level
security in migration 0002, and end with the transaction."""

QUIET_S: Final = 2.0
"""A connection not used for longer is asked whether it still works before it is used."""
IDLE_S: Final = 15.0
"""A connection that nobody needed for so long is closed; the server closes its end after twice that.
Otherwise the ends that a broken network leaves there fill its `max_connections` in a few such minutes,
and it lets nobody in until TCP gives them up, two hours later."""
_REMEMBERED: Final = 1000
"""Connections of which is known when they were used; more than any pool has."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for the database, in seconds."""

    start_s: float = 30.0
    """At start: it may be starting as well."""
    connect_s: float = 5.0
    """For one connection."""
    call_s: float = 5.0
    """For one call, waiting for a connection included. A statement takes a millisecond."""
    probe_s: float = 1.0
    """For the health probe."""


class StatementRefused(ServiceError):
    """The database answered that it will not do this; doing the same again cannot help."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("server.failed", f"the database refused a statement (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class Postgres:
    """The service's connections to its database."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, patience: Patience) -> None:
        self._pool = pool
        self._patience = patience
        self._used: dict[int, float] = {}  # by the server's process, in the order of their use
        self._doubtful_until = 0.0

    def connections(self) -> tuple[int, int]:
        """Give how many connections are open, and how many of these are in use."""
        open_now = self._pool.get_size()
        return open_now, open_now - self._pool.get_idle_size()

    async def call(self, action: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something on a connection.

        Args:
            action: may be cut off at any await; what it sent may have been done all the same.

        Raises:
            StoreUnavailable: no answer in time, or none now.
            StatementRefused: the statement is wrong for what is stored.
        """
        return await self._call(action, self._patience.call_s)

    async def call_as(self, user: UUID, action: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something for a person, in one transaction that sees nobody else's rows.

        Args:
            user: whose rows; anybody's id that is not a user's sees none.
            action: as of `call`; nothing it did stays when it raises.

        Raises:
            StoreUnavailable: as `call`.
            StatementRefused: as `call`, also for writing a row of somebody else.
        """
        begin = _BEGIN_AS.format(user=UUID(int=user.int))

        async def within(connection: Connection) -> T:
            await connection.execute(begin)
            try:
                result = await action(connection)
            except asyncio.CancelledError:
                raise  # the connection is given up, and the transaction with it
            except BaseException:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")
            return result

        return await self._call(within, self._patience.call_s)

    async def is_alive(self) -> bool:
        """Whether the database answers now."""
        try:
            answer = await self._call(_ask, self._patience.probe_s)
        except ServiceError:
            return False
        return answer == 1

    async def _call(self, action: Callable[[Connection], Awaitable[T]], limit_s: float) -> T:
        is_asked = False

        async def ask(connection: Connection) -> T:
            nonlocal is_asked
            is_asked = True
            return await action(connection)

        try:
            async with asyncio.timeout(limit_s):
                return await self._on_connection(ask)
        except (asyncpg.PostgresError, ValueError, *CONNECTION_LOST) as exc:
            failure = _as_ours(exc)
            # TimeoutError is one of them. Who waited in vain for others says nothing of connections:
            # making them anew under load would only make it worse.
            if is_asked and isinstance(exc, CONNECTION_LOST):
                self._doubtful_until = time.monotonic()
        # Outside of the handler, so that the driver's error is not carried along as the context.
        raise failure

    async def _on_connection(self, action: Callable[[Connection], Awaitable[T]]) -> T:
        connection = await self._working_connection()
        try:
            result = await action(connection)
        except (asyncio.CancelledError, *CONNECTION_LOST):
            # A connection in the middle of a call is given up: returning it would wait for a server
            # that may be gone.
            connection.terminate()
            raise
        else:
            self._note_use(connection)
            return result
        finally:
            await self._pool.release(connection)

    async def _working_connection(self) -> Connection:
        """Take a connection out of the pool that works, as far as can be known.

        A router, a firewall or the other machine may have forgotten it and told nobody; a call on it
        would wait for nothing until its time is over, and the next one on the next such connection.
        So what was quiet is asked first, and once one proved dead, all that were last used before
        are given up unasked.
        """
        while True:
            connection = await self._pool.acquire()
            now = time.monotonic()
            used = self._used.get(connection.get_server_pid(), now)  # unknown: just opened
            if used > self._doubtful_until and now - used <= QUIET_S:
                return connection
            if used > self._doubtful_until:
                try:
                    async with asyncio.timeout(self._patience.probe_s):
                        await _ask(connection)
                except (asyncpg.PostgresError, *CONNECTION_LOST):
                    self._doubtful_until = now
                except BaseException:
                    self._doubtful_until = now
                    connection.terminate()
                    await self._pool.release(connection)
                    raise
                else:
                    return connection
            self._used.pop(connection.get_server_pid(), None)
            connection.terminate()
            await self._pool.release(connection)

    def _note_use(self, connection: Connection) -> None:
        process = connection.get_server_pid()
        self._used.pop(process, None)
        self._used[process] = time.monotonic()
        if len(self._used) > _REMEMBERED:
            del self._used[next(iter(self._used))]


async def _ask(connection: Connection) -> object:
    return await connection.fetchval("SELECT 1")


@asynccontextmanager
async def open_postgres(
    dsn: str, *, patience: Patience | None = None, connections: int = 10
) -> AsyncIterator[Postgres]:
    """Open the pool, waiting for a database that is still starting.

    Args:
        dsn: `postgresql://…`.
        patience: how long to wait; None: the defaults.
        connections: most open at once; the rest wait their turn within the call's time.

    Raises:
        StoreUnavailable: it did not answer within `start_s`.
        SetUpError: `setup.database_url` or `setup.database_access`; waiting cannot help.
    """
    patience = patience or Patience()

    async def connect() -> "asyncpg.Pool[asyncpg.Record]":
        # The server ends a statement a little before we stop waiting for it.
        statement_ms = str(max(1, round(patience.call_s * 900)))
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=connections,
            timeout=patience.connect_s,
            command_timeout=patience.call_s,
            max_inactive_connection_lifetime=IDLE_S,
            server_settings={
                "application_name": "alfavoice",
                # The trigger against closed keys must see those closed since a transaction began.
                "default_transaction_isolation": "read committed",
                "statement_timeout": statement_ms,
                # What the server has of a service that vanished without a word: locks, a place.
                "idle_in_transaction_session_timeout": str(round(patience.call_s * 1000)),
                "idle_session_timeout": str(round(IDLE_S * 2 * 1000)),
            },
        )
        try:
            await pool.fetchval("SELECT 1")
        except BaseException:
            pool.terminate()
            raise
        return pool

    pool = await until_it_answers(connect, patience=patience)
    try:
        yield Postgres(pool, patience=patience)
    finally:
        try:
            async with asyncio.timeout(patience.call_s):
                await pool.close()
        except (asyncpg.PostgresError, *CONNECTION_LOST):
            pool.terminate()


@asynccontextmanager
async def one_connection(
    dsn: str, *, patience: Patience, limit_s: float, idle_s: float | None = None
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Open a connection outside of the pool, for work that takes long; waits like `open_postgres`.

    Args:
        dsn: `postgresql://…`.
        patience: how long to wait for it.
        limit_s: longest statement.
        idle_s: the server ends a connection on which it hears nothing for so long; None: as it is set
            up there.
    """

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            dsn,
            timeout=patience.connect_s,
            command_timeout=limit_s,
            server_settings=None
            if idle_s is None
            else {"idle_session_timeout": str(round(idle_s * 1000))},
        )

    connection = await until_it_answers(connect, patience=patience)
    try:
        yield connection
    finally:
        with suppress(asyncpg.PostgresError, *CONNECTION_LOST):
            await connection.close(timeout=patience.connect_s)


async def until_it_answers(connect: Callable[[], Awaitable[T]], *, patience: Patience) -> T:
    """Try to connect, again and again for `start_s`."""
    until = time.monotonic() + patience.start_s
    pause_s = 0.1
    while True:
        try:
            async with asyncio.timeout(patience.connect_s):
                return await connect()
        except (asyncpg.PostgresError, ValueError, *CONNECTION_LOST) as exc:
            failure = _as_set_up_error(exc)
        if failure is not None:
            raise failure
        if time.monotonic() + pause_s > until:
            raise StoreUnavailable(f"the database did not answer within {patience.start_s:g} s")
        _log.info("database_awaited", again_in_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, 2.0)


def _as_ours(exc: Exception) -> ServiceError:
    if isinstance(exc, asyncpg.PostgresError):
        sqlstate = str(exc.sqlstate or "XX000")
        if sqlstate[:2] in _TRY_LATER:
            return StoreUnavailable(f"the database cannot do this now (SQLSTATE {sqlstate})")
        return StatementRefused(sqlstate)
    if isinstance(exc, asyncpg.DataError | UnicodeError):
        return StatementRefused("22000")  # the driver found it before the server could
    if isinstance(exc, TimeoutError):
        return StoreUnavailable("the database did not answer in time")
    if isinstance(exc, CONNECTION_LOST):
        return StoreUnavailable("the connection to the database was lost")
    return StatementRefused("XX000")


def _as_set_up_error(exc: Exception) -> SetUpError | None:
    """Give the error that no waiting mends, or None."""
    if isinstance(exc, asyncpg.PostgresError):
        sqlstate = str(exc.sqlstate or "")
        if sqlstate[:2] not in _NEEDS_A_PERSON:
            return None
        return SetUpError(
            "setup.database_access",
            f"the database refuses us (SQLSTATE {sqlstate}): check user, password and database "
            "name in DATABASE_URL, and pg_hba.conf of the server",
        )
    if isinstance(exc, OSError | asyncpg.InternalClientError):
        return None
    if isinstance(exc, ValueError | asyncpg.ClientConfigurationError):
        return SetUpError(
            "setup.database_url",
            "DATABASE_URL is not understood: write postgresql://user:password@host:port/database",
        )
    return None
