"""Approvals, as they are told."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.api.views.refs import RefView
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import RequestType


class AttestationsView(msgspec.Struct, kw_only=True):
    """What the approver said to have looked at."""

    verification_reviewed: bool
    validation_assessed: bool
    exceptions_understood: bool
    assessment_note_refs: list[str]


class ApprovalView(View):
    """What a human said at a portal."""

    approval_id: str
    portal_id: Portal
    request_type: RequestType
    decision: ApprovalDecision
    subject_refs: list[RefView]
    candidate_id: str | None
    work_surface_id: str | None
    stage_id: str | None
    evidence_refs: list[str]
    exceptions_acknowledged: list[str]
    rationale: str | None
    attestations: AttestationsView | None
    approved_by_kind: str
    approved_by_id: str
    approved_at: datetime


class ApprovalPage(Page):
    """Some approvals, oldest first."""

    approvals: list[ApprovalView]


class ApprovalAccepted(Accepted):
    """An approval was recorded."""

    approval_id: str
    portal_id: Portal
    request_type: RequestType
    decision: ApprovalDecision
