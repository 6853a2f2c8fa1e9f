"""The run: one oracle suite over one candidate.

    STARTED --begin--> RUNNING --complete--> COMPLETED (with an evidence bundle)
       |                  +-------fail-----> FAILED    (nothing could be judged)
       +--complete, fail--> as from RUNNING: a runner elsewhere need not say it began

The system starts runs, pins the suite by its hash at the start, and records what came of
them; an outcome is computed from the evidence, and who declares another is refused
(C-OR-2, C-EVID-3, C-TB-2). A loop that an integrity condition stopped still allows the
run that would cure it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.budget import Bound
from sr_core.domain.errors import MalformedInput, TransitionRefused
from sr_core.domain.evidence import EvidenceManifest, ResultStatus
from sr_core.domain.ids import (
    CandidateId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
)
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.judging_errors import (
    AssociationTaken,
    EvidenceMissing,
    EvidenceTaken,
    NotExternal,
    OutcomeMismatch,
    SuiteHashMismatch,
)
from sr_core.domain.loop import Loop, LoopPhase, require_budget
from sr_core.domain.oracle_suite import OracleSuite
from sr_core.domain.refs import ContentHash
from sr_core.domain.run_events import (
    EvidenceAssociated,
    EvidenceBundleRecorded,
    Execution,
    IntegrityViolationDetected,
    OracleExecutionCompleted,
    OracleExecutionStarted,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunOutcome,
    RunStarted,
)
from sr_core.domain.violation import Violation

__all__ = [
    "EvidenceAssociated",
    "EvidenceBundleRecorded",
    "Execution",
    "IntegrityViolationDetected",
    "OracleExecutionCompleted",
    "OracleExecutionStarted",
    "RunCompleted",
    "RunEvent",
    "RunFailed",
    "RunOutcome",
    "RunStarted",
]

T = TypeVar("T", bound=str)


class RunPhase(StrEnum):
    """Where a run stands (SPEC 4.2)."""

    STARTED = "STARTED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the events so far say of one run."""

    run_id: RunId
    candidate_id: CandidateId
    suite_id: SuiteId
    suite_hash: ContentHash
    loop_id: LoopId
    iteration_id: IterationId
    execution: Execution = Execution.PLATFORM
    phase: RunPhase = RunPhase.STARTED
    began_at: str | None = None
    evidence: ContentHash | None = None
    verdict: ResultStatus | None = None
    results: Mapping[OracleId, ResultStatus] = field(default_factory=dict)
    environment_hash: ContentHash | None = None
    output_hashes: Mapping[OracleId, ContentHash] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    associated: frozenset[str] = frozenset()

    @property
    def conditions(self) -> frozenset[IntegrityCondition]:
        """The integrity conditions that were found of it."""
        return frozenset(each.condition_type for each in self.violations)

    @property
    def outcome(self) -> RunOutcome:
        """What its evidence gives; a run in doubt is no success."""
        held = self.verdict is ResultStatus.PASS and not self.violations
        return RunOutcome.SUCCESS if held else RunOutcome.FAILURE


# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Judge a candidate by a registered suite."""

    by: Actor
    now: datetime
    run_id: RunId
    candidate_id: CandidateId
    iteration_id: IterationId
    suite: OracleSuite
    cures: bool
    """Whether an integrity condition stands against the candidate."""
    execution: Execution = Execution.PLATFORM
    declared: ContentHash | None = None
    """The hash that the caller takes the suite to have, if it says one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRun:
    """Say that the oracles are being run, and over which folder."""

    workspace_path: str
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvidence:
    """Keep what the oracles left; `violations` say why it cannot be trusted."""

    manifest: EvidenceManifest
    manifest_hash: ContentHash
    environment_hash: ContentHash
    output_hashes: Mapping[OracleId, ContentHash]
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun:
    """End the run; what is declared of its end has to be what the evidence gives."""

    by: Actor
    outcome: RunOutcome | None = None
    evidence_bundle_hash: ContentHash | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRun:
    """End a run that could not be carried out."""

    by: Actor
    reason: str
    ended_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Associate:
    """Say that the run's evidence also speaks of something else (C-EVID-4)."""

    by: Actor
    run_id: RunId | None = None
    candidate_id: CandidateId | None = None
    iteration_id: IterationId | None = None


RunCommand: TypeAlias = BeginRun | RecordEvidence | CompleteRun | FailRun


# The rules.

