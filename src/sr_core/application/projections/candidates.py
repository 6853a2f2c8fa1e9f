"""The rows of candidates, and of what their evidence was found to support."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion
from sr_core.codec.canonical import plain
from sr_core.domain.candidate import CandidateEvent
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    VerificationEvent,
    VerificationStatus,
)
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows


def changes(event: CandidateEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    row = {
        **plain(event),
        "created_at": on.at,
        "verification_status": VerificationStatus.UNVERIFIED,
        "verification_basis": {},
        "integrity_conditions": [],
        "evidence_hashes": [],
        "waiver_ids": [],
        "waived_oracle_ids": [],
    }
    return (InsertRow(table="candidates", row=row),)


def verification_changes(
    event: VerificationEvent, on: Occasion
) -> tuple[RowChange, ...]:
    """Return the rows that a verification changes, or a look at the evidence."""
    match event:
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
        case _:
            assert_never(event)


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
