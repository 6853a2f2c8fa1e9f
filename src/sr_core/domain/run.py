"""The run: one oracle suite over one candidate.

    STARTED --complete--> COMPLETED (with an evidence bundle)
       +-----fail-------> FAILED    (nothing could be judged)

The system starts runs, pins the suite by its hash at the start, and records what came of
them; nobody can report an outcome (C-OR-2, C-EVID-3). A loop that an integrity condition
stopped still allows the run that would cure it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import BudgetExhausted, TransitionRefused
from sr_core.domain.evidence import EvidenceManifest, ResultStatus
from sr_core.domain.ids import (
    BundleId,
    CandidateId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
)
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.loop import Loop, LoopPhase
from sr_core.domain.oracle_suite import OracleSuiteRegistered
from sr_core.domain.ref_builders import (
    bundle_ref,
    candidate_ref,
    iteration_ref,
    run_ref,
    suite_ref,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation


class RunPhase(StrEnum):
    """Where a run stands (SPEC 4.2)."""

    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class RunOutcome(StrEnum):
    """How a run ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The suite was pinned and the run began."""

    run_id: RunId
    candidate_id: CandidateId
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    loop_id: LoopId
    iteration_id: IterationId

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
class EvidenceBundleRecorded:
    """What the oracles left was stored whole."""

    run_id: RunId
    candidate_id: CandidateId
    bundle_id: BundleId
    content_hash: ContentHash
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    verdict: ResultStatus
    results: Mapping[OracleId, ResultStatus]
    artifact_count: int

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            run_ref(self.run_id),
            candidate_ref(self.candidate_id, RefRelation.VERIFIES),
            bundle_ref(self.content_hash, RefRelation.PRODUCES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityViolationDetected:
    """The run cannot be trusted."""

    run_id: RunId
    candidate_id: CandidateId
    oracle_suite_id: SuiteId
    condition: IntegrityCondition
    detail: str
    requires_escalation: bool = True

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            run_ref(self.run_id),
            candidate_ref(self.candidate_id, RefRelation.AFFECTS),
        )


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
    | EvidenceBundleRecorded
    | IntegrityViolationDetected
    | RunCompleted
    | RunFailed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the events so far say of one run."""

    run_id: RunId
    candidate_id: CandidateId
    suite_id: SuiteId
    suite_hash: ContentHash
    loop_id: LoopId
    iteration_id: IterationId
    phase: RunPhase = RunPhase.STARTED
    evidence: ContentHash | None = None
    results: Mapping[OracleId, ResultStatus] = field(default_factory=dict)
    conditions: frozenset[IntegrityCondition] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Judge a candidate by a registered suite."""

    by: Actor
    run_id: RunId
    candidate_id: CandidateId
    iteration_id: IterationId
    suite: OracleSuiteRegistered
    cures: bool
    """Whether an integrity condition stands against the candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvidence:
    """End the run with a stored bundle; `violations` say why it cannot be trusted."""

    manifest: EvidenceManifest
    manifest_hash: ContentHash
    violations: Mapping[IntegrityCondition, str]


def start(loop: Loop, command: StartRun) -> tuple[RunStarted, ...]:
    """Return the start of the run.

    Raises:
        AuthorityRequired: someone other than the system gives it.
        TransitionRefused: the loop is not ACTIVE, nor is there anything to cure.
        BudgetExhausted: the loop has no oracle run left.

    """
    command.by.require(ActorKind.SYSTEM, action="starting a run")
    stopped_but_curable = (
        loop.phase is LoopPhase.PAUSED and bool(loop.stops) and command.cures
    )
    if loop.phase is not LoopPhase.ACTIVE and not stopped_but_curable:
        raise TransitionRefused(
            subject=loop.loop_id,
            phase=loop.phase,
            attempted="StartRun",
            allowed=("a run that cures an integrity condition",)
            if loop.phase is LoopPhase.PAUSED
            else (),
        )
    if loop.runs_started >= loop.budgets.max_oracle_runs:
        raise BudgetExhausted(
            bound="max_oracle_runs",
            used=loop.runs_started,
            limit=loop.budgets.max_oracle_runs,
        )
    return (
        RunStarted(
            run_id=command.run_id,
            candidate_id=command.candidate_id,
            oracle_suite_id=command.suite.suite_id,
            oracle_suite_hash=command.suite.suite_hash,
            loop_id=loop.loop_id,
            iteration_id=command.iteration_id,
        ),
    )


def record(run: Run, command: RecordEvidence) -> tuple[RunEvent, ...]:
    """Return the end of the run: its bundle, what is wrong with it, and the outcome.

    Raises:
        TransitionRefused: the run has ended already.

    """
    _require_open(run, "RecordEvidence")
    manifest = command.manifest
    assert (manifest.run_id, manifest.candidate_id) == (run.run_id, run.candidate_id), (
        "the runner fills in the run that it was given"
    )
    recorded = EvidenceBundleRecorded(
        run_id=run.run_id,
        candidate_id=run.candidate_id,
        bundle_id=manifest.bundle_id,
        content_hash=command.manifest_hash,
        oracle_suite_id=run.suite_id,
        oracle_suite_hash=run.suite_hash,
        verdict=manifest.verdict,
        results={each.oracle_id: each.status for each in manifest.results},
        artifact_count=len(manifest.artifacts),
    )
    violations = tuple(
        IntegrityViolationDetected(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            oracle_suite_id=run.suite_id,
            condition=condition,
            detail=detail,
        )
        for condition, detail in sorted(command.violations.items())
    )
    held = manifest.verdict is ResultStatus.PASS and not violations
    completed = RunCompleted(
        run_id=run.run_id,
        candidate_id=run.candidate_id,
        outcome=RunOutcome.SUCCESS if held else RunOutcome.FAILURE,
        evidence_bundle_hash=command.manifest_hash,
    )
    return (recorded, *violations, completed)


def fail(run: Run, *, reason: str) -> tuple[RunFailed, ...]:
    """Return the end of a run that could not be carried out.

    Raises:
        TransitionRefused: the run has ended already.

    """
    _require_open(run, "FailRun")
    return (RunFailed(run_id=run.run_id, candidate_id=run.candidate_id, reason=reason),)


def evolve(run: Run | None, event: RunEvent) -> Run:
    """Fold one event into the state."""
    if isinstance(event, RunStarted):
        assert run is None, "RunStarted opens a run"
        return Run(
            run_id=event.run_id,
            candidate_id=event.candidate_id,
            suite_id=event.oracle_suite_id,
            suite_hash=event.oracle_suite_hash,
            loop_id=event.loop_id,
            iteration_id=event.iteration_id,
        )
    assert run is not None, "every other event follows RunStarted"
    match event:
        case EvidenceBundleRecorded():
            return replace(run, evidence=event.content_hash, results=event.results)
        case IntegrityViolationDetected():
            return replace(run, conditions=run.conditions | {event.condition})
        case RunCompleted():
            return replace(run, phase=RunPhase.COMPLETED)
        case RunFailed():
            return replace(run, phase=RunPhase.FAILED)
        case _:
            assert_never(event)


def _require_open(run: Run, attempted: str) -> None:
    if run.phase is not RunPhase.STARTED:
        raise TransitionRefused(
            subject=run.run_id, phase=run.phase, attempted=attempted, allowed=()
        )
