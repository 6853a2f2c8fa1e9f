"""Changes of rows carried out in runs leave what they leave one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.postgres import row_runs
from sr_core.adapters.postgres.row_runs import Change, Run, TableFacts, runs_of
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import NewEvent, Position, StreamId
from sr_core.ports.read_model import (
    EnsureRow,
    InsertRow,
    ProjectionBroken,
    Row,
    RowChange,
    UpdateRows,
)

FACTS = {
    "things": TableFacts(guarded=frozenset({"thing_id", "is_current"})),
    "parts": TableFacts(
        guarded=frozenset({"part_id"}),
        parents=frozenset({"things", "parts"}),
        referring=frozenset({"thing_id", "whole_id"}),
    ),
}
LAST = 1_000
"""Where the log ends once all is appended; offsets count from there."""

TABLES = {"things": "thing_id", "parts": "part_id"}
COLUMNS = {
    "thing_id": (1, 2),
    "part_id": (1, 2),
    "state": ("NEW", "OLD"),
    "ended": (None, "ended"),
    "is_current": (True, False),
    "pin": ({}, {"version": 1}, {"version": 2}),
}


def row_of(*columns: str) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {name: st.sampled_from(COLUMNS[name]) for name in columns}
    )


def shapes_of(table: str, key: str) -> list[st.SearchStrategy[RowChange]]:
    """Changes of the table that one statement could make, for each such statement."""
    added = [row_of(key, "state"), row_of(key, "state", "ended", "is_current")]
    wheres = [row_of(key), row_of("state"), row_of(key, "ended")]
    values = [row_of("state"), row_of("ended"), row_of("is_current")]
    return [
        *(st.builds(InsertRow, table=st.just(table), row=row) for row in added),
        *(
            st.builds(EnsureRow, table=st.just(table), row=row, key=st.just((key,)))
            for row in added
        ),
        st.builds(
            EnsureRow,
            table=st.just(table),
            row=row_of(key, "pin"),
            key=st.just((key,)),
            renewed=st.just(("pin",)),
            unless_empty=st.just("pin"),
        ),
        *(
            st.builds(
                UpdateRows,
                table=st.just(table),
                where=where,
                values=value,
                increments=st.just(increments),
                may_match_none=st.sampled_from([True, True, True, False]),
            )
            for where in wheres
            for value in values
            for increments in ({}, {"count": 1})
        ),
    ]


SHAPES = [shape for each in TABLES.items() for shape in shapes_of(*each)]


@st.composite
def some_changes(draw: st.DrawFn) -> list[RowChange]:
    """Some changes of few shapes, so that many of them can be made together."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    return draw(st.lists(st.one_of(shapes), max_size=7))


CHANGES = some_changes()
THERE = tuple(
    InsertRow(table=table, row={key: number, "state": state, "ended": None})
    for table, key in TABLES.items()
    for number, state in enumerate(["NEW", "OLD"], start=2)
)
"""Rows that are there before the changes."""


def numbered(changes: Sequence[RowChange]) -> list[Change]:
    return [
        Change(
            change=each,
            event_id=f"evt_{number}",
            event_type="SomethingHappened",
            offset=number - len(changes),
        )
        for number, each in enumerate(changes, start=1)
    ]


def outcome(changes: Iterable[Change]) -> object:
    """What is there in the end, whatever its order; or that a change found no row."""
    rows = MemoryReadModel()
    rows.apply((Position(1), an_event(each)) for each in numbered(THERE))
    try:
        rows.apply((Position(LAST + each.offset), an_event(each)) for each in changes)
    except ProjectionBroken:
        return ProjectionBroken
    return {
        table: Counter(repr(sorted(row.items())) for row in found)
        for table, found in rows.tables().items()
    }


def an_event(change: Change) -> NewEvent:
    return NewEvent(
        event_id=change.event_id,
        stream_id=StreamId("loop:loop_1"),
        stream_kind="LOOP",
        stream_seq=1,
        event_type=change.event_type,
        by=Actor(ActorKind.SYSTEM, "sr"),
        occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
        correlation_id=None,
        envelope=b"{}",
        envelope_hash=hash_bytes(b"{}"),
        changes=(change.change,),
    )


