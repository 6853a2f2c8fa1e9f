"""The rows of what humans bind: exceptions, decisions, approvals, freeze records."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.approval import ApprovalEvent
from sr_core.domain.decision import DecisionEvent
from sr_core.domain.freeze import FreezeEvent
from sr_core.domain.governed_exception import (
    ExceptionActivated,
    ExceptionEvent,
    ExceptionPhase,
    ExceptionResolved,
    WaiverCreated,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def exception_changes(event: ExceptionEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    values: Row
    match event:
        case WaiverCreated():
            return (_new_waiver(event, on),)
        case ExceptionActivated():
            values = {"status": ExceptionPhase.ACTIVE, "activated_at": on.at}
            return (_exception(event.exception_id, values),)
        case ExceptionResolved():
            values = {"status": ExceptionPhase.RESOLVED, "resolved_at": on.at}
            return (_exception(event.exception_id, values),)
        case _:
            assert_never(event)


def decision_changes(event: DecisionEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "decided_at": on.at, **by_columns("decided", on)}
    return (InsertRow(table="decisions", row=row),)


def approval_changes(event: ApprovalEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "approved_at": on.at, **by_columns("approved", on)}
    return (InsertRow(table="approvals", row=row),)


def freeze_changes(event: FreezeEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "frozen_at": on.at, **by_columns("frozen", on)}
    return (InsertRow(table="freeze_records", row=row),)


def _exception(exception_id: str, values: Row) -> UpdateRows:
    where = {"exception_id": exception_id}
    return UpdateRows(table="exceptions", where=where, values=values)


def _new_waiver(event: WaiverCreated, on: Occasion) -> InsertRow:
    return InsertRow(
        table="exceptions",
        row={
            "exception_id": event.exception_id,
            "kind": "WAIVER",
            "status": ExceptionPhase.CREATED,
            "scope": event.scope,
            "candidate_id": event.candidate_id,
            "oracle_id": event.oracle_id,
            "run_id": event.run_id,
            "rationale": event.rationale,
            "expires_at": event.expires_at,
            **by_columns("created", on),
            "created_at": on.at,
        },
    )
