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
    manifest_of,
)
from sr_core.domain import (
    approval,
    candidate,
    decision,
    dossier,
    freeze,
    governed_exception,
    governor,
    iteration,
    loop,
    run,
)
from sr_core.domain.actors import Actor
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.budget import BudgetChange
from sr_core.domain.decision import DecisionKind, DecisionScope
from sr_core.domain.dossier import Dossier
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.evidence import (
    Artifact,
    BundleReading,
    EvidenceManifest,
    OracleResult,
    PartState,
    ResultStatus,
    verdict_of,
)
from sr_core.domain.ids import (
    ApprovalId,
    BundleId,
    DecisionId,
    ExceptionId,
    FreezeId,
    IterationId,
    OracleId,
    RunId,
    build_candidate_id,
    parse_governor_decision_id,
)
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.domain.integrity import Portal as PortalName
from sr_core.domain.iteration import IterationCommand, IterationOutcome
from sr_core.domain.loop import Budgets, LoopCommand
from sr_core.domain.oracle_suite import (
    OracleSuiteRegistered,
    SuiteDefinition,
)
from sr_core.domain.profile import STRICT_CORE, Profile
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.summary_claims import told_by_the_log
from sr_core.domain.verification import SuiteFacts
from sr_core.testing.values import (
    AGENT,
    BUILD,
    DIRECTIVE,
    FILES,
    HUMAN,
    LOOP_1,
    NOON,
    PLATFORM,
    SYSTEM,
    CountingIds,
    build_suite,
    register,
)


