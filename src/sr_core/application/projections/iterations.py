"""The rows of iterations, and what they add up to in their loop."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns, change_loop
from sr_core.application.projections.work_surfaces import count_in_stage
from sr_core.codec.canonical import plain
from sr_core.domain.iteration import (
    IterationBegun,
    IterationCompleted,
    IterationEvent,
    IterationFailed,
    IterationOutcome,
    IterationPhase,
    IterationStarted,
    IterationSummaryRecorded,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: IterationEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case IterationStarted():
            return _started(event, on)
        case IterationBegun():
            begun: Row = {"state": IterationPhase.RUNNING, "begun_at": on.at}
            return (_iteration(event.iteration_id, begun),)
        case IterationCompleted():
            return _completed(event, on)
        case IterationSummaryRecorded():
            told: Row = {"summary": plain(event.summary)}
            return (_iteration(event.iteration_id, told),)
        case IterationFailed():
            return _failed(event, on)
        case _:
            assert_never(event)


def _started(event: IterationStarted, on: Occasion) -> tuple[RowChange, ...]:
    started = InsertRow(
        table="iterations",
        row={
            **plain(event),
            "state": IterationPhase.STARTED,
            **by_columns("started", on),
            "started_at": on.at,
        },
    )
    counted = change_loop(
        event.loop_id,
        {"work_surface_id": event.work_surface_id},  # it may have been bound anew
        increments={"iteration_count": 1},
    )
    return (started, counted, *count_in_stage(event.work_surface_id))


def _completed(event: IterationCompleted, on: Occasion) -> tuple[RowChange, ...]:
    values: Row = {
        "state": IterationPhase.COMPLETED,
        "outcome": event.outcome,
        "completed_at": on.at,
    }
    completed = _iteration(event.iteration_id, values)
    if event.outcome is IterationOutcome.FAILURE:
        failed = change_loop(event.loop_id, increments={"consecutive_failures": 1})
        return (completed, failed)
    return (completed, change_loop(event.loop_id, {"consecutive_failures": 0}))


def _failed(event: IterationFailed, on: Occasion) -> tuple[RowChange, ...]:
    values: Row = {
        "state": IterationPhase.FAILED,
        "outcome": IterationOutcome.FAILURE,
        "failure_reason": event.reason,
        "completed_at": on.at,
    }
    one_more = change_loop(event.loop_id, increments={"consecutive_failures": 1})
    return (_iteration(event.iteration_id, values), one_more)


def _iteration(iteration_id: str, values: Row) -> UpdateRows:
    where = {"iteration_id": iteration_id}
    return UpdateRows(table="iterations", where=where, values=values)
