"""The changes of many events in few statements, for a copy that nobody else looks at.

    events ──drop what makes no difference──▶ changes of each row, in levels ──▶ runs

Many events say the same of one row: that a node is there, what it is called. Of such
changes only these make a difference:

* the first that adds the row, if the others add it only where it is not there yet, or
  would renew it with what it holds;
* the last of those in a row that set the same columns, with all that they count up.

What is left are a few changes of each row. Changes of two rows may be made in any order,
so that the first of every row are made together, then the second, and so on. A table
comes after those that its rows refer to.

A change whose row the primary key does not tell, or which sets what a unique index looks
at, may have to do with any row of its table: it has a level of its own, with everything
before it below and everything after it above.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import TypeAlias

from sr_core.adapters.postgres.row_runs import (
    NO_FACTS,
    Change,
    Run,
    Shape,
    TableFacts,
    row_of,
)
from sr_core.ports.read_copy import Projected
from sr_core.ports.read_model import EnsureRow, Row, RowChange, UpdateRows, Value

Key: TypeAlias = tuple[Hashable, ...]


def folded(
    events: Iterable[Projected],
    keys: Mapping[str, Sequence[str]],
    facts: Mapping[str, TableFacts],
) -> Sequence[Run]:
    """Return what makes the rows that the events give; `keys` has the primary keys."""
    tables: dict[str, _Table] = {}
    for event in events:
        for change in event.changes:
            name = change.table
            if name not in tables:
                tables[name] = _Table(keys.get(name, ()), facts.get(name, NO_FACTS))
            tables[name].take(change, event)
    return [run for name in _ordered(tables, facts) for run in tables[name].runs()]


def _ordered(tables: Iterable[str], facts: Mapping[str, TableFacts]) -> Sequence[str]:
    """Return the names with those first that the others' rows refer to."""
    named = set(tables)
    parents = {
        name: sorted(facts.get(name, NO_FACTS).parents & named - {name})
        for name in sorted(named)
    }
    return [*TopologicalSorter(parents).static_order()]


@dataclass(slots=True)
class _Seen:
    """What is known of a row: its next level, whether it is there, who set it last.

    `renewed` are the values that it got where it was to be renewed, as far as they are
    known to stand.
    """

    level: int
    is_there: bool = False
    last_set: int | None = None
    renewed: Sequence[Value] | None = None


class _Table:
    """The changes of one table that make a difference, each with its level."""

    def __init__(self, key: Sequence[str], facts: TableFacts) -> None:
        self._key = tuple(key)
        self._guarded = facts.guarded
        self._rows: dict[Key, _Seen] = {}
        self._kept: list[tuple[int, RowChange, Projected]] = []
        self._floor = 0
        self._top = 0

    def take(self, change: RowChange, event: Projected) -> None:
        """Take in a change that comes after all others."""
        key = self._row_of(change)
        if key is None:
            self._kept.append((self._top, change, event))
            self._rows.clear()
            self._floor = self._top = self._top + 1
            return
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Seen(self._floor)
        if isinstance(change, UpdateRows):
            self._set(row, change, event)
        elif not (isinstance(change, EnsureRow) and _is_idle(row, change)):
            row.is_there, row.last_set = True, None
            row.renewed = _renewal(change)
            self._keep(row, change, event)

    def runs(self) -> Iterable[Run]:
        """Return the runs, in order."""
        made: dict[tuple[int, Shape], Run] = {}
        for level, change, event in sorted(self._kept, key=lambda each: each[0]):
            asked = Change(change, event.event_id, event.event_type, event.position)
            place = (level, asked.shape)
            if place not in made:
                made[place] = Run(shape=asked.shape)
            run = made[place]
            run.changes.append(asked)
            run.rows.append(row_of(asked))
        return made.values()

    def _set(self, row: _Seen, change: UpdateRows, event: Projected) -> None:
        row.renewed = None
        if row.last_set is not None:
            level, earlier, _ = self._kept[row.last_set]
            together = _together(earlier, change)
            if together is not None:
                self._kept[row.last_set] = (level, together, event)
                return
        row.last_set = len(self._kept)
        row.is_there = row.is_there or not change.may_match_none
        self._keep(row, change, event)

    def _keep(self, row: _Seen, change: RowChange, event: Projected) -> None:
        self._kept.append((row.level, change, event))
        row.level += 1
        self._top = max(self._top, row.level)

    def _row_of(self, change: RowChange) -> Key | None:
        """Return the row's primary key, if the change tells it and guards nothing."""
        if not isinstance(change, UpdateRows):
            is_other = isinstance(change, EnsureRow) and change.key != self._key
            return None if is_other else _values(change.row, self._key)
        if len(change.where) != len(self._key):
            return None
        if not self._guarded.isdisjoint(change.values):
            return None
        if change.increments and not self._guarded.isdisjoint(change.increments):
            return None
        return _values(change.where, self._key)


def _is_idle(row: _Seen, change: EnsureRow) -> bool:
    """Return whether the row is there, with all that the change would give it."""
    if not row.is_there:
        return False
    return not change.is_renewal or _renewal(change) == row.renewed


def _renewal(change: RowChange) -> Sequence[Value] | None:
    if not isinstance(change, EnsureRow) or not change.is_renewal:
        return None
    return [change.row[name] for name in change.renewed]


def _together(earlier: RowChange, later: UpdateRows) -> UpdateRows | None:
    """Return the one change that does what the two do, if they set the same columns."""
    assert isinstance(earlier, UpdateRows), "only these set anything"
    is_alike = (
        earlier.values.keys() == later.values.keys()
        and earlier.increments.keys() == later.increments.keys()
        and earlier.may_match_none == later.may_match_none
    )
    if not is_alike:
        return None
    if not later.increments:
        return later
    counted = {
        name: step + earlier.increments[name] for name, step in later.increments.items()
    }
    return replace(later, increments=counted)


def _values(row: Row, key: Sequence[str]) -> Key | None:
    values = tuple(map(row.get, key))
    for each in values:
        if not isinstance(each, (str, int)):
            return None
    return values or None
