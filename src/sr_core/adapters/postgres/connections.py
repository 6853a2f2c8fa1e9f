"""Connections to Postgres, and the one place where its driver's errors stop.

Every use of the database is a transaction, or a single statement, given as a function of
the connection:

    pool ──connection──▶ work ──commit──▶ result
      ▲                   │
      └── try again ◀─────┤ serialisation failure, deadlock, lock not available,
                          │ or the connection is lost
                          └▶ Unavailable: the server failed, or the deadline has passed

A connection that is lost while it commits leaves open whether it did. So all that is done
here can be done twice: what is there already stays, and the second try tells the truth.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from psycopg import (
    AsyncConnection,
    Error,
    InterfaceError,
    InternalError,
    OperationalError,
    errors,
)
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL
from psycopg_pool import AsyncConnectionPool

from sr_core.adapters.postgres import statements
from sr_core.ports.errors import Unavailable

Connection: TypeAlias = AsyncConnection[DictRow]
T = TypeVar("T")

_used_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
"""When each connection last did its work, on the monotonic clock."""

ATTEMPTS_MAX: Final = 5
BACKOFF_MAX_MS: Final = 20
"""Doubled with each attempt, and drawn from, so that two do not meet again."""
CANCEL_GRACE_S: Final = 0.5
STATEMENTS_MAX: Final = 512
"""How many prepared statements a session keeps."""
RESTED_S: Final = 1.0
"""After how long without use a connection is asked whether it is alive."""
CONNECT_TIMEOUT_S_MIN: Final = 2
"""The least that libpq keeps to."""

_RETRIED: Final = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
)


class _ConnectionLost(Exception):  # noqa: N818 - named for what it says
    """The connection ended under the work, which may or may not be committed."""


FAILED: Final = (
    OperationalError,
    InterfaceError,
    InternalError,
    OSError,
    TimeoutError,
    _ConnectionLost,
    # A database that was not migrated, or where this user may do nothing.
    errors.InvalidSchemaName,
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.InsufficientPrivilege,
)
"""What says that the server, or the way to it, failed."""


class Connections(Protocol):
    """What gives connections, each for one use of the database."""

    @property
    def deadline_s(self) -> float:
        """How long a use may take."""
        ...

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection for as long as the block lasts."""
        ...


class Pool(AsyncConnectionPool[Connection]):
    """Connections to one database."""

    _lane: Lane | None = None

    @property
    def deadline_s(self) -> float:
        """How long a use may take."""
        return self.timeout

    @property
    def lane(self) -> Connections:
        """The connection that is kept for appends; all, if there is but one."""
        if self.max_size == 1:
            return self
        if self._lane is None:
            self._lane = Lane(self)
        return self._lane

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - its base's
        """Close all connections, as they are given back."""
        if self._lane is not None:
            await self._lane.close()
        await super().close(timeout)


