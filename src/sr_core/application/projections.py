"""What each event changes in the read model (C-EVT-7).

A pure function of the recorded event. It is applied in the transaction that appends the
event, and again by a rebuild, so the rows never say anything that the log does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from sr_core.codec.canonical import plain
from sr_core.domain.actors import Actor
from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.decision import DecisionRecorded
from sr_core.domain.events import DomainEvent
from sr_core.domain.freeze import FreezeRecordCreated
from sr_core.domain.governed_exception import (
    ExceptionActivated,
    ExceptionPhase,
    ExceptionResolved,
    WaiverCreated,
)
from sr_core.domain.iteration import (
    IterationCompleted,
    IterationOutcome,
    IterationPhase,
    IterationStarted,
)
from sr_core.domain.loop import (
    LoopActivated,
    LoopClosed,
    LoopCreated,
    LoopPaused,
    LoopPhase,
    LoopResumed,
    StopTriggered,
)
from sr_core.domain.oracle_suite import OracleSuiteRegistered
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    RunCompleted,
    RunFailed,
    RunPhase,
    RunStarted,
)
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    VerificationStatus,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who made an event, when, and under what identifier."""

    event_id: str
    by: Actor
    at: datetime


def changes_of(event: DomainEvent, on: Occasion) -> tuple[RowChange, ...]:  # noqa: C901, PLR0911, PLR0912 - one case for each event
    """Return the rows that `event` changes."""
    values: Row
    match event:
        case OracleSuiteRegistered():
            return (
                InsertRow(
                    table="oracle_suites",
                    row={
                        "suite_id": event.suite_id,
                        "suite_hash": event.suite_hash,
                        "definition": plain(event.definition),
                        "registered_at": on.at,
                        **_by("registered", on),
                    },
                ),
            )
        case LoopCreated():
            return (_new_loop(event, on),)
        case LoopActivated():
            values = {"state": LoopPhase.ACTIVE, "activated_at": on.at}
            return (_loop(event.loop_id, values),)
        case LoopPaused():
            values = {"state": LoopPhase.PAUSED, "paused_at": on.at}
            return (_loop(event.loop_id, values),)
        case StopTriggered():
            return _stopped(event, on)
        case LoopResumed():
            return _resumed(event, on)
        case LoopClosed():
            values = {"state": LoopPhase.CLOSED, "closed_at": on.at}
            return (_loop(event.loop_id, values),)
        case IterationStarted():
            return _iteration_started(event, on)
        case IterationCompleted():
            return _iteration_completed(event, on)
        case CandidateMaterialized():
            return (_new_candidate(event, on),)
        case CandidateVerificationComputed():
            return (_verified(event, on),)
        case EvidenceMissingDetected():
            return (
                UpdateRows(
                    table="evidence_bundles",
                    where={"content_hash": event.content_hash},
                    values={
                        "missing_parts": dict(event.missing_parts),
                        "missing_since": on.at,
                    },
                ),
            )
        case RunStarted():
            return _run_started(event, on)
        case EvidenceBundleRecorded():
            return (_new_bundle(event, on),)
        case IntegrityViolationDetected():
            return (
                InsertRow(
                    table="integrity_violations",
                    row={
                        "violation_id": on.event_id,
                        "run_id": event.run_id,
                        "candidate_id": event.candidate_id,
                        "condition": event.condition,
                        "detail": event.detail,
                        "detected_at": on.at,
                    },
                ),
            )
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
        case WaiverCreated():
            return (_new_waiver(event, on),)
        case ExceptionActivated():
            values = {"status": ExceptionPhase.ACTIVE, "activated_at": on.at}
            return (_exception(event.exception_id, values),)
        case ExceptionResolved():
            values = {"status": ExceptionPhase.RESOLVED, "resolved_at": on.at}
            return (_exception(event.exception_id, values),)
        case DecisionRecorded():
            row = {**plain(event), "decided_at": on.at, **_by("decided", on)}
            return (InsertRow(table="decisions", row=row),)
        case ApprovalRecorded():
            row = {**plain(event), "approved_at": on.at, **_by("approved", on)}
            return (InsertRow(table="approvals", row=row),)
        case FreezeRecordCreated():
            row = {**plain(event), "frozen_at": on.at, **_by("frozen", on)}
            return (InsertRow(table="freeze_records", row=row),)
        case _:
            assert_never(event)


