"""The rows of runs, and of the evidence and the violations that they left."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns, change_loop
from sr_core.codec.canonical import plain
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunPhase,
    RunStarted,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: RunEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    values: Row
    match event:
        case RunStarted():
            return _started(event, on)
        case EvidenceBundleRecorded():
            row = {**plain(event), **by_columns("recorded", on), "recorded_at": on.at}
            return (InsertRow(table="evidence_bundles", row=row),)
        case IntegrityViolationDetected():
            return (_violation(event, on),)
        case RunCompleted():
            values = {
                "state": RunPhase.COMPLETED,
                "outcome": event.outcome,
                "evidence_bundle_hash": event.evidence_bundle_hash,
                "completed_at": on.at,
            }
            return (_run(event.run_id, values),)
        case RunFailed():
            values = {
                "state": RunPhase.FAILED,
                "reason": event.reason,
                "completed_at": on.at,
            }
            return (_run(event.run_id, values),)
        case _:
            assert_never(event)


def _started(event: RunStarted, on: Occasion) -> tuple[RowChange, ...]:
    started = InsertRow(
        table="runs",
        row={
            **plain(event),
            "state": RunPhase.STARTED,
            **by_columns("started", on),
            "started_at": on.at,
        },
    )
    return (started, change_loop(event.loop_id, increments={"run_count": 1}))


def _violation(event: IntegrityViolationDetected, on: Occasion) -> InsertRow:
    return InsertRow(
        table="integrity_violations",
        row={
            "violation_id": on.event_id,
            "run_id": event.run_id,
            "candidate_id": event.candidate_id,
            "condition": event.condition,
            "detail": event.detail,
            "detected_at": on.at,
        },
    )


def _run(run_id: str, values: Row) -> UpdateRows:
    return UpdateRows(table="runs", where={"run_id": run_id}, values=values)
