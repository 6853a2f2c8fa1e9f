"""The rows of runs, and of the evidence and the violations that they left."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns, change_loop
from sr_core.codec.canonical import plain
from sr_core.domain.ids import candidate_hash
from sr_core.domain.run import (
    EvidenceAssociated,
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    OracleExecutionCompleted,
    OracleExecutionStarted,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunPhase,
    RunStarted,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: RunEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case RunStarted():
            return _started(event, on)
        case OracleExecutionStarted() | OracleExecutionCompleted():
            return (_executed(event, on),)
        case EvidenceBundleRecorded():
            return _bundle(event, on)
        case IntegrityViolationDetected():
            return (_violation(event, on),)
        case EvidenceAssociated():
            return _associations(event, on)
        case RunCompleted() | RunFailed():
            return (_ended(event, on),)
        case _:
            assert_never(event)


def _started(event: RunStarted, on: Occasion) -> tuple[RowChange, ...]:
    started = InsertRow(
        table="runs",
        row={
            **plain(event),
            "candidate_content_hash": candidate_hash(event.candidate_id),
            "output_hashes": {},
            "state": RunPhase.STARTED,
            **by_columns("started", on),
            "started_at": on.at,
        },
    )
    return (started, change_loop(event.loop_id, increments={"run_count": 1}))


def _executed(
    event: OracleExecutionStarted | OracleExecutionCompleted, on: Occasion
) -> UpdateRows:
    if isinstance(event, OracleExecutionStarted):
        return _run(
            event.run_id,
            {
                "state": RunPhase.RUNNING,
                "workspace_path": event.workspace_path,
                "execution_started_at": on.at,
            },
        )
    return _run(
        event.run_id,
        {
            "verdict": event.status,
            "duration_ms": event.duration_ms,
            "environment_fingerprint": plain(event.environment_fingerprint),
            "execution_completed_at": on.at,
        },
    )


def _bundle(event: EvidenceBundleRecorded, on: Occasion) -> tuple[RowChange, ...]:
    row = {**plain(event), **by_columns("recorded", on), "recorded_at": on.at}
    repeated: Row = {
        "environment_hash": event.environment_hash,
        "output_hashes": plain(event.output_hashes),
        "evidence_bundle_hash": event.content_hash,
    }
    return (InsertRow(table="evidence_bundles", row=row), _run(event.run_id, repeated))


def _violation(event: IntegrityViolationDetected, on: Occasion) -> InsertRow:
    facts = {
        name: value
        for name, value in plain(event.condition).items()
        if value is not None and name != "reason"
    }
    return InsertRow(
        table="integrity_violations",
        row={
            "violation_id": on.event_id,
            "run_id": event.run_id,
            "candidate_id": event.candidate_id,
            "suite_id": event.suite_id,
            "condition": event.condition.condition_type,
            "detail": event.condition.reason,
            "facts": facts,
            "requires_escalation": event.requires_escalation,
            "detected_at": on.at,
        },
    )


def _associations(event: EvidenceAssociated, on: Occasion) -> tuple[RowChange, ...]:
    named = {
        "run": event.associated_run_id,
        "candidate": event.candidate_id,
        "iteration": event.iteration_id,
    }
    return tuple(
        InsertRow(
            table="evidence_associations",
            row={
                "association_id": f"{on.event_id}:{kind}",
                "content_hash": event.content_hash,
                "entity_type": kind,
                "entity_id": identifier,
                **by_columns("associated", on),
                "associated_at": on.at,
            },
        )
        for kind, identifier in named.items()
        if identifier is not None
    )


def _ended(event: RunCompleted | RunFailed, on: Occasion) -> UpdateRows:
    if isinstance(event, RunFailed):
        return _run(
            event.run_id,
            {
                "state": RunPhase.FAILED,
                "reason": event.reason,
                "completed_at": on.at,
            },
        )
    return _run(
        event.run_id,
        {
            "state": RunPhase.COMPLETED,
            "outcome": event.outcome,
            "evidence_bundle_hash": event.evidence_bundle_hash,
            "completed_at": on.at,
        },
    )


def _run(run_id: str, values: Row) -> UpdateRows:
    return UpdateRows(table="runs", where={"run_id": run_id}, values=values)