def _by(verb: str, on: Occasion) -> Mapping[str, Value]:
    return {f"{verb}_by_kind": on.by.kind, f"{verb}_by_id": on.by.actor_id}


def _loop(
    loop_id: str,
    values: Row | None = None,
    increments: Mapping[str, int] | None = None,
) -> UpdateRows:
    return UpdateRows(
        table="loops",
        where={"loop_id": loop_id},
        values=values or {},
        increments=increments or {},
    )


def _run(run_id: str, values: Mapping[str, Value]) -> UpdateRows:
    return UpdateRows(table="runs", where={"run_id": run_id}, values=values)


def _exception(exception_id: str, values: Mapping[str, Value]) -> UpdateRows:
    where = {"exception_id": exception_id}
    return UpdateRows(table="exceptions", where=where, values=values)


def _new_loop(event: LoopCreated, on: Occasion) -> InsertRow:
    return InsertRow(
        table="loops",
        row={
            "loop_id": event.loop_id,
            "goal": event.goal,
            "state": LoopPhase.CREATED,
            "budgets": plain(event.budgets),
            "directive_ref": plain(event.directive_ref),
            **_by("created", on),
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
    return (stop, _loop(event.loop_id, values))


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
    return (answered, _loop(event.loop_id, values))


def _iteration_started(event: IterationStarted, on: Occasion) -> tuple[RowChange, ...]:
    started = InsertRow(
        table="iterations",
        row={
            **plain(event),
            "state": IterationPhase.STARTED,
            **_by("started", on),
            "started_at": on.at,
        },
    )
    return (started, _loop(event.loop_id, increments={"iteration_count": 1}))


def _iteration_completed(
    event: IterationCompleted, on: Occasion
) -> tuple[RowChange, ...]:
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
        return (completed, _loop(event.loop_id, increments={"consecutive_failures": 1}))
    return (completed, _loop(event.loop_id, {"consecutive_failures": 0}))


def _new_candidate(event: CandidateMaterialized, on: Occasion) -> InsertRow:
    return InsertRow(
        table="candidates",
        row={
            **plain(event),
            "created_at": on.at,
            "verification_status": VerificationStatus.UNVERIFIED,
            "verification_basis": {},
            "integrity_conditions": [],
            "evidence_hashes": [],
            "waiver_ids": [],
            "waived_oracle_ids": [],
        },
    )


def _verified(event: CandidateVerificationComputed, on: Occasion) -> UpdateRows:
    said = plain(event)
    return UpdateRows(
        table="candidates",
        where={"candidate_id": event.candidate_id},
        values={
            "verification_status": event.verification_status,
            "verification_profile_id": event.verification_profile_id,
            "verification_basis": said["verification_basis"],
            "verification_computed_at": on.at,
            "integrity_conditions": said["integrity_conditions"],
            "evidence_hashes": said["evidence_bundle_hashes"],
            "waiver_ids": said["waiver_ids"],
            "waived_oracle_ids": said["waived_oracle_ids"],
        },
    )


def _run_started(event: RunStarted, on: Occasion) -> tuple[RowChange, ...]:
    started = InsertRow(
        table="runs",
        row={
            **plain(event),
            "state": RunPhase.STARTED,
            **_by("started", on),
            "started_at": on.at,
        },
    )
    return (started, _loop(event.loop_id, increments={"run_count": 1}))


def _new_bundle(event: EvidenceBundleRecorded, on: Occasion) -> InsertRow:
    row = {**plain(event), **_by("recorded", on), "recorded_at": on.at}
    return InsertRow(table="evidence_bundles", row=row)


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
            **_by("created", on),
            "created_at": on.at,
        },
    )
