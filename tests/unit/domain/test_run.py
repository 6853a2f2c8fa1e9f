"""The run: who starts it, when, and what is recorded of its end (SPEC 4.2, C-OR-2)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor
from sr_core.domain.errors import AuthorityRequired, BudgetExhausted, TransitionRefused
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import OracleId, RunId
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.domain.loop import Budgets, CloseLoop, PauseLoop
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    RecordEvidence,
    RunCompleted,
    RunFailed,
    RunOutcome,
    RunPhase,
    RunStarted,
    StartRun,
    evolve,
    fail,
    record,
    start,
)
from sr_core.testing import (
    AGENT,
    BUILD,
    HUMAN,
    NOON,
    SBOM,
    SOME_HASH,
    SYSTEM,
    Story,
    build_manifest,
    ulid,
)

RUN = RunId(f"run_{ulid(99)}")


def starting(story: Story, *, by: Actor = SYSTEM, cures: bool = False) -> StartRun:
    return StartRun(
        now=NOON,
        by=by,
        run_id=RUN,
        candidate_id=story.candidate.candidate_id,
        iteration_id=story.candidate.iteration_id,
        suite=story.suite,
        cures=cures,
    )


@pytest.fixture
def made() -> Story:
    """A candidate that nothing has judged yet."""
    return Story().open().iterate().register()


class TestStart:
    """C-OR-2: the system starts it and pins the suite."""

    def test_it_pins_the_suite_by_its_hash(self, made):
        events = start(made.loop, starting(made))

        assert events == (
            RunStarted(
                run_id=RUN,
                candidate_id=made.candidate.candidate_id,
                oracle_suite_id=made.suite.suite_id,
                oracle_suite_hash=made.suite.suite_hash,
                loop_id=made.loop.loop_id,
                iteration_id=made.iteration.iteration_id,
            ),
        )

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=str)
    def test_nobody_but_the_system_starts_one(self, made, by):
        with pytest.raises(AuthorityRequired, match="starting a run needs"):
            start(made.loop, starting(made, by=by))

    def test_a_stopped_loop_allows_the_run_that_cures(self, made):
        made.stop(StopTrigger.ORACLE_GAP)

        assert start(made.loop, starting(made, cures=True))

    def test_a_stopped_loop_allows_no_other(self, made):
        made.stop(StopTrigger.ORACLE_GAP)

        with pytest.raises(TransitionRefused) as refused:
            start(made.loop, starting(made))

        assert str(refused.value) == (
            f"{made.loop.loop_id} is PAUSED, which refuses StartRun. "
            "From PAUSED it allows a run that cures an integrity condition."
        )

    def test_a_loop_held_by_hand_allows_none(self, made):
        made.give(PauseLoop(by=HUMAN))

        with pytest.raises(TransitionRefused, match="PAUSED, which refuses StartRun"):
            start(made.loop, starting(made, cures=True))

    def test_a_closed_loop_allows_none(self, made):
        made.give(CloseLoop(by=HUMAN))

        with pytest.raises(TransitionRefused, match="From CLOSED it allows nothing"):
            start(made.loop, starting(made, cures=True))

    def test_the_last_one_within_the_budget_starts(self):
        story = Story().open(Budgets(max_oracle_runs=2)).iterate().register().judge()

        assert start(story.loop, starting(story))

    def test_one_past_the_budget_does_not(self):
        story = Story().open(Budgets(max_oracle_runs=1)).iterate().register().judge()

        with pytest.raises(
            BudgetExhausted, match="max_oracle_runs is 1 and 1 are used"
        ):
            start(story.loop, starting(story))


def ended(
    story: Story,
    said: Mapping[OracleId, ResultStatus | None] | None = None,
    violations: Mapping[IntegrityCondition, str] | None = None,
) -> RecordEvidence:
    manifest = build_manifest(story.run, story.suite.definition, said or {})
    return RecordEvidence(
        manifest=manifest, manifest_hash=SOME_HASH, violations=violations or {}
    )


class TestEnd:
    """C-EVID-1: an end is its bundle, what is wrong with it, and the outcome."""

    def test_oracles_that_all_passed_make_a_success(self, made):
        run = made.begin_run().run

        recorded, completed = record(run, ended(made))

        assert recorded == EvidenceBundleRecorded(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            bundle_id=ended(made).manifest.bundle_id,
            content_hash=SOME_HASH,
            oracle_suite_id=run.suite_id,
            oracle_suite_hash=run.suite_hash,
            verdict=ResultStatus.PASS,
            results={
                each.oracle_id: ResultStatus.PASS
                for each in made.suite.definition.oracles
            },
            artifact_count=4,
        )
        assert completed == RunCompleted(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            outcome=RunOutcome.SUCCESS,
            evidence_bundle_hash=SOME_HASH,
        )

    @pytest.mark.parametrize("status", [ResultStatus.FAIL, ResultStatus.ERROR, None])
    def test_one_that_did_not_makes_a_failure(self, made, status):
        run = made.begin_run().run

        *_, completed = record(run, ended(made, {BUILD: status}))

        assert isinstance(completed, RunCompleted)
        assert completed.outcome is RunOutcome.FAILURE

    def test_a_violation_makes_a_failure_of_a_pass(self, made):
        run = made.begin_run().run
        violations = {
            IntegrityCondition.ORACLE_TAMPER: "another suite",
            IntegrityCondition.ORACLE_GAP: "a silence",
        }

        _, *violated, completed = record(run, ended(made, violations=violations))

        assert violated == [
            IntegrityViolationDetected(
                run_id=run.run_id,
                candidate_id=run.candidate_id,
                oracle_suite_id=run.suite_id,
                condition=condition,
                detail=violations[condition],
                requires_escalation=True,
            )
            for condition in sorted(violations)
        ]
        assert isinstance(completed, RunCompleted)
        assert completed.outcome is RunOutcome.FAILURE

    def test_a_run_that_could_not_be_carried_out_fails_with_its_reason(self, made):
        run = made.begin_run().run

        events = fail(run, reason="no sandbox")

        assert events == (
            RunFailed(
                run_id=run.run_id, candidate_id=run.candidate_id, reason="no sandbox"
            ),
        )

    def test_what_has_completed_does_not_end_again(self, judged):
        with pytest.raises(TransitionRefused, match="COMPLETED, which refuses Record"):
            record(judged.run, ended(judged))

    def test_what_has_failed_does_not_end_again(self, made):
        made.begin_run()
        made.record(fail(made.run, reason="no sandbox"))

        with pytest.raises(TransitionRefused, match="FAILED, which refuses FailRun"):
            fail(made.run, reason="again")

    def test_evidence_of_another_run_is_a_bug(self, made):
        run = made.begin_run().run
        command = ended(made)
        foreign = replace(command.manifest, run_id=RUN)

        with pytest.raises(AssertionError, match="the run that it was given"):
            record(run, replace(command, manifest=foreign))


class TestState:
    """C-EVT-7: the state is what the events make it."""

    def test_a_completed_run_knows_its_evidence_and_results(self, made):
        made.judge({SBOM: ResultStatus.FAIL})

        assert made.run.phase is RunPhase.COMPLETED
        assert made.run.evidence in made.readings
        assert made.run.results[SBOM] is ResultStatus.FAIL

    def test_it_remembers_every_violation(self, made):
        gap, tamper = IntegrityCondition.ORACLE_GAP, IntegrityCondition.ORACLE_TAMPER

        made.judge(violations={gap: "a silence", tamper: "another suite"})

        assert made.run.conditions == {gap, tamper}

    def test_a_failed_one_has_no_evidence(self, made):
        made.begin_run()
        made.record(fail(made.run, reason="no sandbox"))

        assert made.run.phase is RunPhase.FAILED
        assert made.run.evidence is None

    def test_it_is_opened_once(self, made):
        made.begin_run()

        with pytest.raises(AssertionError, match="RunStarted opens a run"):
            evolve(made.run, made.log[-1])

    def test_nothing_comes_before_its_start(self, judged):
        with pytest.raises(AssertionError, match="follows RunStarted"):
            evolve(None, judged.log[-1])
