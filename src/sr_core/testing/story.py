"""A story: one loop, told by giving commands to the rules.

It stands on real decisions only: no test can begin from a state that the rules do not
lead to. Each act of a story changes it and returns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from sr_core.codec.canonical import canonical
from sr_core.codec.evidence import (
    hash_candidate,
    hash_environment,
    hash_outputs,
    hash_suite,
    manifest_of,
)
from sr_core.domain import (
    approval,
    candidate,
    decision,
    dossier,
    exception_terms,
    freeze,
    governed_exception,
    governor,
    iteration,
    loop,
    oracle_suite,
    run,
)
from sr_core.domain.actors import Actor
from sr_core.domain.approval import ApprovalDecision, Reviewed
from sr_core.domain.budget import BudgetChange
from sr_core.domain.decision import DecisionKind, DecisionScope
from sr_core.domain.dossier import Dossier
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.evidence import (
    BundleReading,
    PartState,
    ResultStatus,
)
from sr_core.domain.exception_scope import (
    ExceptionKind,
    ExceptionScope,
    Place,
    ScopeKind,
)
from sr_core.domain.exception_terms import (
    Circumstances,
    DeferralTerms,
    DeviationTerms,
    Terms,
    WaiverTerms,
)
from sr_core.domain.freeze import Basis, FrozenArtifact, FrozenException
from sr_core.domain.governed_exception import (
    ActivateException,
    GovernedException,
    ResolveException,
)
from sr_core.domain.ids import (
    ApprovalId,
    DecisionId,
    ExceptionId,
    FreezeId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    build_candidate_id,
    parse_governor_decision_id,
)
from sr_core.domain.integrity import Portal as PortalName
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import IterationCommand, IterationOutcome
from sr_core.domain.loop import Budgets, LoopCommand
from sr_core.domain.oracle_suite import OracleSuite, SuiteDefinition
from sr_core.domain.profile import STRICT_CORE, Profile
from sr_core.domain.ref_builders import candidate_ref
from sr_core.domain.refs import ContentHash, RefRelation, hash_bytes
from sr_core.domain.run import CompleteRun, Execution, Run
from sr_core.domain.summary_claims import told_by_the_log
from sr_core.domain.verification import SuiteFacts, VerificationScope
from sr_core.domain.violation import Violation, flaky
from sr_core.ports.clock import IdSource
from sr_core.testing.documents import DIRECTIVE
from sr_core.testing.manifests import build_manifest
from sr_core.testing.values import (
    AGENT,
    BUILD,
    FILES,
    FINGERPRINT,
    HUMAN,
    LOOP_1,
    NOON,
    SOME_HASH,
    SYSTEM,
    CountingIds,
    build_suite,
    register,
    with_longer_timeouts,
)

A_FLAKE = flaky(BUILD, "as seen", first=SOME_HASH, second=hash_bytes(b"other bytes"))


@dataclass(kw_only=True)
class Story:
    """One loop and what became of it, told by giving commands to the rules.

    `said` of a run holds what differs from PASS; None is an oracle that said nothing.
    `cured` are the triggers whose cause the story has mended.
    """

    loop_id: LoopId = LOOP_1
    suite: OracleSuite = field(default_factory=lambda: register(build_suite()))
    profile: Profile = STRICT_CORE
    now: datetime = NOON
    dossier: Dossier = field(default_factory=Dossier)
    log: list[DomainEvent] = field(default_factory=list)
    readings: dict[ContentHash, BundleReading] = field(default_factory=dict)
    cured: frozenset[StopTrigger] = frozenset()
    ids: IdSource = field(default_factory=CountingIds)
    pinned: dict[RunId, ContentHash] = field(default_factory=dict)
    """What was registered when each run started."""

    @property
    def loop(self) -> loop.Loop:
        """The loop as it stands."""
        return self.dossier.the_loop()

    @property
    def iteration(self) -> iteration.Iteration:
        """The latest iteration."""
        return [*self.dossier.iterations.values()][-1]

    @property
    def candidate(self) -> candidate.Candidate:
        """The latest candidate."""
        return [*self.dossier.candidates.values()][-1]

    @property
    def run(self) -> run.Run:
        """The latest run."""
        return [*self.dossier.runs.values()][-1]

    @property
    def reading(self) -> BundleReading:
        """What a read of the latest run's evidence finds."""
        assert self.run.evidence is not None, "the latest run has left evidence"
        return self.readings[self.run.evidence]

    @property
    def exception(self) -> GovernedException:
        """The latest exception."""
        return [*self.dossier.exceptions.values()][-1]

    @property
    def approval(self) -> approval.ApprovalRecorded:
        """The latest approval."""
        return [*self.dossier.approvals.values()][-1]

    @property
    def required(self) -> frozenset[OracleId]:
        """The oracles whose word decides."""
        return self.suite.definition.required

    @property
    def facts(self) -> tuple[SuiteFacts, ...]:
        """What a fresh look at the latest candidate's evidence finds."""
        latest = self.dossier.latest_run(
            self.candidate.candidate_id, self.suite.suite_id
        )
        found = self.readings[latest.evidence] if latest and latest.evidence else None
        earlier = latest and self.dossier.runs_like(
            latest,
            content_hash=self.candidate.content_hash,
            environment_hash=latest.environment_hash,
        )
        return (
            SuiteFacts(
                suite_id=self.suite.suite_id,
                registered=self.suite,
                defined_hash=hash_suite(self.suite.definition),
                run=latest,
                reading=found,
                hash_at_start=self.pinned[latest.run_id] if latest else None,
                earlier=earlier or (),
            ),
        )

    @property
    def active_exceptions(self) -> Mapping[ExceptionId, ExceptionKind]:
        """The exceptions in force for the latest candidate."""
        return self.dossier.active_exceptions(self.place, now=self.now)

    def record(self, events: Iterable[DomainEvent]) -> Self:
        """Fold what was decided."""
        for event in events:
            self.dossier = dossier.evolve(self.dossier, event)
            self.log.append(event)
        return self

    def create(self, budgets: Budgets | None = None) -> Self:
        """Open the loop."""
        command = loop.CreateLoop(
            by=HUMAN,
            loop_id=self.loop_id,
            goal="a goal",
            budgets=budgets or Budgets(),
            directive=DIRECTIVE,
        )
        return self.give(command)

    def open(self, budgets: Budgets | None = None) -> Self:
        """Open the loop and activate it."""
        self.create(budgets)
        return self.give(loop.ActivateLoop(by=HUMAN, now=self.now))

    def give(self, command: LoopCommand) -> Self:
        """Give a command to the loop."""
        return self.record(loop.decide(self.dossier.loop, command))

    def stop(self, trigger: StopTrigger) -> Self:
        """Stop the loop."""
        return self.record(loop.stop(self.loop, trigger, condition="as told"))

    def judge_stop(
        self,
        trigger: StopTrigger,
        kind: DecisionKind = DecisionKind.PROCEED,
        *,
        by: Actor = HUMAN,
    ) -> DecisionId:
        """Record a decision about a stop, and return its identifier."""
        command = decision.RecordDecision(
            by=by,
            decision_id=DecisionId(self.ids.fresh("dec")),
            trigger=trigger,
            scope=DecisionScope(loop_id=self.loop.loop_id),
            decision="As said by its kind",
            kind=kind,
            rationale="as weighed",
        )
        self.record(decision.decide(command))
        return command.decision_id

    def resume(self, decision_id: DecisionId | None = None) -> Self:
        """Let the loop go on."""
        return self.give(
            loop.ResumeLoop(
                by=HUMAN,
                now=self.now,
                decision_id=decision_id,
                standing=self.dossier.standing(),
                cured=self.cured,
            )
        )

    def iterate(self) -> Self:
        """Start an iteration."""
        fresh = IterationId(self.ids.fresh("iter"))
        return self.give(
            loop.StartIteration(
                by=SYSTEM, now=self.now, iteration_id=fresh, refs=(DIRECTIVE,)
            )
        )

    def complete(self, outcome: IterationOutcome = IterationOutcome.SUCCESS) -> Self:
        """End the latest iteration, and stop the loop if that is due."""
        summary = told_by_the_log(self.dossier, self.iteration.iteration_id, "done")
        return self.give_iteration(
            iteration.CompleteIteration(by=AGENT, outcome=outcome, summary=summary)
        )

    def give_iteration(self, command: IterationCommand) -> Self:
        """Give a command to the latest iteration, and stop the loop if that is due."""
        self.record(iteration.decide(self.iteration, command))
        return self.record(loop.stops_due(self.loop, now=self.now))

    def register(self, files: Mapping[str, bytes] = FILES) -> Self:
        """Register a candidate, made by the latest iteration."""
        manifest = manifest_of(files)
        fresh = self.ids.fresh("cand")
        command = candidate.RegisterCandidate(
            by=AGENT,
            candidate_id=build_candidate_id(hash_candidate(manifest), fresh=fresh),
            manifest=manifest,
        )
        return self.record(candidate.decide(self.loop, self.iteration, command))

    def begin_run(self, execution: Execution = Execution.PLATFORM) -> Self:
        """Start a run of the suite over the latest candidate."""
        standing = self.dossier.standing_against(self.candidate.candidate_id)
        command = run.StartRun(
            by=SYSTEM,
            now=self.now,
            run_id=RunId(self.ids.fresh("run")),
            candidate_id=self.candidate.candidate_id,
            iteration_id=self.candidate.iteration_id,
            suite=self.suite,
            cures=bool(standing),
            execution=execution,
        )
        self.record(run.start(self.loop, command))
        self.pinned[command.run_id] = self.suite.suite_hash
        return self

    def judge(
        self,
        said: Mapping[OracleId, ResultStatus | None] | None = None,
        *,
        violations: tuple[Violation, ...] = (),
        fingerprint: Mapping[str, str] = FINGERPRINT,
    ) -> Self:
        """Have the suite judge the latest candidate."""
        return (
            self.begin_run()
            .leave(said, violations=violations, fingerprint=fingerprint)
            .complete_run()
        )

    def leave(
        self,
        said: Mapping[OracleId, ResultStatus | None] | None = None,
        *,
        violations: tuple[Violation, ...] = (),
        fingerprint: Mapping[str, str] = FINGERPRINT,
    ) -> Self:
        """Record the evidence of the latest run."""
        manifest = build_manifest(
            self.run, self.suite.definition, said or {}, fingerprint=fingerprint
        )
        manifest_hash = hash_bytes(canonical(manifest))
        self.readings[manifest_hash] = BundleReading(
            content_hash=manifest_hash, lost={}, manifest=manifest
        )
        command = run.RecordEvidence(
            manifest=manifest,
            manifest_hash=manifest_hash,
            environment_hash=hash_environment(fingerprint),
            output_hashes=hash_outputs(manifest, self.suite.definition),
            violations=violations,
        )
        return self.record(run.record(self.run, command))

    def begin_execution(self) -> Self:
        """Say that the latest run's oracles are being run."""
        command = run.BeginRun(
            workspace_path="/candidate", started_at="2026-01-09T12:00:00.000000Z"
        )
        return self.record(run.begin(self.run, command))

    def complete_run(self, command: CompleteRun | None = None) -> Self:
        """End the latest run, as its evidence says."""
        return self.record(run.complete(self.run, command or CompleteRun(by=SYSTEM)))

    def fail_run(self, reason: str = "broke") -> Self:
        """End the latest run with nothing judged."""
        command = run.FailRun(
            by=SYSTEM, reason=reason, ended_at="2026-01-09T12:00:02.000000Z"
        )
        return self.record(run.fail(self.run, command))

    def associate(self) -> Self:
        """Associate the latest run's evidence with all there is to name."""
        assert self.run.evidence is not None, "the latest run has left evidence"
        command = run.Associate(
            by=SYSTEM,
            run_id=self.run.run_id,
            candidate_id=self.candidate.candidate_id,
            iteration_id=self.iteration.iteration_id,
        )
        return self.record(run.associate(self.run, self.run.evidence, command))

    def rebase(self, definition: SuiteDefinition) -> Self:
        """Define the suite anew."""
        command = oracle_suite.RebaseSuite(
            by=HUMAN,
            definition=definition,
            suite_hash=hash_suite(definition),
            rationale="as decided",
        )
        (event,) = oracle_suite.decide(self.suite, command)
        self.suite = oracle_suite.evolve(self.suite, event)
        return self

    def lose_evidence(self, part: str = "manifest.json") -> Self:
        """Let the latest run's evidence be unreadable from now on."""
        kept = None if part == "manifest.json" else self.reading.manifest
        lost = {part: PartState.MISSING}
        self.readings[self.reading.content_hash] = replace(
            self.reading, lost=lost, manifest=kept
        )
        return self

    def verify(self) -> Self:
        """Verify the latest candidate, whatever comes of it."""
        return self.record(self.ruling().events)

    def ruling(self) -> Ruling:
        """Return what a verification of the latest candidate would record."""
        return dossier.verify(
            self.dossier,
            self.candidate.candidate_id,
            self.facts,
            profile=self.profile,
            scope=VerificationScope(work_unit_id=self.dossier.work_unit_id),
            now=self.now,
            because="it was asked for",
        )

    def gate(self) -> Ruling:
        """Return what a gate would find of the latest candidate."""
        return dossier.gate(
            self.dossier,
            self.candidate.candidate_id,
            self.facts,
            profile=self.profile,
            scope=VerificationScope(work_unit_id=self.dossier.work_unit_id),
            now=self.now,
        )

    def govern(self) -> Self:
        """Let the governor look at the loop while its iteration is open."""
        situation = governor.LoopSituation(
            loop_id=self.loop.loop_id,
            phase=self.loop.phase,
            now=self.now,
            burns=(),
            open_iteration=self.loop.open_iteration,
        )
        decision_id = parse_governor_decision_id(self.ids.fresh("gdec"))
        found = governor.evaluate(situation)
        return self.record(
            governor.record(found, self.dossier.governed, decision_id=decision_id)
        )

    def recomputed(self, because: str = "a run was completed") -> Ruling:
        """Return what something that happened changes in the verification."""
        return dossier.recompute(
            self.dossier,
            self.candidate.candidate_id,
            self.facts,
            profile=self.profile,
            scope=VerificationScope(work_unit_id=self.dossier.work_unit_id),
            now=self.now,
            because=because,
        )

    @property
    def place(self) -> Place:
        """Where the latest candidate stands, as exceptions see it."""
        return Place(
            loop_id=self.loop.loop_id,
            work_unit_id=self.dossier.work_unit_id,
            candidate_id=self.candidate.candidate_id,
        )

    def draw_up(self, terms: Terms, scope: ExceptionScope) -> Self:
        """Draw up an exception, for an hour."""
        command = exception_terms.CreateException(
            by=HUMAN,
            exception_id=ExceptionId(self.ids.fresh("exc")),
            scope=scope,
            rationale="known and harmless",
            target_description="as told",
            expires_at=self.now + timedelta(hours=1),
            now=self.now,
            terms=terms,
        )
        seen = Circumstances(
            runs=self.judging(terms.target) if isinstance(terms, WaiverTerms) else (),
            required=self.required,
            standing=self.dossier.standing(),
        )
        return self.record(exception_terms.create(command, seen))

    def judging(self, oracle: str) -> tuple[Run | None, ...]:
        """Return the latest candidate's latest run that judged by the oracle."""
        found = self.dossier.run_judging_by(
            self.candidate.candidate_id, OracleId(oracle)
        )
        return (found,)

    def draw_up_waiver(self, oracle: str = BUILD) -> Self:
        """Draw up a waiver of the oracle's failure on the latest candidate."""
        terms = WaiverTerms(
            target=oracle,
            gate_id="G-VERIFIED-STRICT",
            risk="none that matters",
            mitigation="watched",
            resolution_criteria="mended in the next iteration",
        )
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE,
            candidate_id=self.candidate.candidate_id,
        )
        return self.draw_up(terms, scope)

    def draw_up_deviation(self) -> Self:
        """Draw up a deviation for the loop."""
        terms = DeviationTerms(
            requirement_ref="SR-SPEC 3.1",
            risk="none that matters",
            mitigation="watched",
            resolution_criteria="done as required",
        )
        return self.draw_up(terms, self._whole_loop())

    def draw_up_deferral(self) -> Self:
        """Draw up a deferral for the loop."""
        terms = DeferralTerms(
            subject_ref=DIRECTIVE,
            compensating_controls="watched",
            target_deliverable="D-35",
        )
        return self.draw_up(terms, self._whole_loop())

    def activate(self) -> Self:
        """Bring the latest exception into force."""
        known = self.exception
        return self.record(
            governed_exception.activate(
                known,
                ActivateException(by=HUMAN, now=self.now, standing=frozenset()),
                runs=self.judging(known.cover.oracle_id) if known.cover else (),
                required=self.required,
            )
        )

    def resolve(self) -> Self:
        """Lift the latest exception."""
        command = ResolveException(by=HUMAN, resolution_notes="mended")
        return self.record(governed_exception.resolve(self.exception, command))

    def lapse(self) -> Self:
        """Let the end of every exception come, and be noted."""
        self.now = max(each.expires_at for each in self.dossier.exceptions.values())
        known = self.dossier.exceptions.values()
        return self.record(governed_exception.lapsed(known, now=self.now))

    def waive(self, oracle: str = BUILD) -> Self:
        """Draw up a waiver and bring it into force."""
        return self.draw_up_waiver(oracle).activate()

    def approve(
        self,
        said: ApprovalDecision = ApprovalDecision.APPROVED,
        *,
        portal: PortalName = PortalName.RELEASE,
    ) -> Self:
        """Approve the latest candidate, all its evidence cited."""
        command = approval.RecordApproval(
            by=HUMAN,
            approval_id=ApprovalId(self.ids.fresh("appr")),
            portal=portal,
            decision=said,
            subjects=(candidate_ref(self.candidate.candidate_id, RefRelation.ABOUT),),
            evidence=self.dossier.evidence_of(self.candidate.candidate_id),
            exceptions_acknowledged=tuple(self.active_exceptions),
            rationale="as reviewed",
        )
        return self.record(approval.decide(command, self.reviewed))

    @property
    def reviewed(self) -> Reviewed:
        """What an approval of the latest candidate is decided over."""
        candidate_id = self.candidate.candidate_id
        return Reviewed(
            recorded=self.dossier.evidence_of(candidate_id),
            active=self.active_exceptions,
            known=self.active_exceptions,
            standing=self.dossier.standing_against(candidate_id),
            candidate=self.candidate,
            made_by=AGENT,
        )

    def freeze(self) -> Self:
        """Fix the latest candidate, on the strength of the latest approval."""
        command = freeze.CreateFreeze(
            by=HUMAN,
            freeze_id=FreezeId(self.ids.fresh("freeze")),
            baseline_id="baseline:1",
        )
        return self.record(freeze.decide(self.candidate, command, self.basis))

    @property
    def basis(self) -> Basis:
        """What a freeze of the latest candidate is computed from."""
        latest = self.dossier.latest_run(
            self.candidate.candidate_id, self.suite.suite_id
        )
        return Basis(
            runs=(latest,),
            approval=self.approval,
            active=tuple(
                FrozenException(exception_id=name, kind=kind)
                for name, kind in self.active_exceptions.items()
            ),
            governed=(
                FrozenArtifact(
                    artifact_id=DIRECTIVE.id,
                    content_hash=ContentHash(DIRECTIVE.meta["content_hash"]),
                    version=DIRECTIVE.meta["version"],
                ),
            ),
        )

    def _whole_loop(self) -> ExceptionScope:
        return ExceptionScope(scope_kind=ScopeKind.PER_LOOP, loop_id=self.loop.loop_id)


def build_full_story(story: Story | None = None) -> Story:
    """Return a story in which everything happens that can; it ends closed."""
    story = (story or Story()).open().iterate()
    story.give_iteration(iteration.BeginIteration(by=AGENT)).register().govern()
    story.judge({BUILD: ResultStatus.FAIL}).waive()
    story.verify().approve().freeze().resolve()
    story.draw_up_deviation().activate().draw_up_deferral().activate().lapse()
    story.judge(violations=(A_FLAKE,)).associate()
    story.lose_evidence().verify().begin_run()
    story.begin_execution().fail_run("no sandbox")
    story.complete(IterationOutcome.FAILURE)
    story.rebase(with_longer_timeouts(story.suite.definition)).judge().verify()
    decided = [story.judge_stop(each) for each in sorted(story.loop.stops)]
    story.resume(decided[0]).give(loop.PauseLoop(by=HUMAN)).resume()
    raised = loop.UpdateLoop(by=HUMAN, budgets=BudgetChange(max_iterations=9))
    story.give(raised).iterate()
    story.give_iteration(iteration.FailIteration(by=SYSTEM, reason="no worker"))
    story.stop(StopTrigger.BUDGET_EXHAUSTED)
    return story.give(loop.CloseLoop(by=HUMAN))
