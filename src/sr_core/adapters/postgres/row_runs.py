"""Which changes of rows can be made in one statement, without changing what comes out.

    changes, in order ──▶ runs, in order: each of one shape, its changes in any order

A change joins the earliest run of its shape that no change before it has to precede.
Two changes may pass each other if the rows are the same in the end either way:

* Rows of two tables do, unless one comes to refer to the other (`parents`).
* Of two rows added, neither sees the other. That a row is added only if it is not there
  yet, those of one shape decide among themselves, in their order.
* Of two changes of a row, or a row added and one changed, that is so if the key says that
  they are two rows, and none sets a column that a unique index looks at (`guarded`), or
  one by which the other finds its row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeAlias

from sr_core.ports.read_model import (
    EnsureRow,
    InsertRow,
    Row,
    RowChange,
    UpdateRows,
    Value,
)

Key: TypeAlias = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What the order of changes depends on: unique indexes, and what rows refer to.

    `guarded` are the columns of unique indexes and of the conditions that they have.
    `parents` are the tables that rows refer to, this one among them if they refer to
    each other, and `referring` the columns that they do so by.
    """

    guarded: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()
    referring: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """All that one statement has in common: `key` is what decides which row is meant.

    There is one object for each (`shape_of`), so that two are compared at no cost.

    A row is added (`is_added`), if `key` is not there yet where it has one, and renewed
    otherwise; or rows are changed that equal `key` and have nothing in `absent`.
    """

    table: str
    is_added: bool
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    increments: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    unless_empty: str = ""


@dataclass(slots=True)
class Change:
    """One change of the read model, and the event that asks for it.

    `offset` says where the event is: so many places after a position that is known when
    the statements are carried out. `key` is what the columns of its shape's key hold, once
    the change was put among others.
    """

    change: RowChange
    event_id: str
    event_type: str
    offset: int
    shape: Shape = field(init=False)
    key: Key = ()

    def __post_init__(self) -> None:
        self.shape = shape_of(self.change)


@dataclass(slots=True, kw_only=True)
class Run:
    """Changes of one shape; no two of them are of the same row by its key.

    A second change of a row is made part of the first, where that comes to the same.
    """

    shape: Shape
    changes: list[Change] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    places: dict[Key, int] = field(default_factory=dict)
    _by: dict[tuple[str, ...], set[Key]] = field(default_factory=dict)

    @property
    def wheres(self) -> list[Row]:
        """Return by what the rows to change are found, one for each change."""
        return [_named(each.change) for each in self.changes]

    @property
    def wanted(self) -> list[int]:
        """Return the numbers of the changes that have to find a row, from 1."""
        return [
            number
            for number, each in enumerate(self.changes, start=1)
            if isinstance(each.change, UpdateRows) and not each.change.may_match_none
        ]

    def add(self, change: Change) -> None:
        """Take the change in."""
        if change.key:
            place = self.places.setdefault(change.key, len(self.rows))
            if place != len(self.rows):
                self._merge(place, change)
                return
        self.changes.append(change)
        self.rows.append(row_of(change))
        for columns, found in self._by.items():
            found.add(_key(change, columns))

    def can_merge(self, change: Change) -> bool:
        """Return whether the change can be made part of one of the same row.

        A row that is renewed with other values twice is not: whether it was the first or
        the second time depends on what is there.
        """
        shape = change.shape
        if shape is not self.shape or shape.absent:
            return False
        place = self.places.get(change.key)
        if place is None:
            return False
        if isinstance(change.change, EnsureRow):
            row, anew = self.rows[place], change.change
            return not anew.is_renewal or all(
                row[name] == anew.row[name] for name in shape.renewed
            )
        return not set(shape.key) & set(shape.columns)

    def has(self, columns: tuple[str, ...], key: Key) -> bool:
        """Return whether one of the rows added has `key` in `columns`, or may have it."""
        if not set(columns) <= set(self.shape.columns):
            return True
        if columns not in self._by:
            self._by[columns] = {_key(each, columns) for each in self.changes}
        return key in self._by[columns]

    def _merge(self, place: int, change: Change) -> None:
        said = change.change
        if isinstance(said, UpdateRows):
            row, anew = self.rows[place], row_of(change)
            counted = {name: row[name] + anew[name] for name in said.increments}
            row.update({**anew, **counted})
            if not said.may_match_none:
                self.changes[place] = change


NO_FACTS: Final = TableFacts()


