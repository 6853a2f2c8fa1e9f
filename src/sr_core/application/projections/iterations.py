"""The rows of iterations, and what they add up to in their loop."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns, change_loop
from sr_core.codec.canonical import plain
from sr_core.domain.iteration import (
    IterationCompleted,
    IterationEvent,
    IterationOutcome,
    IterationPhase,
    IterationStarted,
)
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows


def changes(event: IterationEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case IterationStarted():
            return _started(event, on)
        case IterationCompleted():
            return _completed(event, on)
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
    return (started, change_loop(event.loop_id, increments={"iteration_count": 1}))


def _completed(event: IterationCompleted, on: Occasion) -> tuple[RowChange, ...]:
    completed = UpdateRows(
        table="iterations",
        where={"iteration_id": event.iteration_id},
        values={
            "state": IterationPhase.COMPLETED,
            "outcome": event.outcome,
            "summary": event.summary,
            "completed_at": on.at,
        },
    )
    if event.outcome is IterationOutcome.FAILURE:
        failed = change_loop(event.loop_id, increments={"consecutive_failures": 1})
        return (completed, failed)
    return (completed, change_loop(event.loop_id, {"consecutive_failures": 0}))