def statement_of(run: Run) -> list[Change]:
    """What the run's statement does: its rows are what it is told, and all there is."""
    shape = run.shape
    made: list[RowChange] = []
    for number, row in enumerate(run.rows, start=1):
        columns = {name: row[name] for name in shape.columns}
        if not shape.is_added:
            change: RowChange = UpdateRows(
                table=shape.table,
                where=run.wheres[number - 1],
                values=columns,
                increments={name: row[name] for name in shape.increments},
                may_match_none=number not in run.wanted,
            )
        elif shape.key:
            change = EnsureRow(
                table=shape.table,
                row=columns,
                key=shape.key,
                renewed=shape.renewed,
                unless_empty=shape.unless_empty,
            )
        else:
            change = InsertRow(table=shape.table, row=columns)
        made.append(change)
    return [
        Change(
            change=change,
            event_id=row["last_event_id"],
            event_type="SomethingHappened",
            offset=row["last_global_seq"],
        )
        for change, row in zip(made, run.rows, strict=True)
    ]


def in_runs(changes: list[Change], data: DataObject) -> list[Change]:
    """What the statements do one after the other, each with its rows in any order."""
    return [
        each
        for run in runs_of(changes, FACTS)
        for each in data.draw(st.permutations(statement_of(run)))
    ]


def renamed(before: str, after: str) -> UpdateRows:
    return UpdateRows(table="things", where={"state": before}, values={"state": after})


def a_part(part_id: int, **columns: int) -> InsertRow:
    return InsertRow(table="parts", row={"part_id": part_id, **columns})


def thing(thing_id: int) -> InsertRow:
    return InsertRow(table="things", row={"thing_id": thing_id, "state": "NEW"})


def part_of(part_id: int, thing_id: int) -> UpdateRows:
    return UpdateRows(
        table="parts", where={"part_id": part_id}, values={"thing_id": thing_id}
    )


ORDERED = {
    "a row that would have been changed": [thing(1), renamed("NEW", "OLD"), thing(2)],
    "rows that one change makes another's": [
        renamed("NEW", "OLD"),
        renamed("OLD", "NEW"),
        renamed("NEW", "DONE"),
    ],
    "a row that comes to refer to a new one": [part_of(1, 1), thing(2), part_of(2, 2)],
    "a row added that refers to its like": [
        a_part(1, whole_id=0),
        a_part(2),
        a_part(3, whole_id=2),
    ],
}


class TestRuns:
    """Each is one statement; one after the other they do what the changes do in turn."""

    @given(changes=CHANGES, data=st.data())
    @settings(max_examples=500, deadline=None)
    def test_leave_the_same_rows(self, changes, data):
        told = numbered(changes)

        assert outcome(in_runs(told, data)) == outcome(told)

    def test_that_forget_the_rule_leave_others(self, monkeypatch):
        """The property can fail: it finds what is wrong with runs that pass at will."""
        monkeypatch.setattr(row_runs, "_may_pass", lambda *_: True)

        @given(changes=CHANGES, data=st.data())
        @settings(
            max_examples=3000, deadline=None, database=None, phases=[Phase.generate]
        )
        def leave_the_same_rows(changes, data):
            told = numbered(changes)
            assert outcome(in_runs(told, data)) == outcome(told)

        with pytest.raises(AssertionError):
            leave_the_same_rows()

    @pytest.mark.parametrize("changes", ORDERED.values(), ids=ORDERED)
    def test_keep_an_order_that_matters(self, changes):
        told = numbered(changes)

        runs = runs_of(told, FACTS)

        assert [len(run.rows) for run in runs] == [1, 1, 1]

    @given(changes=CHANGES)
    def test_name_no_row_twice(self, changes):
        """A statement changes a row once, whatever it is told."""
        for run in runs_of(numbered(changes), FACTS):
            if run.shape.key:
                named = run.rows if run.shape.is_added else run.wheres
                keys = [repr([row[name] for name in run.shape.key]) for row in named]
                assert len(set(keys)) == len(keys)
