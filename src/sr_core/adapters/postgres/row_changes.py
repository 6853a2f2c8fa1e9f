"""Changes of the read model, applied inside the append's transaction.

Tables and columns are named by our own projections, and quoted as identifiers all the
same; values are only ever parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from psycopg import AsyncCursor, Error, InterfaceError, OperationalError
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder
from psycopg.types.json import Jsonb

from sr_core.adapters.postgres.connections import Connection
from sr_core.ports.errors import Overtaken
from sr_core.ports.event_store import NewEvent, Position
from sr_core.ports.read_model import (
    RULE_INDEX_PREFIX,
    EnsureRow,
    InsertRow,
    ProjectionBroken,
    Row,
    RowChange,
    UpdateRows,
    Value,
)


async def apply(
    connection: Connection, events: Iterable[tuple[Position, NewEvent]]
) -> None:
    """Apply the changes of `events`, in order, in the transaction of `connection`.

    Raises:
        ProjectionBroken: a table refuses a change, or no row was there to change.
        Overtaken: an index that keeps a rule refuses a row (`RULE_INDEX_PREFIX`).

    """
    pending: list[tuple[NewEvent, RowChange, AsyncCursor[DictRow]]] = []
    try:
        async with connection.pipeline():
            for position, event in events:
                for change in event.changes:
                    cursor = await _apply(connection, change, event, position)
                    pending.append((event, change, cursor))
    except (OperationalError, InterfaceError):
        raise
    except UniqueViolation as error:
        index = error.diag.constraint_name or ""
        if not index.startswith(RULE_INDEX_PREFIX):
            raise ProjectionBroken(found=_refused(error)) from error
        raise Overtaken(index=index) from error
    except Error as error:
        raise ProjectionBroken(found=_refused(error)) from error
    for event, change, cursor in pending:
        _require_match(event, change, cursor.rowcount)


async def _apply(
    connection: Connection, change: RowChange, event: NewEvent, position: Position
) -> AsyncCursor[DictRow]:
    seen: dict[str, Value] = {
        "last_event_id": event.event_id,
        "last_global_seq": position,
    }
    match change:
        case InsertRow(table=table, row=row):
            columns = {**row, **seen, "position": position}
            return await connection.execute(
                _insertion(table, columns), list(map(parameter, columns.values()))
            )
        case EnsureRow(table=table, row=row, key=key):
            columns = {**row, **seen, "position": position}
            return await connection.execute(
                _insertion(table, columns) + _unless_there(key),
                list(map(parameter, columns.values())),
            )
        case UpdateRows():
            values = {**change.values, **seen}
            return await connection.execute(
                _update(change, values),
                [
                    *map(parameter, values.values()),
                    *change.increments.values(),
                    *parameters(change.where),
                ],
            )
        case _:
            assert_never(change)


def _require_match(event: NewEvent, change: RowChange, matched: int) -> None:
    if isinstance(change, UpdateRows) and not (matched or change.may_match_none):
        raise ProjectionBroken.no_row(event.event_type, change)


def _insertion(table: str, columns: Mapping[str, Value]) -> Composed:
    return SQL("INSERT INTO {} ({}) VALUES ({})").format(
        table_name(table),
        SQL(", ").join(map(Identifier, columns)),
        SQL(", ").join(Placeholder() * len(columns)),
    )


def _unless_there(key: Sequence[str]) -> Composed:
    return SQL(" ON CONFLICT ({}) DO NOTHING").format(
        SQL(", ").join(map(Identifier, key))
    )


def _refused(error: Error) -> str:
    return f"The read model refused it: {error}"


def _update(change: UpdateRows, values: Mapping[str, Value]) -> Composed:
    settings: list[Composable] = [
        SQL("{} = {}").format(Identifier(name), Placeholder()) for name in values
    ]
    settings += [
        SQL("{0} = {0} + {1}").format(Identifier(name), Placeholder())
        for name in change.increments
    ]
    return SQL("UPDATE {} SET {} WHERE {}").format(
        table_name(change.table), SQL(", ").join(settings), equality(change.where)
    )


def table_name(table: str) -> Identifier:
    """Return the name of the read model's table; `proj` is its schema if none is named."""
    schema, _, name = table.rpartition(".")
    return Identifier(schema or "proj", name)


def equality(where: Row) -> Composable:
    """Return the condition that a row equals `where`; it takes `parameters(where)`."""
    return (
        SQL(" AND ").join(
            SQL("{} IS NULL").format(Identifier(name))
            if value is None
            else SQL("{} = {}").format(Identifier(name), Placeholder())
            for name, value in where.items()
        )
        if where
        else SQL("true")
    )


def parameters(where: Row) -> list[Any]:
    """Return the values that `equality(where)` asks for, in its order."""
    return [parameter(value) for value in where.values() if value is not None]


def parameter(value: Value) -> Any:  # noqa: ANN401 - the driver takes what it can dump
    """Return `value` as the driver is to send it: what has parts goes as JSON."""
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return value
    return Jsonb(value)