class Lane:
    """One connection of a pool that is kept, for work that is done one at a time.

    A pool hands its connections out in turn, so that each was idle for long. A server's
    process that was idle is slow to wake: it takes a tenth of an append.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: Connection | None = None
        self._is_closed = False

    @property
    def deadline_s(self) -> float:
        """How long a use may take."""
        return self._pool.deadline_s

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend the connection that is kept, or another while it is lent already."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            await self._pool.putconn(connection)  # which looks whether it is still good
            raise
        if self._is_closed or self._kept is not None:
            await self._pool.putconn(connection)
        else:
            self._kept = connection

    async def close(self) -> None:
        """Give the connection back to the pool."""
        self._is_closed = True
        if self._kept is not None:
            connection, self._kept = self._kept, None
            await self._pool.putconn(connection)

    async def _take(self) -> Connection:
        connection, self._kept = self._kept, None
        if connection is not None:
            try:
                await _check_idle(connection)
            except (Error, OSError):  # it died, and another one may do
                await self._pool.putconn(connection)
            except BaseException:
                await self._pool.putconn(connection)
                raise
            else:
                return connection
        return await self._pool.getconn()


def connection_pool(
    dsn: str, *, connections_max: int = 8, deadline_s: float = 5.0
) -> Pool:
    """Return a pool that is not open yet; `deadline_s` bounds each use of it.

    A lock is waited for half of that at most, so that a second attempt fits in. A
    connection that died while nobody used it is found out when it is handed over, and
    replaced; one that was used a moment ago is handed over as it is.
    """

    async def set_session(connection: Connection) -> None:
        connection.prepared_max = STATEMENTS_MAX
        await connection.execute(statements.SET_SESSION, bounds(lock_s=deadline_s / 2))

    return Pool(
        dsn,
        connection_class=AsyncConnection[DictRow],
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "connect_timeout": max(CONNECT_TIMEOUT_S_MIN, round(deadline_s)),
            # Never a replica, even after a failover (R-EVT-16).
            "target_session_attrs": "read-write",
        },
        configure=set_session,
        check=_check_idle,
        min_size=1,
        max_size=connections_max,
        timeout=deadline_s,
        # Give up soon, so that the next command dials anew instead of sitting out
        # the pauses of an outage that is over.
        reconnect_timeout=deadline_s,
        open=False,
    )


async def _check_idle(connection: Connection) -> None:
    """Raise the driver's error if the connection died; ask only after a rest."""
    if time.monotonic() - _used_at.get(connection, -math.inf) > RESTED_S:
        await AsyncConnectionPool.check_connection(connection)


def bounds(*, lock_s: float) -> dict[str, str]:
    """Return what a session may wait for, given how long for a lock."""
    return {
        "lock_timeout": f"{lock_s * 1000:.0f}ms",
        "statement_timeout": f"{lock_s * 2000:.0f}ms",
        "idle_timeout": f"{lock_s * 4000:.0f}ms",
    }


async def in_transaction(
    pool: Connections, work: Callable[[Connection], Awaitable[T]]
) -> T:
    """Return what `work` returns, once it is committed.

    See `at_once`.
    """

    async def committed(connection: Connection) -> T:
        async with connection.transaction():
            return await work(connection)

    return await at_once(pool, committed)


async def all_rows(
    pool: Connections, statement: SQL, values: Mapping[str, object]
) -> list[DictRow]:
    """Return what the statement gives, once it is committed; see `at_once`."""

    async def work(connection: Connection) -> list[DictRow]:
        cursor = await connection.execute(statement, values)
        return await cursor.fetchall()

    return await in_transaction(pool, work)


async def at_once(pool: Connections, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Return what `work` returns; each of its statements commits by itself.

    What `work` itself raises rolls back and passes through, unless it is the driver's.
    It may be carried out again after it was committed, and has to lead to the same then.

    Raises:
        Unavailable: no answer in time; the transaction may or may not be committed.

    """
    try:
        return await _within(pool.deadline_s, _attempts(pool, work))
    except FAILED as error:
        raise Unavailable(system="Postgres", deadline_s=pool.deadline_s) from error
    except Error as error:
        msg = f"what our own code asks of its own tables, they can do: {error}"
        raise AssertionError(msg) from error


async def _attempts(pool: Connections, work: Callable[[Connection], Awaitable[T]]) -> T:
    for attempt in range(ATTEMPTS_MAX - 1):
        try:
            return await _once(pool, work)
        except (*_RETRIED, _ConnectionLost):
            await asyncio.sleep(secrets.randbelow(BACKOFF_MAX_MS << attempt) / 1000)
    return await _once(pool, work)


async def _once(pool: Connections, work: Callable[[Connection], Awaitable[T]]) -> T:
    async with pool.connection() as connection:
        try:
            result = await work(connection)
        except (OperationalError, InterfaceError) as error:
            if connection.closed:
                raise _ConnectionLost from error
            raise
        _used_at[connection] = time.monotonic()
        return result


async def _within(deadline_s: float, work: Awaitable[T]) -> T:
    """Return what `work` returns, in time.

    The first cancellation asks the server to stop, the second hangs up: a server that no
    longer hears would keep the driver waiting for its answer.
    """
    async with asyncio.timeout(deadline_s + CANCEL_GRACE_S):
        async with asyncio.timeout(deadline_s):
            return await work
