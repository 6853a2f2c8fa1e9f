"""What is recorded of a run (SPEC 2.3); the rules stand in `sr_core.domain.run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import (
    BundleId,
    CandidateId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
)
from sr_core.domain.ref_builders import (
    NO_REFS,
    bundle_ref,
    candidate_ref,
    iteration_ref,
    run_ref,
    suite_ref,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.violation import Violation


class RunOutcome(StrEnum):
    """How a run ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class Execution(StrEnum):
    """Who carries out a run: the platform itself, or a SYSTEM runner elsewhere."""

    PLATFORM = "platform"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The suite was pinned and the run began."""

    run_id: RunId
    candidate_id: CandidateId
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    loop_id: LoopId
    iteration_id: IterationId
    execution: Execution = Execution.PLATFORM

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            candidate_ref(self.candidate_id, RefRelation.ABOUT),
            suite_ref(
                self.oracle_suite_id, self.oracle_suite_hash, RefRelation.DEPENDS_ON
            ),
            iteration_ref(self.iteration_id, RefRelation.IN_SCOPE_OF),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleExecutionStarted:
    """The candidate's bytes were laid out and the oracles are being run."""

    run_id: RunId
    candidate_id: CandidateId
    suite_id: SuiteId
    suite_hash: ContentHash
    workspace_path: str
    started_at: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """It is about its own stream."""
        return NO_REFS


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleExecutionCompleted:
    """The oracles have ended; `status` is the verdict of what they left."""

    run_id: RunId
    candidate_id: CandidateId
    suite_id: SuiteId
    status: ResultStatus
    evidence_bundle_hash: ContentHash | None
    environment_fingerprint: Mapping[str, str] | None
    duration_ms: int
    completed_at: str
    error: str | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """It is about its own stream."""
        return NO_REFS


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBundleRecorded:
    """What the oracles left was stored whole.

    `environment_hash` is over what of the fingerprint is an input; `output_hashes` has,
    for each oracle that judged, one hash over its status and its artifacts. Equal inputs
    with different outputs are a flake (C-OR-5).
    """

    run_id: RunId
    candidate_id: CandidateId
    bundle_id: BundleId
    content_hash: ContentHash
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    verdict: ResultStatus
    results: Mapping[OracleId, ResultStatus]
    artifact_count: int
    environment_hash: ContentHash
    output_hashes: Mapping[OracleId, ContentHash]
    template_id: str | None = None
    stage_id: str | None = None
    work_surface_id: str | None = None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            run_ref(self.run_id),
            candidate_ref(self.candidate_id, RefRelation.VERIFIES),
            suite_ref(
                self.oracle_suite_id, self.oracle_suite_hash, RefRelation.DEPENDS_ON
            ),
            bundle_ref(self.content_hash, RefRelation.PRODUCES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityViolationDetected:
    """The run cannot be trusted; `condition` says why, with the facts of its kind."""

    run_id: RunId
    candidate_id: CandidateId
    suite_id: SuiteId
    condition: Violation
    requires_escalation: bool = True

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            run_ref(self.run_id),
            candidate_ref(self.candidate_id, RefRelation.AFFECTS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAssociated:
    """The bundle that a run left also speaks of something else; it decides nothing.

    `run_id` is the run that left it; the others are what it is associated with.
    """

    run_id: RunId
    content_hash: ContentHash
    associated_run_id: RunId | None = None
    candidate_id: CandidateId | None = None
    iteration_id: IterationId | None = None

    @property
    def entities(self) -> frozenset[str]:
        """What the bundle is associated with by this."""
        named = (self.associated_run_id, self.candidate_id, self.iteration_id)
        return frozenset(each for each in named if each is not None)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        refs = [bundle_ref(self.content_hash, RefRelation.ABOUT)]
        if self.associated_run_id is not None:
            refs.append(run_ref(self.associated_run_id, RefRelation.RELATES_TO))
        if self.candidate_id is not None:
            refs.append(candidate_ref(self.candidate_id, RefRelation.RELATES_TO))
        if self.iteration_id is not None:
            refs.append(iteration_ref(self.iteration_id, RefRelation.RELATES_TO))
        return tuple(refs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """The run ended, whatever the oracles said."""

    run_id: RunId
    candidate_id: CandidateId
    outcome: RunOutcome
    evidence_bundle_hash: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (bundle_ref(self.evidence_bundle_hash, RefRelation.PRODUCES),)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The run ended with nothing that could be judged."""

    run_id: RunId
    candidate_id: CandidateId
    reason: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            run_ref(self.run_id),
            candidate_ref(self.candidate_id, RefRelation.AFFECTS),
        )


RunEvent: TypeAlias = (
    RunStarted
    | OracleExecutionStarted
    | OracleExecutionCompleted
    | EvidenceBundleRecorded
    | IntegrityViolationDetected
    | EvidenceAssociated
    | RunCompleted
    | RunFailed
)
