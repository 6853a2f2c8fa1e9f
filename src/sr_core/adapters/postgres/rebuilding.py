"""A copy of the read model that takes the live tables' place (R-EVT-11)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, LiteralString

from psycopg import IsolationLevel
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection
from sr_core.adapters.postgres.row_changes import LIVE, table_name
from sr_core.adapters.postgres.table_copies import (
    TableCopies,
    connected,
    drop_copies,
)
from sr_core.ports.event_store import BEGINNING, Position
from sr_core.ports.read_copy import Compared, Projected, RebuildUnderWay

COPY: Final = "shadow"
DOOMED: Final = "replaced"
LOCK_TRIES_MAX: Final = 8
"""How often the live tables are tried to be locked, while appends wait."""


class PostgresRebuildSite:
    """A `RebuildSite` in the database of the log; `dsn` is its owner's."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PostgresRebuilding]:
        """See `RebuildSite.open`."""
        async with connected(self._dsn) as connection:
            cursor = await connection.execute(statements.TRY_REBUILD_LOCK)
            row = await cursor.fetchone()
            if row is None or not row["is_locked"]:
                raise RebuildUnderWay
            await drop_copies(connection, COPY, DOOMED)
            copies = TableCopies(connection, COPY)
            try:
                async with connection.transaction():
                    await copies.require_replaceable()
                    await copies.make()
                    await connection.execute(statements.MAKE_CHECKPOINT)
                yield PostgresRebuilding(connection, copies)
            finally:
                if not connection.broken:
                    await drop_copies(connection, COPY, DOOMED)


class PostgresRebuilding:
    """A `Rebuilding`; it is in a transaction within `moment` and `standstill` alone."""

    def __init__(self, connection: Connection, copies: TableCopies) -> None:
        self._connection = connection
        self._copies = copies

    async def apply(self, events: Sequence[Projected]) -> None:
        """See `ReadCopy.apply`; how far it is, is written with the rows."""
        async with self._connection.transaction():
            await self._copies.apply(events)
            await self._connection.execute(
                statements.SET_CHECKPOINT, {"position": events[-1].position}
            )

    async def compare(self, *, since: Position = BEGINNING) -> Compared:
        """See `ReadCopy.compare`."""
        return await self._copies.compare(since=since)

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[Position]:
        """See `Rebuilding.moment`."""
        connection = self._connection
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        try:
            async with connection.transaction():
                yield await self._end(statements.READ_END)
        finally:
            await connection.set_isolation_level(None)

    @asynccontextmanager
    async def standstill(self) -> AsyncIterator[Position]:
        """See `Rebuilding.standstill`."""
        async with self._connection.transaction():
            await self._keep_maintenance_off()
            yield await self._end(statements.HOLD_END)

    async def swap(self) -> None:
        """See `Rebuilding.swap`."""
        await self._lock_tables()
        await self._copies.swap(DOOMED)

    async def _keep_maintenance_off(self) -> None:
        """Let no vacuum have the tables or their copies, before anybody has to wait.

        It would keep them for as long as it takes: who holds the end of the log cannot
        wait until it yields. Reads and appends go on.
        """
        await self._connection.execute(statements.SET_PATIENT_WAITS)
        for copy in (LIVE, self._copies.name):
            await self._lock_all("SHARE UPDATE EXCLUSIVE", copy=copy)

    async def _lock_tables(self) -> None:
        """Lock all live tables.

        Readers may hold them in another order: who finds one taken gives all of them
        back, and tries again.
        """
        for _ in range(LOCK_TRIES_MAX - 1):
            with suppress(LockNotAvailable, DeadlockDetected):
                return await self._lock_live()
        return await self._lock_live()

    async def _lock_live(self) -> None:
        async with self._connection.transaction():
            await self._connection.execute(statements.SET_SHORT_WAITS)
            await self._lock_all("ACCESS EXCLUSIVE", copy=LIVE)

    async def _lock_all(self, mode: LiteralString, *, copy: str) -> None:
        for table in self._copies.tables:
            await self._connection.execute(
                SQL("LOCK TABLE {} IN {} MODE").format(
                    table_name(table.name, copy=copy), SQL(mode)
                )
            )

    async def _end(self, statement: SQL) -> Position:
        cursor = await self._connection.execute(statement)
        row = await cursor.fetchone()
        assert row is not None, "the log has one head"
        return Position(row["global_seq"])
