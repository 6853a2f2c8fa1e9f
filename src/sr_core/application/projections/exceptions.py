"""The rows of governed exceptions."""

from __future__ import annotations

from typing import Final, assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.governed_exception import (
    DeferralCreated,
    DeviationCreated,
    ExceptionActivated,
    ExceptionEvent,
    ExceptionExpired,
    ExceptionPhase,
    ExceptionResolved,
    WaiverCreated,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows

_COMMON: Final = frozenset(
    {
        "exception_id",
        "scope",
        "rationale",
        "target_description",
        "expires_at",
        "applies_to",
    }
)


def changes(event: ExceptionEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds or changes."""
    match event:
        case WaiverCreated():
            return (_new(event, ExceptionKind.WAIVER, on),)
        case DeviationCreated():
            return (_new(event, ExceptionKind.DEVIATION, on),)
        case DeferralCreated():
            return (_new(event, ExceptionKind.DEFERRAL, on),)
        case ExceptionActivated():
            activated: Row = {
                "status": ExceptionPhase.ACTIVE,
                "activated_at": on.at,
                **by_columns("activated", on),
            }
            return (_changed(event.exception_id, activated),)
        case ExceptionResolved():
            resolved: Row = {
                "status": ExceptionPhase.RESOLVED,
                "resolved_at": on.at,
                "resolution_notes": event.resolution_notes,
                **by_columns("resolved", on),
            }
            return (_changed(event.exception_id, resolved),)
        case ExceptionExpired():
            expired: Row = {
                "status": ExceptionPhase.EXPIRED,
                "expired_at": event.expired_at,
            }
            return (_changed(event.exception_id, expired),)
        case _:
            assert_never(event)


def _new(
    event: WaiverCreated | DeviationCreated | DeferralCreated,
    kind: ExceptionKind,
    on: Occasion,
) -> InsertRow:
    said = plain(event)
    scope = said["scope"]
    return InsertRow(
        table="exceptions",
        row={
            "exception_id": event.exception_id,
            "kind": kind,
            "status": ExceptionPhase.CREATED,
            "scope_kind": event.scope.scope_kind,
            "scope": scope,
            "loop_id": event.scope.loop_id,
            "candidate_id": event.scope.candidate_id,
            "oracle_id": event.scope.oracle_id,
            "work_unit_id": event.scope.work_unit_id,
            "baseline_id": event.scope.baseline_id,
            "applies_to": event.applies_to,
            "rationale": event.rationale,
            "target_description": event.target_description,
            "details": {
                name: value for name, value in said.items() if name not in _COMMON
            },
            "expires_at": event.expires_at,
            **by_columns("created", on),
            "created_at": on.at,
        },
    )


def _changed(exception_id: str, values: Row) -> UpdateRows:
    where = {"exception_id": exception_id}
    return UpdateRows(table="exceptions", where=where, values=values)
