"""Approvals: what a human says at a portal, about a subject and its evidence.

An approval names its portal and request, its subjects, the evidence that was reviewed,
and the active exceptions, even if there is none (C-TB-3, C-TB-6, C-EXC-2). What it has to
rest on is the rule of its request (`sr_core.domain.portal`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain import gates
from sr_core.domain.actors import Actor
from sr_core.domain.candidate import Candidate
from sr_core.domain.errors import IntegrityUnresolved, MalformedInput, SelfApproval
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    ExceptionId,
    candidate_hash,
    parse_candidate_id,
)
from sr_core.domain.integrity import IntegrityCondition, Portal
from sr_core.domain.judging_errors import NotVerified
from sr_core.domain.portal import PORTALS, RequestType, require_at, rule_for
from sr_core.domain.ref_builders import bundle_refs, exception_ref
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation


class ApprovalDecision(StrEnum):
    """What was said."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    DEFERRED = "DEFERRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestations:
    """What the approver says to have looked at."""

    verification_reviewed: bool
    validation_assessed: bool
    exceptions_understood: bool
    assessment_note_refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSubject:
    """One stage of one work surface, as an approval names it."""

    work_surface_id: str
    stage_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordApproval:
    """Say at a portal what is to become of something; `subjects` are about it."""

    by: Actor
    approval_id: ApprovalId
    portal: Portal
    decision: ApprovalDecision
    subjects: tuple[Ref, ...]
    evidence: tuple[ContentHash, ...]
    exceptions_acknowledged: tuple[ExceptionId, ...]
    request_type: RequestType | None = None
    """What it answers; None is the portal's usual one."""
    rationale: str | None = None
    attestations: Attestations | None = None

    @property
    def request(self) -> RequestType:
        """What it answers."""
        return self.request_type or PORTALS[self.portal].default_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What is known of the subjects, the evidence having been read just now.

    `recorded` are the bundles that may be cited; `active` the exceptions in force there,
    `known` those acknowledged that exist, by kind; `candidate` is the subject if it is
    one, `made_by` who registered it; `standing` what stands in the scope. An exception
    to some baseline, in `optional`, may be acknowledged before it is known which one
    the subject will be frozen as.
    """

    recorded: Collection[ContentHash] = ()
    active: Mapping[ExceptionId, ExceptionKind]
    known: Mapping[ExceptionId, ExceptionKind]
    optional: Collection[ExceptionId] = ()
    standing: frozenset[IntegrityCondition] = frozenset()
    candidate: Candidate | None = None
    made_by: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecorded:
    """A human spoke at a portal."""

    approval_id: ApprovalId
    portal_id: Portal
    request_type: RequestType
    decision: ApprovalDecision
    subject_refs: tuple[Ref, ...]
    evidence_refs: tuple[ContentHash, ...]
    exceptions_acknowledged: tuple[ExceptionId, ...]
    acknowledged_kinds: Mapping[ExceptionId, ExceptionKind]
    rationale: str | None
    attestations: Attestations | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            *self.subject_refs,
            *bundle_refs(self.evidence_refs, RefRelation.SUPPORTED_BY),
            *(
                exception_ref(
                    each,
                    RefRelation.ACKNOWLEDGES,
                    kind=self.acknowledged_kinds[each].ref_kind,
                )
                for each in self.exceptions_acknowledged
            ),
        )

    @property
    def candidate_id(self) -> CandidateId | None:
        """The candidate that it is about, if it is about one."""
        return candidate_of(self.subject_refs)

    @property
    def stage(self) -> StageSubject | None:
        """The stage that it is about, if it is about one."""
        return stage_of(self.subject_refs)

    def releases(self, candidate_id: CandidateId) -> bool:
        """Whether it lets this candidate be released."""
        return (
            self.portal_id is Portal.RELEASE
            and self.request_type is RequestType.RELEASE_APPROVAL
            and self.decision is ApprovalDecision.APPROVED
            and self.candidate_id == candidate_id
        )

    def accepts(self, stage: StageSubject) -> bool:
        """Whether it accepts the work of this stage."""
        return (
            self.request_type is RequestType.ENG_ACCEPT
            and self.decision is ApprovalDecision.APPROVED
            and self.stage == stage
        )


ApprovalEvent: TypeAlias = ApprovalRecorded


def candidate_of(subjects: Collection[Ref]) -> CandidateId | None:
    """Return the candidate among the subjects, if there is one."""
    found = [each.id for each in subjects if each.kind is RefKind.CANDIDATE]
    return parse_candidate_id(found[0]) if found else None


def stage_of(subjects: Collection[Ref]) -> StageSubject | None:
    """Return the stage that the subjects name, if they name one.

    It is either a ProcedureStage whose meta has the work surface, or a WorkSurface whose
    meta has the stage.
    """
    for each in subjects:
        if each.kind is RefKind.PROCEDURE_STAGE and "work_surface_id" in each.meta:
            surface = each.meta["work_surface_id"]
            return StageSubject(work_surface_id=surface, stage_id=each.id)
        if each.kind is RefKind.WORK_SURFACE and "stage_id" in each.meta:
            stage = each.meta["stage_id"]
            return StageSubject(work_surface_id=each.id, stage_id=stage)
    return None


def authorise(command: RecordApproval) -> None:
    """Raise unless a human with the request's role gives it, at a portal that takes it.

    Raises:
        AuthorityRequired: no human, or one without the role.
        MalformedInput: the portal does not take the request, or nothing is the subject.

    """
    rule_for(command.portal, command.request)
    require_at(
        command.by, command.request, action=f"{command.request} at {command.portal}"
    )
    assert command.by.kind in gates.gate_of(command.request).allowed_actor_kinds, (
        "a gate of portals is passed by humans"
    )
    _require_subjects(command.subjects)


def decide(command: RecordApproval, seen: Reviewed) -> tuple[ApprovalRecorded, ...]:
    """Return the approval; the evidence has been read and found intact just now.

    Raises:
        AuthorityRequired: no human, or one without the request's role.
        SelfApproval: who registered the candidate would approve its release.
        NotVerified: a release of what is not verified is to be approved.
        IntegrityUnresolved: a condition stands that bars the request.
        MalformedInput: it is incomplete, cites evidence that is none of the subject's,
            or does not acknowledge exactly the active exceptions.

    """
    authorise(command)
    rule = rule_for(command.portal, command.request)
    if command.decision is ApprovalDecision.APPROVED:
        if not rule.is_approvable:
            raise MalformedInput(
                field="decision",
                found=command.decision.value,
                expected=f"REJECTED or DEFERRED: {command.request} holds back",
            )
        if rule.needs_verified:
            _require_releasable(command, seen)
        if rule.bars_integrity and seen.standing:
            raise IntegrityUnresolved(
                subject=command.subjects[0].id, conditions=seen.standing
            )
        if rule.needs_evidence and not command.evidence:
            raise _unfit_evidence(command, seen)
    if not set(command.evidence) <= set(seen.recorded):
        raise _unfit_evidence(command, seen)
    _require_acknowledged(command, seen)
    return (
        ApprovalRecorded(
            approval_id=command.approval_id,
            portal_id=command.portal,
            request_type=command.request,
            decision=command.decision,
            subject_refs=command.subjects,
            evidence_refs=command.evidence,
            exceptions_acknowledged=command.exceptions_acknowledged,
            acknowledged_kinds={
                each: seen.known[each] for each in command.exceptions_acknowledged
            },
            rationale=command.rationale,
            attestations=command.attestations,
        ),
    )


def _require_subjects(subjects: tuple[Ref, ...]) -> None:
    """Raise `MalformedInput` unless something is the subject, pinned as it is."""
    if not subjects:
        raise MalformedInput(
            field="subject_refs", found=[], expected="at least one typed ref"
        )
    for each in subjects:
        if each.rel is not RefRelation.ABOUT:
            raise MalformedInput(
                field=f"rel of the subject {each.id}",
                found=each.rel.value,
                expected=RefRelation.ABOUT.value,
            )
        if each.kind is RefKind.CANDIDATE:
            pinned = candidate_hash(parse_candidate_id(each.id))
            if each.meta["content_hash"] != pinned:
                raise MalformedInput(
                    field=f"meta.content_hash of the subject {each.id}",
                    found=each.meta["content_hash"],
                    expected=pinned,
                )
    named = [each.id for each in subjects if each.kind is RefKind.CANDIDATE]
    if len(named) > 1:
        raise MalformedInput(
            field="subject_refs", found=named, expected="one candidate an approval"
        )


def _require_releasable(command: RecordApproval, seen: Reviewed) -> None:
    candidate = seen.candidate
    if candidate is None:
        raise MalformedInput(
            field="subject_refs",
            found=[each.kind.value for each in command.subjects],
            expected="the candidate that is to be released",
        )
    if seen.made_by == command.by:
        raise SelfApproval(candidate_id=candidate.candidate_id, actor=str(command.by))
    if not candidate.status.is_verified:
        raise NotVerified(candidate_id=candidate.candidate_id)


def _unfit_evidence(command: RecordApproval, seen: Reviewed) -> MalformedInput:
    subject = command.subjects[0].id
    return MalformedInput(
        field="evidence_refs",
        found=sorted(command.evidence),
        expected=f"some of the bundles recorded for {subject}: "
        f"{', '.join(sorted(seen.recorded)) or 'there are none'}",
    )


def _require_acknowledged(command: RecordApproval, seen: Reviewed) -> None:
    given = set(command.exceptions_acknowledged)
    if unknown := given - seen.known.keys():
        raise MalformedInput(
            field="exceptions_acknowledged",
            found=sorted(unknown),
            expected="exceptions that are recorded",
        )
    if given - set(seen.optional) != set(seen.active) - set(seen.optional):
        raise MalformedInput(
            field="exceptions_acknowledged",
            found=sorted(given),
            expected=f"exactly the active exceptions: {sorted(seen.active)}",
        )
