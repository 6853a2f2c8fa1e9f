"""The read model in dicts; a table is there from its first row on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import TypeAlias, assert_never

from sr_core.ports.event_store import NewEvent, Position
from sr_core.ports.read_model import (
    EnsureRow,
    InsertRow,
    Json,
    Page,
    ProjectionBroken,
    Row,
    RowChange,
    UpdateRows,
    Value,
)

_Table: TypeAlias = tuple[Row, ...]
"""Rows in the order in which they were added; a change makes new rows."""


class MemoryReadModel:
    """A `ReadModel` that forgets everything with the process."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    async def row(self, table: str, key: Row) -> Row | None:
        """See `ReadModel.row`."""
        page = await self.rows(table, key, limit=2)
        assert page.total <= 1, f"{dict(key)} is a key of {table}"
        return page.rows[0] if page.rows else None

    async def rows(
        self, table: str, where: Row, *, limit: int = 200, offset: int = 0
    ) -> Page:
        """See `ReadModel.rows`."""
        wanted = _as_stored(where)
        found = [row for row in self._tables.get(table, ()) if _equals(row, wanted)]
        return Page(
            rows=tuple(deepcopy(found[offset : offset + limit])), total=len(found)
        )

    def tables(self) -> Mapping[str, tuple[Row, ...]]:
        """Return every row there is, by table."""
        return deepcopy(self._tables)

    def apply(self, events: Iterable[tuple[Position, NewEvent]]) -> None:
        """Apply the changes of `events`, all of them or none.

        Raises:
            ProjectionBroken: no row was there to change.

        """
        tables = dict(self._tables)
        for position, event in events:
            for change in event.changes:
                _apply(tables, change, event, position)
        self._tables = tables


def _apply(
    tables: dict[str, _Table], change: RowChange, event: NewEvent, position: Position
) -> None:
    seen: dict[str, Value] = {
        "last_event_id": event.event_id,
        "last_global_seq": position,
    }
    match change:
        case InsertRow(table=table, row=row):
            added = {**_as_stored(row), **seen, "position": position}
            tables[table] = (*tables.get(table, ()), added)
        case EnsureRow(table=table, row=row, key=key):
            added = {**_as_stored(row), **seen, "position": position}
            same = {name: added[name] for name in key}
            before = tables.get(table, ())
            if not any(_equals(each, same) for each in before):
                tables[table] = (*before, added)
            elif change.is_renewal:
                anew = {name: added[name] for name in change.renewed}
                tables[table] = tuple(
                    {**each, **anew, **seen}
                    if _equals(each, same) and not _equals(each, anew)
                    else each
                    for each in before
                )
        case UpdateRows(table=table):
            where = _as_stored(change.where)
            before = tables.get(table, ())
            if not (
                change.may_match_none or any(_equals(row, where) for row in before)
            ):
                raise ProjectionBroken.no_row(event.event_type, change)
            tables[table] = tuple(
                {**_changed(row, change), **seen} if _equals(row, where) else row
                for row in before
            )
        case _:
            assert_never(change)


def _changed(row: Row, change: UpdateRows) -> Row:
    added = {
        name: _number(row.get(name, 0)) + step
        for name, step in change.increments.items()
    }
    return {**row, **_as_stored(change.values), **added}


def _number(value: Value) -> int:
    assert isinstance(value, int), "only numbers are counted up"
    return value


def _equals(row: Row, where: Row) -> bool:
    return all(row.get(name) == value for name, value in where.items())


def _as_stored(row: Row) -> dict[str, Value]:
    """Return `row` as a database gives it back, sharing nothing with it."""
    return {
        name: value if isinstance(value, datetime) else _plain(value)
        for name, value in row.items()
    }


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value