_ALLOWED: Final[Mapping[RunPhase, frozenset[type[RunCommand]]]] = MappingProxyType(
    {
        RunPhase.STARTED: frozenset({BeginRun, RecordEvidence, CompleteRun, FailRun}),
        RunPhase.RUNNING: frozenset({RecordEvidence, CompleteRun, FailRun}),
        RunPhase.COMPLETED: frozenset(),
        RunPhase.FAILED: frozenset(),
    }
)
assert _ALLOWED.keys() == set(RunPhase), "every phase says what it allows"


def start(loop: Loop, command: StartRun) -> tuple[RunStarted, ...]:
    """Return the start of the run.

    Raises:
        AuthorityRequired: someone other than the system gives it.
        SuiteHashMismatch: the caller means another suite than is registered.
        TransitionRefused: the loop is not ACTIVE, nor is there anything to cure.
        BudgetExhausted: the loop has no oracle run left, or no hour.

    """
    command.by.require(ActorKind.SYSTEM, action="starting a run")
    suite = command.suite
    if command.declared is not None and command.declared != suite.suite_hash:
        raise SuiteHashMismatch(
            suite_id=suite.suite_id,
            declared=command.declared,
            registered=suite.suite_hash,
        )
    _require_open_loop(loop, command)
    require_budget(loop, Bound.ORACLE_RUNS, now=command.now)
    return (
        RunStarted(
            run_id=command.run_id,
            candidate_id=command.candidate_id,
            oracle_suite_id=suite.suite_id,
            oracle_suite_hash=suite.suite_hash,
            loop_id=loop.loop_id,
            iteration_id=command.iteration_id,
            execution=command.execution,
        ),
    )


def begin(run: Run, command: BeginRun) -> tuple[OracleExecutionStarted, ...]:
    """Return that the oracles are being run.

    Raises:
        TransitionRefused: they were already, or the run has ended.

    """
    _require_allowed(run, command)
    return (
        OracleExecutionStarted(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            suite_id=run.suite_id,
            suite_hash=run.suite_hash,
            workspace_path=command.workspace_path,
            started_at=command.started_at,
        ),
    )


def record(run: Run, command: RecordEvidence) -> tuple[RunEvent, ...]:
    """Return the run's bundle, and each way in which it cannot be trusted.

    Raises:
        TransitionRefused: the run has ended already.
        EvidenceTaken: it has left a bundle already.

    """
    _require_allowed(run, command)
    if run.evidence is not None:
        raise EvidenceTaken(run_id=run.run_id, evidence=run.evidence)
    manifest = command.manifest
    assert (manifest.run_id, manifest.candidate_id) == (run.run_id, run.candidate_id), (
        "whoever hands in a manifest was asked whose it is"
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
        environment_hash=command.environment_hash,
        output_hashes=dict(command.output_hashes),
        template_id=manifest.template_id,
        stage_id=manifest.stage_id,
        work_surface_id=manifest.work_surface_id,
    )
    ended = OracleExecutionCompleted(
        run_id=run.run_id,
        candidate_id=run.candidate_id,
        suite_id=run.suite_id,
        status=manifest.verdict,
        evidence_bundle_hash=command.manifest_hash,
        environment_fingerprint=dict(manifest.environment_fingerprint),
        duration_ms=_span_ms(manifest.run_started_at, manifest.run_completed_at),
        completed_at=manifest.run_completed_at,
        error=None,
    )
    return (ended, recorded, *_detected(run, command.violations))


def complete(run: Run, command: CompleteRun) -> tuple[RunCompleted, ...]:
    """Return the end of a run that left evidence.

    Raises:
        AuthorityRequired: someone other than the system gives it.
        TransitionRefused: the run has ended already.
        EvidenceMissing: no evidence is recorded of it.
        OutcomeMismatch: the declared outcome or bundle is not the one recorded.

    """
    command.by.require(ActorKind.SYSTEM, action="completing a run")
    _require_allowed(run, command)
    if run.evidence is None:
        raise EvidenceMissing(subject=run.run_id, evidence=["none is recorded"])
    declared = command.evidence_bundle_hash
    if declared is not None and declared != run.evidence:
        raise OutcomeMismatch(
            run_id=run.run_id, declared=declared, computed=run.evidence
        )
    if command.outcome is not None and command.outcome is not run.outcome:
        raise OutcomeMismatch(
            run_id=run.run_id, declared=command.outcome, computed=run.outcome
        )
    return (
        RunCompleted(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            outcome=run.outcome,
            evidence_bundle_hash=run.evidence,
        ),
    )