def runs_of(
    changes: Iterable[Change], facts: Mapping[str, TableFacts]
) -> tuple[Run, ...]:
    """Return the changes in runs; carried out one after the other, they do the same."""
    runs: list[Run] = []
    by_table: dict[str, list[int]] = defaultdict(list)
    for each in changes:
        shape = each.shape
        each.key = _key(each, shape.key)
        about = facts.get(shape.table, NO_FACTS)
        after = _last_before(each, runs, by_table, about)
        own = by_table[shape.table]
        if after >= 0 and runs[after].can_merge(each):
            runs[after].add(each)
            continue
        fitting = (n for n in own if n > after and runs[n].shape is shape)
        place = next(fitting, None)
        if place is None:
            place = len(runs)
            runs.append(Run(shape=shape))
            own.append(place)
        runs[place].add(each)
    return tuple(runs)


def shape_of(change: RowChange) -> Shape:
    """Return what the change has in common with others that one statement makes."""
    match change:
        case InsertRow(table=table, row=row):
            return _shape_of_added(table, tuple(row))
        case EnsureRow(table=table, row=row):
            return _shape_of_added(
                table, tuple(row), change.key, change.renewed, change.unless_empty
            )
        case UpdateRows(table=table, where=where):
            key = [name for name, value in where.items() if value is not None]
            absent = [name for name, value in where.items() if value is None]
            return _shape_of_changed(
                table,
                tuple(change.values),
                tuple(key),
                tuple(absent),
                tuple(change.increments),
            )


@cache
def _shape_of_added(
    table: str,
    columns: tuple[str, ...],
    key: tuple[str, ...] = (),
    renewed: tuple[str, ...] = (),
    unless_empty: str = "",
) -> Shape:
    return Shape(
        table=table,
        is_added=True,
        columns=columns,
        key=key,
        renewed=renewed,
        unless_empty=unless_empty,
    )


@cache
def _shape_of_changed(
    table: str,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    absent: tuple[str, ...],
    increments: tuple[str, ...],
) -> Shape:
    return Shape(
        table=table,
        is_added=False,
        columns=columns,
        key=key,
        absent=absent,
        increments=increments,
    )


def _last_before(
    change: Change,
    runs: list[Run],
    by_table: Mapping[str, list[int]],
    about: TableFacts,
) -> int:
    """Return the last run that has to come before the change, or -1."""
    shape = change.shape
    last = -1
    if shape.is_added or about.referring.intersection(_set_by(shape)):
        for parent in about.parents:
            others = (n for n in by_table.get(parent, ()) if runs[n].shape is not shape)
            added = (n for n in others if runs[n].shape.is_added)
            last = max(last, *added, -1)
    for n in reversed(by_table.get(shape.table, ())):
        if n <= last:
            break
        if not _may_pass(change, runs[n], about):
            return n
    return last


def _may_pass(change: Change, run: Run, about: TableFacts) -> bool:
    """Return whether `change` may be made before the changes of `run`."""
    ours, theirs = change.shape, run.shape
    if ours.is_added and theirs.is_added:
        if not (ours.key or theirs.key):
            return True
        return ours.key == theirs.key and change.key not in run.places
    if ours.is_added:
        return not about.guarded.intersection(_set_by(theirs)) and _is_other(
            ours.columns, theirs, _key(change, theirs.key), run.places
        )
    if about.guarded.intersection(_set_by(ours)):
        return False
    if theirs.is_added:
        return not run.has(ours.key, change.key)
    return (
        ours.key == theirs.key
        and not about.guarded.intersection(_set_by(theirs))
        and {*_set_by(ours), *_set_by(theirs)}.isdisjoint(ours.key)
        and change.key not in run.places
    )


def _is_other(
    columns: tuple[str, ...], theirs: Shape, key: Key, keys: Container[Key]
) -> bool:
    return set(theirs.key) <= set(columns) and key not in keys


def _set_by(shape: Shape) -> tuple[str, ...]:
    return (*shape.columns, *shape.increments)


def _key(change: Change, columns: tuple[str, ...]) -> Key:
    row = _named(change.change)
    return tuple([_hashable(row.get(name)) for name in columns])


def _named(change: RowChange) -> Row:
    return change.where if isinstance(change, UpdateRows) else change.row


def row_of(change: Change) -> dict[str, Any]:
    """Return what the statement needs to know of the change, as one flat row."""
    said = change.change
    seen = {"last_event_id": change.event_id, "last_global_seq": change.offset}
    if isinstance(said, UpdateRows):
        return {**said.values, **said.increments, **seen}
    return {**said.row, **seen, "position": change.offset}


def _hashable(value: Value) -> Hashable:
    if isinstance(value, str):  # what nearly all keys are
        return value
    return repr(value) if isinstance(value, Mapping | list) else value
