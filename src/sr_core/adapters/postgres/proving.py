"""A copy of the read model beside one moment of everything, for a proof (R-EVT-15).

All of it happens in one transaction that is never committed: whoever is killed in the
middle, nothing is left behind, and nobody else sees anything of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg import IsolationLevel, Rollback
from psycopg.sql import SQL, Identifier, Literal

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection
from sr_core.adapters.postgres.row_changes import table_name
from sr_core.adapters.postgres.table_copies import TableCopies, connected
from sr_core.ports.event_store import BEGINNING, Position
from sr_core.ports.read_copy import Compared, Digests, Projected


class PostgresProofSite:
    """A `ProofSite` in the database of the log; `dsn` is its owner's."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @asynccontextmanager
    async def open(self, moment: str | None = None) -> AsyncIterator[PostgresProving]:
        """See `ProofSite.open`."""
        async with connected(self._dsn) as connection:
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            async with connection.transaction() as transaction:
                if moment is not None:
                    await connection.execute(
                        SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(moment))
                    )
                seen = await _one(connection, statements.HOLD_MOMENT)
                copies = TableCopies(connection, f"proof_{seen['session']}")
                await copies.make()
                yield PostgresProving(connection, copies, seen)
                raise Rollback(transaction)


class PostgresProving:
    """A `Proving` in the one transaction of its connection."""

    def __init__(
        self, connection: Connection, copies: TableCopies, seen: dict[str, Any]
    ) -> None:
        self._connection = connection
        self._copies = copies
        self.end = Position(seen["global_seq"])
        self.moment: str = seen["moment"]

    async def apply(self, events: Sequence[Projected]) -> None:
        """See `ReadCopy.apply`."""
        await self._copies.apply(events)

    async def compare(self, *, since: Position = BEGINNING) -> Compared:
        """See `ReadCopy.compare`."""
        return await self._copies.compare(since=since)

    async def digests(self, *, live: bool = False) -> Digests:
        """See `Proving.digests`."""
        return await self._copies.digests(live=live)

    async def disorder(self) -> str | None:
        """See `Proving.disorder`."""
        cursor = await self._connection.execute(
            statements.FIND_DISORDER, {"end": self.end}
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        return (
            f"{row['stream_id']} has number {row['stream_seq']} at position "
            f"{row['global_seq']}, where {row['expected']} is due"
        )

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """See `Proving.aside`."""
        async with self._connection.transaction() as transaction:
            yield
            raise Rollback(transaction)

    async def falsify(self) -> str:
        """See `Proving.falsify`."""
        for table in self._copies.tables:
            key = SQL(", ").join(map(Identifier, table.key))
            cursor = await self._connection.execute(
                SQL(
                    "UPDATE {table} SET last_event_id = last_event_id || '?'"
                    " WHERE ({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1)"
                    " RETURNING concat_ws(' ', {key}) AS key"
                ).format(table=table_name(table.name, copy=self._copies.name), key=key)
            )
            row = await cursor.fetchone()
            if row is not None:
                return f"last_event_id of {row['key']} in {table.name} was changed"
        return "there is no row to change"


async def _one(connection: Connection, statement: SQL) -> dict[str, Any]:
    cursor = await connection.execute(statement)
    row = await cursor.fetchone()
    assert row is not None, "it gives one row"
    return row