def fail(run: Run, command: FailRun) -> tuple[RunEvent, ...]:
    """Return the end of a run that could not be carried out.

    Raises:
        AuthorityRequired: someone other than the system gives it.
        TransitionRefused: the run has ended already.

    """
    command.by.require(ActorKind.SYSTEM, action="failing a run")
    _require_allowed(run, command)
    failed = RunFailed(
        run_id=run.run_id, candidate_id=run.candidate_id, reason=command.reason
    )
    if run.began_at is None or run.evidence is not None:
        return (failed,)
    broken_off = OracleExecutionCompleted(
        run_id=run.run_id,
        candidate_id=run.candidate_id,
        suite_id=run.suite_id,
        status=ResultStatus.ERROR,
        evidence_bundle_hash=None,
        environment_fingerprint=None,
        duration_ms=_span_ms(run.began_at, command.ended_at),
        completed_at=command.ended_at,
        error=command.reason,
    )
    return (broken_off, failed)


def associate(
    run: Run, evidence: ContentHash, command: Associate
) -> tuple[EvidenceAssociated, ...]:
    """Return that the run's bundle also speaks of what the command names.

    Raises:
        AuthorityRequired: someone other than the system gives it.
        MalformedInput: it names nothing.
        AssociationTaken: all of it is associated already.

    """
    command.by.require(ActorKind.SYSTEM, action="associating evidence")
    named = [
        each
        for each in (command.run_id, command.candidate_id, command.iteration_id)
        if each is not None
    ]
    if not named:
        raise MalformedInput(
            field="association",
            found="nothing",
            expected="run_id, candidate_id or iteration_id",
        )
    if set(named) <= run.associated:
        raise AssociationTaken(evidence=evidence, entity=", ".join(named))
    return (
        EvidenceAssociated(
            run_id=run.run_id,
            content_hash=evidence,
            associated_run_id=_new(run, command.run_id),
            candidate_id=_new(run, command.candidate_id),
            iteration_id=_new(run, command.iteration_id),
        ),
    )


def require_external(run: Run, attempted: str) -> None:
    """Raise `NotExternal` unless a runner elsewhere carries out the run."""
    if run.execution is not Execution.EXTERNAL:
        raise NotExternal(run_id=run.run_id, attempted=attempted)


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
            execution=event.execution,
        )
    assert run is not None, "every other event follows RunStarted"
    match event:
        case OracleExecutionStarted():
            return replace(run, phase=RunPhase.RUNNING, began_at=event.started_at)
        case OracleExecutionCompleted():
            return run
        case EvidenceBundleRecorded():
            return replace(
                run,
                evidence=event.content_hash,
                verdict=event.verdict,
                results=event.results,
                environment_hash=event.environment_hash,
                output_hashes=event.output_hashes,
            )
        case IntegrityViolationDetected():
            return replace(run, violations=(*run.violations, event.condition))
        case EvidenceAssociated():
            return replace(run, associated=run.associated | event.entities)
        case RunCompleted():
            return replace(run, phase=RunPhase.COMPLETED)
        case RunFailed():
            return replace(run, phase=RunPhase.FAILED)
        case _:
            assert_never(event)


def _require_open_loop(loop: Loop, command: StartRun) -> None:
    """Raise unless the loop is at work, or stopped over what the run would cure."""
    stopped_but_curable = (
        loop.phase is LoopPhase.PAUSED and bool(loop.stops) and command.cures
    )
    if loop.phase is LoopPhase.ACTIVE or stopped_but_curable:
        return
    raise TransitionRefused(
        subject=loop.loop_id,
        phase=loop.phase,
        attempted="StartRun",
        allowed=("a run that cures an integrity condition",)
        if loop.phase is LoopPhase.PAUSED
        else (),
    )


def _require_allowed(run: Run, command: RunCommand) -> None:
    allowed = _ALLOWED[run.phase]
    if type(command) not in allowed:
        raise TransitionRefused(
            subject=run.run_id,
            phase=run.phase,
            attempted=type(command).__name__,
            allowed=[each.__name__ for each in allowed],
        )


def _detected(
    run: Run, violations: Iterable[Violation]
) -> tuple[IntegrityViolationDetected, ...]:
    return tuple(
        IntegrityViolationDetected(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            suite_id=run.suite_id,
            condition=each,
        )
        for each in violations
    )


def _new(run: Run, identifier: T | None) -> T | None:
    """Return the identifier, unless the bundle is associated with it already."""
    return None if identifier in run.associated else identifier


def _span_ms(first: str, last: str) -> int:
    """Return the time between two moments, as RFC 3339 says them."""
    span = datetime.fromisoformat(last) - datetime.fromisoformat(first)
    return round(span.total_seconds() * 1000)
