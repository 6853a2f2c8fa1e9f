"""The freeze record: everything that a release rests on, computed here and fixed.

It names the verification, the approval, every active exception and every artifact by its
hash (C-SHIP-1, C-EXC-2). The caller chooses the candidate and the approval, no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.candidate import Candidate
from sr_core.domain.errors import ApprovalUnfit, MalformedInput, NotVerified
from sr_core.domain.ids import ApprovalId, CandidateId, ExceptionId, FreezeId, SuiteId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.ref_builders import (
    approval_ref,
    bundle_refs,
    candidate_ref,
    waiver_refs,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.run import Run
from sr_core.domain.verification import VerificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFreeze:
    """Fix a candidate as shippable, under the name of a baseline."""

    by: Actor
    freeze_id: FreezeId
    baseline_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenVerification:
    """The verification that a freeze rests on."""

    status: VerificationStatus
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    evidence_bundle_refs: tuple[ContentHash, ...]
    waiver_refs: tuple[ExceptionId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenArtifact:
    """One artifact of a freeze, by its hash."""

    artifact_id: str
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeRecordCreated:
    """A candidate was fixed."""

    freeze_id: FreezeId
    baseline_id: str
    candidate_id: CandidateId
    verification: FrozenVerification
    release_approval_id: ApprovalId
    artifact_manifest: tuple[FrozenArtifact, ...]
    active_exceptions: tuple[ExceptionId, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            candidate_ref(self.candidate_id, RefRelation.RELEASES),
            approval_ref(self.release_approval_id, RefRelation.APPROVED_BY),
            *bundle_refs(
                self.verification.evidence_bundle_refs, RefRelation.SUPPORTED_BY
            ),
            *waiver_refs(self.active_exceptions, RefRelation.ACKNOWLEDGES),
        )


FreezeEvent: TypeAlias = FreezeRecordCreated


def authorise(command: CreateFreeze) -> None:
    """Raise `AuthorityRequired` unless a human who may release gives it."""
    command.by.require(ActorKind.HUMAN, action="creating a freeze record")
    command.by.require_role(
        PORTAL_ROLE[Portal.RELEASE], action="creating a freeze record"
    )


def decide(
    candidate: Candidate,
    command: CreateFreeze,
    *,
    run: Run | None,
    approval: ApprovalRecorded,
    active_exceptions: Collection[ExceptionId],
) -> tuple[FreezeRecordCreated, ...]:
    """Return the freeze; `run` is the one that the verification rests on.

    Raises:
        AuthorityRequired: no human who may release gives it.
        NotVerified: the candidate is not verified.
        ApprovalUnfit: the approval is not one of this candidate's release, or leaves
            out an active exception.
        MalformedInput: the baseline has no name.

    """
    authorise(command)
    if run is None or run.evidence is None or not candidate.status.is_verified:
        raise NotVerified(candidate_id=candidate.candidate_id)
    for why in _unfit(candidate, approval, run.evidence, active_exceptions):
        raise ApprovalUnfit(approval_id=approval.approval_id, why=why)
    if not command.baseline_id.strip():
        raise MalformedInput(
            field="baseline_id", found=command.baseline_id, expected="a name"
        )
    exceptions = tuple(sorted(active_exceptions))
    return (
        FreezeRecordCreated(
            freeze_id=command.freeze_id,
            baseline_id=command.baseline_id,
            candidate_id=candidate.candidate_id,
            verification=FrozenVerification(
                status=candidate.status,
                oracle_suite_id=run.suite_id,
                oracle_suite_hash=run.suite_hash,
                evidence_bundle_refs=(run.evidence,),
                waiver_refs=exceptions,
            ),
            release_approval_id=approval.approval_id,
            artifact_manifest=tuple(
                FrozenArtifact(artifact_id=each.path, content_hash=each.content_hash)
                for each in candidate.manifest.files
            ),
            active_exceptions=exceptions,
        ),
    )


def _unfit(
    candidate: Candidate,
    approval: ApprovalRecorded,
    evidence: ContentHash,
    active_exceptions: Collection[ExceptionId],
) -> Iterator[str]:
    if approval.portal_id is not Portal.RELEASE:
        yield f"was given at {approval.portal_id}"
    if approval.decision is not ApprovalDecision.APPROVED:
        yield f"says {approval.decision}"
    if approval.candidate_id != candidate.candidate_id:
        yield f"is about {approval.candidate_id}"
    if evidence not in approval.evidence_refs:
        yield f"was given before {evidence} was recorded"
    if missing := set(active_exceptions) - set(approval.exceptions_acknowledged):
        yield f"does not acknowledge {', '.join(sorted(missing))}"