@dataclass(kw_only=True)
class Story:
    """One loop and what became of it, told by giving commands to the rules.

    `said` of a run holds what differs from PASS; None is an oracle that said nothing.
    `cured` are the triggers whose cause the story has mended.
    """

    suite: OracleSuiteRegistered = field(
        default_factory=lambda: register(build_suite())
    )
    profile: Profile = STRICT_CORE
    now: datetime = NOON
    dossier: Dossier = field(default_factory=Dossier)
    log: list[DomainEvent] = field(default_factory=list)
    readings: dict[ContentHash, BundleReading] = field(default_factory=dict)
    cured: frozenset[StopTrigger] = frozenset()
    ids: CountingIds = field(default_factory=CountingIds)

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
    def waiver(self) -> governed_exception.Waiver:
        """The latest waiver."""
        return [*self.dossier.waivers.values()][-1]

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
        return (
            SuiteFacts(
                suite_id=self.suite.suite_id,
                registered=self.suite,
                run=latest,
                reading=found,
            ),
        )

    @property
    def active_exceptions(self) -> tuple[ExceptionId, ...]:
        """The waivers in force for the latest candidate."""
        return self.dossier.active_waivers(self.candidate.candidate_id, now=self.now)

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
            loop_id=LOOP_1,
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

    def begin_run(self) -> Self:
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
        )
        return self.record(run.start(self.loop, command))

    def judge(
        self,
        said: Mapping[OracleId, ResultStatus | None] | None = None,
        *,
        violations: Mapping[IntegrityCondition, str] | None = None,
    ) -> Self:
        """Have the suite judge the latest candidate."""
        self.begin_run()
        manifest = build_manifest(self.run, self.suite.definition, said or {})
        manifest_hash = hash_bytes(canonical(manifest))
        self.readings[manifest_hash] = BundleReading(
            content_hash=manifest_hash, lost={}, manifest=manifest
        )
        command = run.RecordEvidence(
            manifest=manifest, manifest_hash=manifest_hash, violations=violations or {}
        )
        return self.record(run.record(self.run, command))

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
            now=self.now,
        )

    def gate(self) -> Ruling:
        """Return what a gate would find of the latest candidate."""
        return dossier.gate(
            self.dossier,
            self.candidate.candidate_id,
            self.facts,
            profile=self.profile,
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

    def draw_up_waiver(self, oracle: str = BUILD) -> Self:
        """Draw up a waiver of the oracle's failure, for an hour."""
        judged = self.dossier.run_judging_by(
            self.candidate.candidate_id, OracleId(oracle)
        )
        command = governed_exception.CreateWaiver(
            by=HUMAN,
            exception_id=ExceptionId(self.ids.fresh("exc")),
            candidate_id=self.candidate.candidate_id,
            target=oracle,
            rationale="known and harmless",
            expires_at=self.now + timedelta(hours=1),
            now=self.now,
        )
        return self.record(governed_exception.create(judged, self.required, command))

    def waive(self, oracle: str = BUILD) -> Self:
        """Draw up a waiver and bring it into force."""
        self.draw_up_waiver(oracle)
        judged = self.dossier.run_judging_by(
            self.candidate.candidate_id, OracleId(oracle)
        )
        return self.record(
            governed_exception.activate(self.waiver, judged, self.required, HUMAN)
        )

    def approve(
        self,
        said: ApprovalDecision = ApprovalDecision.APPROVED,
        *,
        portal: PortalName = PortalName.RELEASE,
    ) -> Self:
        """Approve the latest candidate, all its evidence cited."""
        evidence = self.dossier.evidence_of(self.candidate.candidate_id)
        command = approval.RecordApproval(
            by=HUMAN,
            approval_id=ApprovalId(self.ids.fresh("appr")),
            portal=portal,
            decision=said,
            evidence=evidence,
            exceptions_acknowledged=self.active_exceptions,
            rationale="as reviewed",
        )
        return self.record(
            approval.decide(
                self.candidate,
                command,
                recorded_evidence=evidence,
                active_exceptions=self.active_exceptions,
            )
        )

    def freeze(self) -> Self:
        """Fix the latest candidate, on the strength of the latest approval."""
        command = freeze.CreateFreeze(
            by=HUMAN,
            freeze_id=FreezeId(self.ids.fresh("freeze")),
            baseline_id="baseline:1",
        )
        return self.record(
            freeze.decide(
                self.candidate,
                command,
                run=self.run,
                approval=self.approval,
                active_exceptions=self.active_exceptions,
            )
        )


def build_full_story() -> Story:
    """Return a story in which everything happens that can; it ends closed."""
    story = Story().open().iterate()
    story.give_iteration(iteration.BeginIteration(by=AGENT)).register().govern()
    story.judge({BUILD: ResultStatus.FAIL}).waive().verify().approve().freeze()
    story.record(governed_exception.resolve(story.waiver, HUMAN))
    story.judge(violations={IntegrityCondition.ORACLE_FLAKE: "as seen"})
    story.lose_evidence().verify().begin_run()
    story.record(run.fail(story.run, reason="no sandbox"))
    story.complete(IterationOutcome.FAILURE).judge().verify()
    decided = [story.judge_stop(each) for each in sorted(story.loop.stops)]
    story.resume(decided[0]).give(loop.PauseLoop(by=HUMAN)).resume()
    raised = loop.UpdateLoop(by=HUMAN, budgets=BudgetChange(max_iterations=9))
    story.give(raised).iterate()
    story.give_iteration(iteration.FailIteration(by=SYSTEM, reason="no worker"))
    story.stop(StopTrigger.BUDGET_EXHAUSTED)
    return story.give(loop.CloseLoop(by=HUMAN))


def build_manifest(
    started: run.Run,
    suite: SuiteDefinition,
    said: Mapping[OracleId, ResultStatus | None],
) -> EvidenceManifest:
    """Return the manifest of a run whose oracles passed, except as `said`."""
    statuses = {
        each.oracle_id: said.get(each.oracle_id, ResultStatus.PASS)
        for each in suite.oracles
    }
    results = tuple(
        OracleResult(
            oracle_id=each.oracle_id,
            classification=each.classification,
            status=status,
            summary=f"{status}, as told",
            started_at="2026-01-09T12:00:00.000000Z",
            finished_at="2026-01-09T12:00:01.000000Z",
            artifacts=(f"{each.oracle_id}/report.json",),
        )
        for each in suite.oracles
        if (status := statuses[each.oracle_id]) is not None
    )
    silent = {name: "as told" for name, status in statuses.items() if status is None}
    return EvidenceManifest(
        bundle_id=BundleId(f"bundle_{started.run_id.removeprefix('run_')}"),
        run_id=started.run_id,
        candidate_id=started.candidate_id,
        loop_id=started.loop_id,
        iteration_id=started.iteration_id,
        oracle_suite_id=started.suite_id,
        oracle_suite_hash=started.suite_hash,
        results=results,
        unanswered=silent,
        artifacts=tuple(
            Artifact(
                name=name,
                media_type="application/json",
                size=len(name),
                content_hash=hash_bytes(name.encode()),
            )
            for result in results
            for name in result.artifacts
        ),
        environment_fingerprint={"sandbox": "told"},
        verdict=verdict_of([each.status for each in results], unanswered=silent),
        produced_by=PLATFORM.actor_id,
        produced_at="2026-01-09T12:00:02.000000Z",
    )
