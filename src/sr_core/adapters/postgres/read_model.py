"""The read model in the `proj` schema: what the projections wrote, by table."""

from __future__ import annotations

from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composed, Placeholder

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.adapters.postgres.row_changes import equality, parameters, table_name
from sr_core.ports.read_model import Page, Row


class PostgresReadModel:
    """A `ReadModel` over the tables that `PostgresEventStore` writes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def row(self, table: str, key: Row) -> Row | None:
        """See `ReadModel.row`."""
        page = await self.rows(table, key, limit=2)
        assert page.total <= 1, f"{dict(key)} is a key of {table}"
        return page.rows[0] if page.rows else None

    async def rows(
        self, table: str, where: Row, *, limit: int = 200, offset: int = 0
    ) -> Page:
        """See `ReadModel.rows`."""

        async def work(connection: Connection) -> Page:
            async with connection.pipeline():
                await connection.execute(statements.READ_ONE_MOMENT)
                counted = await connection.execute(
                    _count(table, where), parameters(where)
                )
                found = await connection.execute(
                    _selection(table, where), [*parameters(where), limit, offset]
                )
            return Page(rows=tuple(await found.fetchall()), total=await _total(counted))

        return await in_transaction(self._pool, work)


def _count(table: str, where: Row) -> Composed:
    return SQL("SELECT count(*) AS total FROM {} WHERE {}").format(
        table_name(table), equality(where)
    )


def _selection(table: str, where: Row) -> Composed:
    """Return the query for a page: rows of one event by their own columns, in order."""
    return SQL(
        "SELECT * FROM {} AS found WHERE {} ORDER BY position, found LIMIT {} OFFSET {}"
    ).format(table_name(table), equality(where), Placeholder(), Placeholder())


async def _total(counted: AsyncCursor[DictRow]) -> int:
    row = await counted.fetchone()
    assert row is not None, "count(*) always answers"
    total: int = row["total"]
    return total
