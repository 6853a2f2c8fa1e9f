"""The rows of what humans bind: approvals and freeze records."""

from __future__ import annotations

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.approval import ApprovalEvent
from sr_core.domain.freeze import FreezeEvent
from sr_core.ports.read_model import InsertRow, Row, RowChange


def approval_changes(event: ApprovalEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    said = dict(plain(event))
    del said["acknowledged_kinds"]
    stage = event.stage
    row: Row = {
        **said,
        "candidate_id": event.candidate_id,
        "work_surface_id": stage.work_surface_id if stage else None,
        "stage_id": stage.stage_id if stage else None,
        "approved_at": on.at,
        **by_columns("approved", on),
    }
    return (InsertRow(table="approvals", row=row),)


def freeze_changes(event: FreezeEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    said = plain(event)
    verification = said["verification"]
    row: Row = {
        **said,
        "verification_mode": event.verification.mode,
        "oracle_suite_id": event.verification.oracle_suite_id,
        "oracle_suite_hash": event.verification.oracle_suite_hash,
        "evidence_bundle_refs": verification["evidence_bundle_refs"],
        "waiver_refs": verification["waiver_refs"],
        "frozen_at": on.at,
        **by_columns("frozen", on),
    }
    return (InsertRow(table="freeze_records", row=row),)
