"""The record of the log in Postgres, read at one moment and a few rows at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

from psycopg import AsyncConnection, Error, errors
from psycopg.rows import dict_row
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection
from sr_core.ports.errors import Unavailable, Unfit
from sr_core.ports.log_record import (
    Disagreement,
    LogHead,
    LogRow,
    LogSnapshot,
    Place,
)

CONNECT_S: Final = 5
STATEMENT_S_MAX: Final = 3600.0
"""How long one comparison over the whole log may take."""
ROWS_AT_ONCE: Final = 256
_SYSTEM: Final = "Postgres"

_COMPARISONS: Final[Mapping[Place, SQL]] = MappingProxyType(
    {
        Place.STREAM_ORDER: statements.DISAGREEING_STREAM_ORDER,
        Place.STREAM_BOUNDARY: statements.DISAGREEING_STREAM_BOUNDARY,
        Place.STREAM_ROW: statements.DISAGREEING_STREAM_ROW,
        Place.BOUNDARY_ROW: statements.DISAGREEING_BOUNDARY_ROW,
    }
)


class PostgresLogRecord:
    """A `LogRecord` in the `es` schema, on a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[LogSnapshot]:
        """See `LogRecord.snapshot`."""
        try:
            async with await AsyncConnection.connect(
                self._dsn, row_factory=dict_row, connect_timeout=CONNECT_S
            ) as connection:
                await connection.execute(statements.SET_LONG_SESSION, _bounds())
                await connection.commit()
                await connection.execute(statements.READ_ONE_MOMENT)
                yield _Snapshot(connection)
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise Unfit(system=_SYSTEM, cause="it has no schema of ours") from error
        except (Error, OSError) as error:
            raise Unavailable(system=_SYSTEM, deadline_s=None) from error


class _Snapshot:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def head(self) -> LogHead | None:
        cursor = await self._connection.execute(statements.READ_HEAD)
        found = await cursor.fetchall()
        return LogHead(**found[0]) if len(found) == 1 else None

    async def rows(self, *, first: int) -> AsyncIterator[LogRow]:
        async with self._connection.cursor(name="log_record") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            await cursor.execute(statements.READ_LOG_RECORD, {"first": first})
            async for row in cursor:
                yield LogRow(**row)

    async def disagreements(self) -> Sequence[Disagreement]:
        found = []
        for place, statement in _COMPARISONS.items():
            cursor = await self._connection.execute(statement, {})
            row = await cursor.fetchone()
            if row is not None:
                found.append(Disagreement(place=place, **row))
        return found


def _bounds() -> dict[str, str]:
    return {
        "lock_timeout": f"{CONNECT_S}s",
        "statement_timeout": f"{STATEMENT_S_MAX:.0f}s",
        "idle_timeout": f"{STATEMENT_S_MAX:.0f}s",
    }
