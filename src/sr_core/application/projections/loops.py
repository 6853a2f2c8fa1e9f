"""The rows of loops, and of the stops that paused them."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns, change_loop
from sr_core.codec.canonical import plain
from sr_core.domain.loop import (
    LoopActivated,
    LoopClosed,
    LoopCreated,
    LoopEvent,
    LoopPaused,
    LoopPhase,
    LoopResumed,
    StopTriggered,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: LoopEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    values: Row
    match event:
        case LoopCreated():
            return (_created(event, on),)
        case LoopActivated():
            values = {"state": LoopPhase.ACTIVE, "activated_at": on.at}
            return (change_loop(event.loop_id, values),)
        case LoopPaused():
            values = {"state": LoopPhase.PAUSED, "paused_at": on.at}
            return (change_loop(event.loop_id, values),)
        case StopTriggered():
            return _stopped(event, on)
        case LoopResumed():
            return _resumed(event, on)
        case LoopClosed():
            values = {"state": LoopPhase.CLOSED, "closed_at": on.at}
            return (change_loop(event.loop_id, values),)
        case _:
            assert_never(event)


def _created(event: LoopCreated, on: Occasion) -> InsertRow:
    return InsertRow(
        table="loops",
        row={
            "loop_id": event.loop_id,
            "goal": event.goal,
            "state": LoopPhase.CREATED,
            "budgets": plain(event.budgets),
            "directive_ref": plain(event.directive_ref),
            **by_columns("created", on),
            "created_at": on.at,
            "iteration_count": 0,
            "run_count": 0,
            "consecutive_failures": 0,
            "requires_decision": False,
        },
    )


def _stopped(event: StopTriggered, on: Occasion) -> tuple[RowChange, ...]:
    stop = InsertRow(
        table="loop_stop_triggers",
        row={
            **plain(event),
            "stop_id": on.event_id,
            "occurred_at": on.at,
            "actor_kind": on.by.kind,
            "actor_id": on.by.actor_id,
        },
    )
    values: Row = {
        "state": LoopPhase.PAUSED,
        "paused_at": on.at,
        "requires_decision": event.requires_decision,
        "last_stop_trigger": event.trigger,
        "last_recommended_portal": event.recommended_portal,
    }
    return (stop, change_loop(event.loop_id, values))


def _resumed(event: LoopResumed, on: Occasion) -> tuple[RowChange, ...]:
    answered = UpdateRows(
        table="loop_stop_triggers",
        where={"loop_id": event.loop_id, "resolved_at": None},
        values={"resolution_event_id": on.event_id, "resolved_at": on.at},
        may_match_none=True,  # a pause by hand has no stop to answer
    )
    values: Row = {
        "state": LoopPhase.ACTIVE,
        "requires_decision": False,
        "last_stop_trigger": None,
        "last_recommended_portal": None,
        "consecutive_failures": 0,
    }
    return (answered, change_loop(event.loop_id, values))
