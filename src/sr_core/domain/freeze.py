"""The freeze record: everything that a release rests on, computed here and fixed.

It names the verification, the approval, every active exception and every artifact by its
hash (C-SHIP-1, C-EXC-2). The caller chooses the candidate, the approval and the name of
the baseline; whatever else it says has to be what is computed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sr_core.domain import gates
from sr_core.domain.actors import Actor
from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.candidate import Candidate
from sr_core.domain.errors import ApprovalUnfit, MalformedInput
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.governed_exception import ExceptionPhase
from sr_core.domain.ids import ApprovalId, CandidateId, ExceptionId, FreezeId, SuiteId
from sr_core.domain.integrity import Portal
from sr_core.domain.judging_errors import NotVerified
from sr_core.domain.portal import RequestType, require_at
from sr_core.domain.ref_builders import (
    approval_ref,
    bundle_refs,
    candidate_ref,
    exception_ref,
    suite_ref,
)
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation
from sr_core.domain.run import Run
from sr_core.domain.verification import MODE_OF, VerificationMode


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSuite:
    """A suite by which the candidate was judged."""

    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenVerification:
    """The verification that a freeze rests on; the first suite is the profile's first."""

    mode: VerificationMode
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    oracle_suites: tuple[FrozenSuite, ...]
    evidence_bundle_refs: tuple[ContentHash, ...]
    waiver_refs: tuple[ExceptionId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenArtifact:
    """One artifact of a freeze: a file of the candidate, or a governed artifact."""

    artifact_id: str
    content_hash: ContentHash
    version: str | None = None
    """A governed artifact has one; a file is of its candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenException:
    """An exception that was in force."""

    exception_id: ExceptionId
    kind: ExceptionKind
    status: ExceptionPhase = ExceptionPhase.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the caller says of the freeze; None is left to the platform."""

    verification_mode: VerificationMode | None = None
    oracle_suite_id: SuiteId | None = None
    oracle_suite_hash: ContentHash | None = None
    evidence_bundle_refs: tuple[ContentHash, ...] | None = None
    waiver_refs: tuple[ExceptionId, ...] | None = None
    artifact_manifest: tuple[FrozenArtifact, ...] | None = None
    active_exceptions: tuple[FrozenException, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFreeze:
    """Fix a candidate as shippable, under the name of a baseline."""

    by: Actor
    freeze_id: FreezeId
    baseline_id: str
    declared: Declared = Declared()


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a freeze is computed from.

    `runs` are the latest of each required suite; `active` the exceptions in force for
    the candidate; `governed` the governed artifacts that it was made under.
    """

    runs: Sequence[Run | None]
    approval: ApprovalRecorded
    active: Collection[FrozenException]
    governed: tuple[FrozenArtifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeRecordCreated:
    """A candidate was fixed."""

    freeze_id: FreezeId
    baseline_id: str
    candidate_id: CandidateId
    verification: FrozenVerification
    release_approval_id: ApprovalId
    artifact_manifest: tuple[FrozenArtifact, ...]
    active_exceptions: tuple[FrozenException, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        verification = self.verification
        return (
            candidate_ref(self.candidate_id, RefRelation.RELEASES),
            approval_ref(self.release_approval_id, RefRelation.APPROVED_BY),
            *bundle_refs(verification.evidence_bundle_refs, RefRelation.SUPPORTED_BY),
            *(
                exception_ref(
                    each.exception_id,
                    RefRelation.ACKNOWLEDGES,
                    kind=each.kind.ref_kind,
                )
                for each in self.active_exceptions
            ),
            *(
                suite_ref(
                    each.oracle_suite_id,
                    each.oracle_suite_hash,
                    RefRelation.DEPENDS_ON,
                )
                for each in verification.oracle_suites
            ),
            *(
                Ref(
                    kind=RefKind.GOVERNED_ARTIFACT,
                    id=each.artifact_id,
                    rel=RefRelation.DEPENDS_ON,
                    meta={"content_hash": each.content_hash, "version": each.version},
                )
                for each in self.artifact_manifest
                if each.version is not None
            ),
        )


FreezeEvent: TypeAlias = FreezeRecordCreated


def authorise(command: CreateFreeze) -> None:
    """Raise `AuthorityRequired` unless a human who may release gives it."""
    require_at(
        command.by, RequestType.RELEASE_APPROVAL, action="creating a freeze record"
    )
    assert command.by.kind in gates.FREEZE_READY.allowed_actor_kinds, (
        "a freeze is made by humans"
    )


def decide(
    candidate: Candidate, command: CreateFreeze, basis: Basis
) -> tuple[FreezeRecordCreated, ...]:
    """Return the freeze.

    Raises:
        AuthorityRequired: no human who may release gives it.
        NotVerified: the candidate is not verified.
        ApprovalUnfit: the approval is not one of this candidate's release, or leaves
            out an active exception.
        MalformedInput: the baseline has no name, or something that was declared is not
            what is computed.

    """
    authorise(command)
    runs = [each for each in basis.runs if each is not None and each.evidence]
    evidence = tuple(each.evidence for each in runs if each.evidence)
    is_judged = bool(runs) and len(runs) == len(basis.runs)
    mode = MODE_OF[candidate.status]
    if not is_judged or mode is None:
        raise NotVerified(candidate_id=candidate.candidate_id)
    active = tuple(sorted(basis.active, key=lambda each: each.exception_id))
    for why in _unfit(candidate, basis.approval, evidence, active):
        raise ApprovalUnfit(approval_id=basis.approval.approval_id, why=why)
    if not command.baseline_id.strip():
        raise MalformedInput(
            field="baseline_id", found=command.baseline_id, expected="a name"
        )
    freeze = FreezeRecordCreated(
        freeze_id=command.freeze_id,
        baseline_id=command.baseline_id,
        candidate_id=candidate.candidate_id,
        verification=FrozenVerification(
            mode=mode,
            oracle_suite_id=runs[0].suite_id,
            oracle_suite_hash=runs[0].suite_hash,
            oracle_suites=tuple(
                FrozenSuite(
                    oracle_suite_id=each.suite_id, oracle_suite_hash=each.suite_hash
                )
                for each in runs
            ),
            evidence_bundle_refs=evidence,
            waiver_refs=tuple(
                each.exception_id
                for each in active
                if each.kind is ExceptionKind.WAIVER
            ),
        ),
        release_approval_id=basis.approval.approval_id,
        artifact_manifest=(*_files(candidate), *basis.governed),
        active_exceptions=active,
    )
    _require_as_declared(command.declared, freeze)
    return (freeze,)


def gaps(
    freeze: FreezeRecordCreated,
    candidate: Candidate,
    *,
    runs: Sequence[Run | None],
    active: Collection[ExceptionId],
) -> tuple[str, ...]:
    """Return what the freeze lacks by now; it is complete if that is nothing.

    A run, or an exception, that came after it makes it incomplete (C-SHIP-1, C-EXC-2).
    """
    return tuple(_gaps(freeze, candidate, runs, active))


def _gaps(
    freeze: FreezeRecordCreated,
    candidate: Candidate,
    runs: Sequence[Run | None],
    active: Collection[ExceptionId],
) -> Iterator[str]:
    suites = {
        (each.oracle_suite_id, each.oracle_suite_hash)
        for each in freeze.verification.oracle_suites
    }
    for run in runs:
        if run is None or run.evidence is None:
            yield "a required suite has left no evidence"
        elif (run.suite_id, run.suite_hash) not in suites:
            yield f"{run.suite_id} is not frozen with the hash that judged latest"
        elif run.evidence not in freeze.verification.evidence_bundle_refs:
            yield f"the evidence of {run.run_id} is not in it"
    if unlisted := set(active) - {
        each.exception_id for each in freeze.active_exceptions
    }:
        yield f"active exceptions are not in it: {', '.join(sorted(unlisted))}"
    listed = {
        (each.artifact_id, each.content_hash) for each in freeze.artifact_manifest
    }
    for each in _files(candidate):
        if (each.artifact_id, each.content_hash) not in listed:
            yield f"the file {each.artifact_id} is not in it"


def _files(candidate: Candidate) -> tuple[FrozenArtifact, ...]:
    return tuple(
        FrozenArtifact(artifact_id=each.path, content_hash=each.content_hash)
        for each in candidate.manifest.files
    )


def _unfit(
    candidate: Candidate,
    approval: ApprovalRecorded,
    evidence: Collection[ContentHash],
    active: Collection[FrozenException],
) -> Iterator[str]:
    if approval.portal_id is not Portal.RELEASE:
        yield f"was given at {approval.portal_id}"
    if approval.decision is not ApprovalDecision.APPROVED:
        yield f"says {approval.decision}"
    if approval.candidate_id != candidate.candidate_id:
        yield f"is about {approval.candidate_id or 'no candidate'}"
    if unseen := set(evidence) - set(approval.evidence_refs):
        yield f"does not rest on {', '.join(sorted(unseen))}"
    named = {each.exception_id for each in active}
    if missing := named - set(approval.exceptions_acknowledged):
        yield f"does not acknowledge {', '.join(sorted(missing))}"


def _require_as_declared(declared: Declared, freeze: FreezeRecordCreated) -> None:
    """Raise `MalformedInput` naming the first field that is not as it was declared."""
    verification = freeze.verification
    pairs: tuple[tuple[str, object, object], ...] = (
        ("verification_mode", declared.verification_mode, verification.mode),
        ("oracle_suite_id", declared.oracle_suite_id, verification.oracle_suite_id),
        (
            "oracle_suite_hash",
            declared.oracle_suite_hash,
            verification.oracle_suite_hash,
        ),
        (
            "evidence_bundle_refs",
            _unordered(declared.evidence_bundle_refs),
            set(verification.evidence_bundle_refs),
        ),
        (
            "waiver_refs",
            _unordered(declared.waiver_refs),
            set(verification.waiver_refs),
        ),
        (
            "artifact_manifest",
            _unordered(declared.artifact_manifest),
            set(freeze.artifact_manifest),
        ),
        (
            "active_exceptions",
            _unordered(declared.active_exceptions),
            set(freeze.active_exceptions),
        ),
    )
    for field, said, computed in pairs:
        if said is not None and said != computed:
            raise MalformedInput(
                field=field,
                found=_told(said),
                expected=f"what the platform computes, or leave it out: "
                f"{_told(computed)}",
            )


def _unordered(values: tuple[object, ...] | None) -> set[object] | None:
    return None if values is None else set(values)


def _told(value: object) -> object:
    """Return the value as a person reads it; sets in an order."""
    return sorted(map(str, value)) if isinstance(value, set) else str(value)
