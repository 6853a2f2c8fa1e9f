"""Changes of the read model, made inside the transaction that they belong to.

A run of changes (`row_runs`) is one statement, which takes its rows as JSON. Tables and
columns are named by our own projections, and quoted as identifiers all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from psycopg import AsyncCursor, Error, InterfaceError, OperationalError
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder
from psycopg.types.json import Jsonb

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection
from sr_core.adapters.postgres.row_runs import Change, Run, Shape, TableFacts, runs_of
from sr_core.ports.errors import Overtaken
from sr_core.ports.read_model import (
    RULE_INDEX_PREFIX,
    ProjectionBroken,
    Row,
    UpdateRows,
    Value,
)

Facts = Mapping[str, TableFacts]


async def apply(
    connection: Connection,
    changes: Iterable[Change],
    facts: Facts,
    *,
    shadow: bool = False,
) -> None:
    """Make the changes, whose offsets count from the end of the log as it is here.

    `shadow` says that the rows are those of a rebuild, whose schemas are named for it.

    Raises:
        ProjectionBroken: a table refuses a change, or no row was there to change.
        Overtaken: an index that keeps a rule refuses a row (`RULE_INDEX_PREFIX`).

    """
    runs = runs_of(changes, facts)
    try:
        async with connection.pipeline():
            cursors = [
                await _carry_out(connection, each, shadow=shadow) for each in runs
            ]
    except (OperationalError, InterfaceError):
        raise
    except Error as error:
        raise refusal(error) from error
    for run, cursor in zip(runs, cursors, strict=True):
        if cursor is not None:
            _require_match(run, {row["ordinality"] for row in await cursor.fetchall()})


def refusal(error: Error) -> ProjectionBroken | Overtaken:
    """Return what it means that the database refuses a change of rows."""
    index = error.diag.constraint_name or ""
    if isinstance(error, UniqueViolation) and index.startswith(RULE_INDEX_PREFIX):
        return Overtaken(index=index)
    return ProjectionBroken(found=f"The read model refused it: {error}")


async def read_facts(connection: Connection) -> Facts:
    """Return what the order of changes depends on, by table."""
    cursor = await connection.execute(statements.READ_TABLE_FACTS)
    return {
        _short(row["name"]): TableFacts(
            guarded=frozenset(row["guarded"]),
            parents=frozenset(map(_short, row["parents"])),
        )
        async for row in cursor
    }


def _short(name: str) -> str:
    return name.removeprefix("proj.")


async def _carry_out(
    connection: Connection, run: Run, *, shadow: bool
) -> AsyncCursor[DictRow] | None:
    """Send the run's statement; return the cursor that will know what it matched."""
    statement = _statement(run.shape, shadow=shadow)
    rows = _json(run.rows)
    if run.shape.is_added:
        await connection.execute(statement, [rows], prepare=True)
        return None
    wheres = _json(run.wheres)
    return await connection.execute(statement, [rows, wheres], prepare=True)


def _require_match(run: Run, matched: set[int]) -> None:
    for ordinality, each in enumerate(run.changes, start=1):
        change = each.change
        assert isinstance(change, UpdateRows), "only these have to match"
        if ordinality not in matched and not change.may_match_none:
            raise ProjectionBroken.no_row(each.event_type, change)


@lru_cache(maxsize=1024)
def _statement(shape: Shape, *, shadow: bool) -> bytes:
    composed = (_insertion if shape.is_added else _update)(shape, shadow=shadow)
    return composed.as_bytes(None)


def _insertion(shape: Shape, *, shadow: bool) -> Composed:
    """Return the statement that adds rows; its parameter is their JSON."""
    columns = [*map(Identifier, shape.columns), Identifier("last_event_id")]
    rows = SQL(", ").join(SQL("r.{}").format(each) for each in columns)
    conflict: Composable = SQL("")
    if shape.key:
        key = SQL(", ").join(map(Identifier, shape.key))
        conflict = SQL(" ON CONFLICT ({}) DO NOTHING").format(key)
    return SQL(
        "INSERT INTO {table} ({columns}, last_global_seq, position)"
        " SELECT {rows}, h.global_seq + r.last_global_seq, h.global_seq + r.position"
        " FROM {head} AS h, jsonb_populate_recordset(NULL::{table}, %s) AS r{conflict}"
    ).format(
        table=table_name(shape.table, shadow=shadow),
        columns=SQL(", ").join(columns),
        rows=rows,
        head=_head(shadow=shadow),
        conflict=conflict,
    )


def _update(shape: Shape, *, shadow: bool) -> Composed:
    """Return the statement that changes rows; its parameters are two JSON arrays."""
    settings: list[Composable] = [
        SQL("{0} = r.{0}").format(Identifier(name))
        for name in (*shape.columns, "last_event_id")
    ]
    settings += [
        SQL("{0} = t.{0} + r.{0}").format(Identifier(name)) for name in shape.increments
    ]
    conditions: list[Composable] = [
        SQL("t.{0} = w.{0}").format(Identifier(name)) for name in shape.key
    ]
    conditions += [
        SQL("t.{} IS NULL").format(Identifier(name)) for name in shape.absent
    ]
    return SQL(
        "UPDATE {table} AS t"
        " SET {settings}, last_global_seq = h.global_seq + r.last_global_seq"
        " FROM {head} AS h,"
        " jsonb_populate_recordset(NULL::{table}, %s) WITH ORDINALITY AS r"
        " JOIN jsonb_populate_recordset(NULL::{table}, %s) WITH ORDINALITY AS w"
        " USING (ordinality)"
        " WHERE {conditions} RETURNING ordinality"
    ).format(
        table=table_name(shape.table, shadow=shadow),
        settings=SQL(", ").join(settings),
        head=_head(shadow=shadow),
        conditions=SQL(" AND ").join(conditions),
    )


def _head(*, shadow: bool) -> Composable:
    return Identifier("proj_shadow", "head") if shadow else Identifier("es", "head")


def table_name(table: str, *, shadow: bool = False) -> Identifier:
    """Return the name of the read model's table; `proj` is its schema if none is named."""
    schema, _, name = table.rpartition(".")
    return Identifier((schema or "proj") + ("_shadow" if shadow else ""), name)


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


def _json(rows: Sequence[Row]) -> str:
    return msgspec.json.encode(rows, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    """Return what JSON can hold of a mapping or sequence that is not of the usual types."""
    if isinstance(value, Mapping):
        return dict(value)
    assert isinstance(value, Sequence), (
        f"{type(value).__name__} is no value of a column"
    )
    return list(value)
