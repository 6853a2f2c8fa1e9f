"""Changes of the read model, made inside the transaction that they belong to.

A run of changes (`row_runs`) is one statement, which takes its rows as JSON. Tables and
columns are named by our own projections, and quoted as identifiers all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import UniqueViolation
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder
from psycopg.types.json import Jsonb

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection
from sr_core.adapters.postgres.row_runs import Run, Shape, TableFacts
from sr_core.ports.errors import Overtaken
from sr_core.ports.read_model import (
    RULE_INDEX_PREFIX,
    ProjectionBroken,
    Row,
    UpdateRows,
    Value,
)

Facts = Mapping[str, TableFacts]

LIVE: Final = ""
"""The rows that the platform reads; any other text names the schemas of a copy."""
BEGINNING: Final = SQL("(SELECT 0::bigint AS global_seq)")
"""What a copy's positions count from."""
NO_ROW: Final = "SR404"
"""The SQLSTATE of a change that found no row (migration 0011)."""


async def apply(
    connection: Connection, runs: Sequence[Run], *, copy: str = LIVE
) -> None:
    """Make the changes, in the live tables or in those of `copy`.

    The offsets of live changes count from the end of the log as it is here, those of a
    copy from its beginning.

    Raises:
        ProjectionBroken: a table refuses a change, or no row was there to change.
        Overtaken: an index that keeps a rule refuses a row (`RULE_INDEX_PREFIX`).

    """
    try:
        async with connection.pipeline():
            cursors = [
                await connection.execute(
                    _alone(each.shape, copy=copy), arguments(each), prepare=True
                )
                for each in runs
            ]
    except (OperationalError, InterfaceError):
        raise
    except Error as error:
        raise refusal(error, runs) from error
    for run, cursor in zip(runs, cursors, strict=True):
        if run.wanted:
            matched = {row["ordinality"] for row in await cursor.fetchall()}
            for number in run.wanted:
                if number not in matched:
                    raise no_row(run, number)


def arguments(run: Run) -> list[object]:
    """Return the parameters of the run's statement: its rows, and where they are."""
    rows = [_json(run.rows)]
    return [*rows] if run.shape.is_added else [*rows, _json(run.wheres)]


def no_row(run: Run, number: int) -> ProjectionBroken:
    """Return the error that change `number` of the run found no row."""
    change = run.changes[number - 1]
    assert isinstance(change.change, UpdateRows), "only these have to find one"
    return ProjectionBroken.no_row(change.event_type, change.change)


def is_refusal(error: Error) -> bool:
    """Return whether it is a row of the read model that the database refuses."""
    about_data = ("22", "23", NO_ROW)  # what is wrong with data, or breaks a constraint
    return (error.sqlstate or "").startswith(
        about_data
    ) and error.diag.schema_name != "es"


def refusal(error: Error, runs: Sequence[Run]) -> ProjectionBroken | Overtaken:
    """Return what it means that the database refuses one of the runs."""
    if error.sqlstate == NO_ROW:
        run, number = map(int, (error.diag.message_detail or "").split())
        return no_row(runs[run], number)
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
            referring=frozenset(row["referring"]),
        )
        async for row in cursor
    }


def _short(name: str) -> str:
    return name.removeprefix("proj.")


_POINT_ZERO: Final = re.compile(r"\.0(?=[,\]}])")
_STRING_OR_POINT_ZERO: Final = re.compile(rf'"(?:[^"\\]|\\.)*"|{_POINT_ZERO.pattern}')


@lru_cache(maxsize=1024)
def _alone(shape: Shape, *, copy: str) -> bytes:
    """Return the statement of one run, in a transaction that has appended already."""
    head = Identifier("es", "head") if copy == LIVE else BEGINNING
    return statement(shape, head, copy=copy).as_bytes(None)


def statement(shape: Shape, head: Composable, *, copy: str = LIVE) -> Composed:
    """Return the statement of a run; `head` is a relation whose row ends the log.

    Its parameters are `arguments`.
    """
    return (_insertion if shape.is_added else _update)(
        shape, head, table_name(shape.table, copy=copy)
    )


def _insertion(shape: Shape, head: Composable, table: Composable) -> Composed:
    columns = [*map(Identifier, shape.columns), Identifier("last_event_id")]
    rows = SQL(", ").join(SQL("r.{}").format(each) for each in columns)
    return SQL(
        "INSERT INTO {table} AS t ({columns}, last_global_seq, position)"
        " SELECT {rows}, h.global_seq + r.last_global_seq, h.global_seq + r.position"
        " FROM {head} AS h, jsonb_populate_recordset(NULL::{table}, %s) AS r{conflict}"
    ).format(
        table=table,
        columns=SQL(", ").join(columns),
        rows=rows,
        head=head,
        conflict=_on_conflict(shape),
    )


def _on_conflict(shape: Shape) -> Composable:
    if not shape.key:
        return SQL("")
    key = SQL(", ").join(map(Identifier, shape.key))
    if not shape.renewed:
        return SQL(" ON CONFLICT ({}) DO NOTHING").format(key)
    renewed = list(map(Identifier, shape.renewed))
    names = (*renewed, Identifier("last_event_id"), Identifier("last_global_seq"))
    return SQL(
        " ON CONFLICT ({key}) DO UPDATE SET {settings}"
        " WHERE excluded.{said} <> '{{}}'"
        " AND ({before}) IS DISTINCT FROM ({anew})"
    ).format(
        key=key,
        settings=SQL(", ").join(SQL("{0} = excluded.{0}").format(n) for n in names),
        said=Identifier(shape.unless_empty),
        before=SQL(", ").join(SQL("t.{}").format(each) for each in renewed),
        anew=SQL(", ").join(SQL("excluded.{}").format(each) for each in renewed),
    )


def _update(shape: Shape, head: Composable, table: Composable) -> Composed:
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
        table=table,
        settings=SQL(", ").join(settings),
        head=head,
        conditions=SQL(" AND ").join(conditions),
    )


def table_name(table: str, *, copy: str = LIVE) -> Identifier:
    """Return the name of the read model's table; `proj` is its schema if none is named."""
    schema, _, name = table.rpartition(".")
    return Identifier(f"{schema or 'proj'}{copy and f'_{copy}'}", name)


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
    """Return the rows as JSON, numbers as RFC 8785 writes them: 600.0 is 600.

    A decision may say 600 where the event that is read back says 600.0; a row must not
    tell the two apart.
    """
    text = msgspec.json.encode(rows, enc_hook=_plain).decode()
    return _STRING_OR_POINT_ZERO.sub(_whole, text) if _POINT_ZERO.search(text) else text


def _whole(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else ""


def _plain(value: object) -> object:
    """Return what JSON can hold of a mapping or sequence that is not of the usual types."""
    if isinstance(value, Mapping):
        return dict(value)
    assert isinstance(value, Sequence), (
        f"{type(value).__name__} is no value of a column"
    )
    return list(value)
