"""Approvals: what a human says at a portal, about a candidate and its evidence.

An approval names its subject, cites the evidence that was reviewed, and acknowledges
every active exception, even if there is none (C-TB-3, C-TB-6, C-EXC-2).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.candidate import Candidate
from sr_core.domain.errors import MalformedInput, NotVerified
from sr_core.domain.ids import ApprovalId, CandidateId, ExceptionId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.ref_builders import bundle_refs, candidate_ref, waiver_refs
from sr_core.domain.refs import ContentHash, Ref, RefRelation


class ApprovalDecision(StrEnum):
    """What was said."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    DEFERRED = "DEFERRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordApproval:
    """Say at a portal what is to become of a candidate."""

    by: Actor
    approval_id: ApprovalId
    portal: Portal
    decision: ApprovalDecision
    evidence: tuple[ContentHash, ...]
    exceptions_acknowledged: tuple[ExceptionId, ...]
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecorded:
    """A human spoke at a portal."""

    approval_id: ApprovalId
    portal_id: Portal
    decision: ApprovalDecision
    candidate_id: CandidateId
    evidence_refs: tuple[ContentHash, ...]
    exceptions_acknowledged: tuple[ExceptionId, ...]
    rationale: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            candidate_ref(self.candidate_id, RefRelation.ABOUT),
            *bundle_refs(self.evidence_refs, RefRelation.SUPPORTED_BY),
            *waiver_refs(self.exceptions_acknowledged, RefRelation.ACKNOWLEDGES),
        )


ApprovalEvent: TypeAlias = ApprovalRecorded


def authorise(command: RecordApproval) -> None:
    """Raise `AuthorityRequired` unless a human with the portal's role gives it."""
    command.by.require(ActorKind.HUMAN, action="recording an approval")
    command.by.require_role(
        PORTAL_ROLE[command.portal], action=f"approving at {command.portal}"
    )


def decide(
    candidate: Candidate,
    command: RecordApproval,
    *,
    recorded_evidence: Collection[ContentHash],
    active_exceptions: Collection[ExceptionId],
) -> tuple[ApprovalRecorded, ...]:
    """Return the approval; the evidence has been read and found intact just now.

    Raises:
        AuthorityRequired: no human, or one without the portal's role.
        NotVerified: a release of what is not verified is to be approved.
        MalformedInput: it cites no evidence of the candidate, or does not acknowledge
            exactly the active exceptions.

    """
    authorise(command)
    if (
        command.decision is ApprovalDecision.APPROVED
        and not candidate.status.is_verified
    ):
        raise NotVerified(candidate_id=candidate.candidate_id)
    if not command.evidence or not set(command.evidence) <= set(recorded_evidence):
        raise MalformedInput(
            field="evidence_refs",
            found=sorted(command.evidence),
            expected=f"some of the bundles recorded for {candidate.candidate_id}: "
            f"{', '.join(sorted(recorded_evidence)) or 'there are none'}",
        )
    if set(command.exceptions_acknowledged) != set(active_exceptions):
        raise MalformedInput(
            field="exceptions_acknowledged",
            found=sorted(command.exceptions_acknowledged),
            expected=f"exactly the active exceptions: {sorted(active_exceptions)}",
        )
    return (
        ApprovalRecorded(
            approval_id=command.approval_id,
            portal_id=command.portal,
            decision=command.decision,
            candidate_id=candidate.candidate_id,
            evidence_refs=command.evidence,
            exceptions_acknowledged=command.exceptions_acknowledged,
            rationale=command.rationale,
        ),
    )
