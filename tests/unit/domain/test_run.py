"""The run: who starts it, when, and what is recorded of its end (SPEC 4.2, C-OR-2)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor
from sr_core.domain.errors import (
    AuthorityRequired,
    BudgetExhausted,
    MalformedInput,
    TransitionRefused,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import OracleId, RunId
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.domain.judging_errors import (
    AssociationTaken,
    EvidenceMissing,
    EvidenceTaken,
    NotExternal,
    OutcomeMismatch,
    SuiteHashMismatch,
)
from sr_core.domain.loop import Budgets, CloseLoop, PauseLoop
from sr_core.domain.run import (
    Associate,
    CompleteRun,
    EvidenceBundleRecorded,
    Execution,
    FailRun,
    IntegrityViolationDetected,
    OracleExecutionCompleted,
    RecordEvidence,
    RunCompleted,
    RunFailed,
    RunOutcome,
    RunPhase,
    RunStarted,
    StartRun,
    associate,
    complete,
    evolve,
    fail,
    record,
    require_external,
    start,
)
from sr_core.domain.violation import Violation, gap
from sr_core.testing import (
    A_FLAKE,
    AGENT,
    BUILD,
    CORE,
    FINGERPRINT,
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
    violations: tuple[Violation, ...] = (),
) -> RecordEvidence:
    manifest = build_manifest(story.run, story.suite.definition, said or {})
    return RecordEvidence(
        manifest=manifest,
        manifest_hash=SOME_HASH,
        environment_hash=SOME_HASH,
        output_hashes={BUILD: SOME_HASH},
        violations=violations,
    )


class TestDeclaredSuite:
    """C-OR-2: the registered suite is pinned, whatever the caller takes it for."""

    def test_the_registered_hash_is_in_order(self, made):
        command = replace(starting(made), declared=made.suite.suite_hash)

        assert start(made.loop, command)

    def test_another_is_refused(self, made):
        with pytest.raises(SuiteHashMismatch, match="not as the declared"):
            start(made.loop, replace(starting(made), declared=SOME_HASH))


class TestEvidence:
    """C-EVID-1: what the oracles left, and what is wrong with it."""

    def test_it_is_recorded_whole(self, made):
        run = made.begin_run().run

        executed, recorded = record(run, ended(made))

        assert executed == OracleExecutionCompleted(
            run_id=run.run_id,
            candidate_id=run.candidate_id,
            suite_id=run.suite_id,
            status=ResultStatus.PASS,
            evidence_bundle_hash=SOME_HASH,
            environment_fingerprint=FINGERPRINT,
            duration_ms=1000,
            completed_at="2026-01-09T12:00:01.000000Z",
            error=None,
        )
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
            environment_hash=SOME_HASH,
            output_hashes={BUILD: SOME_HASH},
        )

    def test_each_violation_is_recorded_for_itself(self, made):
        run = made.begin_run().run
        violations = (A_FLAKE, gap(run.suite_id, "a silence"))

        _, _, *violated = record(run, ended(made, violations=violations))

        assert violated == [
            IntegrityViolationDetected(
                run_id=run.run_id,
                candidate_id=run.candidate_id,
                suite_id=run.suite_id,
                condition=each,
                requires_escalation=True,
            )
            for each in violations
        ]

    def test_a_run_leaves_one_bundle(self, made):
        made.begin_run().leave()

        with pytest.raises(EvidenceTaken, match=f"{made.run.run_id} has left"):
            record(made.run, ended(made))

    def test_evidence_of_another_run_is_a_bug(self, made):
        run = made.begin_run().run
        command = ended(made)
        foreign = replace(command.manifest, run_id=RUN)

        with pytest.raises(AssertionError, match="asked whose it is"):
            record(run, replace(command, manifest=foreign))


class TestEnd:
    """SPEC 4.2, C-TB-2: an end is what the evidence gives, whoever declares what."""

    @pytest.mark.parametrize(
        ("said", "violations", "outcome"),
        [
            ({}, (), RunOutcome.SUCCESS),
            ({SBOM: ResultStatus.FAIL}, (), RunOutcome.FAILURE),
            ({BUILD: ResultStatus.FAIL}, (), RunOutcome.FAILURE),
            ({BUILD: ResultStatus.ERROR}, (), RunOutcome.FAILURE),
            ({BUILD: None}, (), RunOutcome.FAILURE),
            ({}, (A_FLAKE,), RunOutcome.FAILURE),
        ],
        ids=["passed", "advisory failed", "failed", "erred", "silent", "flaked"],
    )
    def test_the_outcome_is_computed(self, made, said, violations, outcome):
        made.begin_run().leave(said, violations=violations)

        (completed,) = complete(made.run, CompleteRun(by=SYSTEM))

        assert completed == RunCompleted(
            run_id=made.run.run_id,
            candidate_id=made.run.candidate_id,
            outcome=outcome,
            evidence_bundle_hash=made.run.evidence,
        )
        with pytest.raises(OutcomeMismatch, match=f"gives {outcome}"):
            complete(made.run, CompleteRun(by=SYSTEM, outcome=other_than(outcome)))

    def test_declaring_what_is_true_is_in_order(self, made):
        made.begin_run().leave()
        command = CompleteRun(
            by=SYSTEM,
            outcome=RunOutcome.SUCCESS,
            evidence_bundle_hash=made.run.evidence,
        )

        assert complete(made.run, command)

    def test_declaring_another_bundle_is_not(self, made):
        made.begin_run().leave()
        command = CompleteRun(by=SYSTEM, evidence_bundle_hash=SOME_HASH)

        with pytest.raises(OutcomeMismatch, match=f"not the declared {SOME_HASH}"):
            complete(made.run, command)

    def test_without_evidence_there_is_no_outcome(self, made):
        made.begin_run()

        with pytest.raises(EvidenceMissing, match="none is recorded"):
            complete(made.run, CompleteRun(by=SYSTEM))

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=str)
    def test_nobody_but_the_system_ends_one(self, made, by):
        made.begin_run().leave()

        with pytest.raises(AuthorityRequired, match="completing a run needs"):
            complete(made.run, CompleteRun(by=by))
        with pytest.raises(AuthorityRequired, match="failing a run needs"):
            fail(made.run, failing(by=by))

    def test_a_run_that_could_not_be_carried_out_fails_with_its_reason(self, made):
        run = made.begin_run().run

        (failed,) = fail(run, failing())

        assert failed == RunFailed(
            run_id=run.run_id, candidate_id=run.candidate_id, reason="no sandbox"
        )

    def test_one_whose_oracles_were_running_breaks_them_off(self, made):
        run = made.begin_run().begin_execution().run

        broken_off, _ = fail(run, failing())

        assert isinstance(broken_off, OracleExecutionCompleted)
        assert broken_off.status is ResultStatus.ERROR
        assert broken_off.error == "no sandbox"
        assert broken_off.duration_ms == 2000
        assert broken_off.evidence_bundle_hash is None

    def test_one_that_has_left_evidence_has_ended_its_oracles(self, made):
        run = made.begin_run().begin_execution().leave().run

        assert [type(each) for each in fail(run, failing())] == [RunFailed]


COMMANDS = {
    "BeginRun": lambda story: story.begin_execution(),
    "RecordEvidence": lambda story: story.leave(),
    "CompleteRun": lambda story: story.complete_run(),
    "FailRun": lambda story: story.fail_run(),
}
ALLOWED = {
    RunPhase.STARTED: {"BeginRun", "RecordEvidence", "CompleteRun", "FailRun"},
    RunPhase.RUNNING: {"RecordEvidence", "CompleteRun", "FailRun"},
    RunPhase.COMPLETED: set(),
    RunPhase.FAILED: set(),
}


class TestTransitions:
    """SPEC 4.2: what each phase allows, and how it says so."""

    @pytest.fixture
    def at(self, made):
        """Brings a run into a phase."""

        def bring(phase):
            made.begin_run()
            if phase is RunPhase.RUNNING:
                made.begin_execution()
            elif phase is RunPhase.COMPLETED:
                made.leave().complete_run()
            elif phase is RunPhase.FAILED:
                made.fail_run()
            assert made.run.phase is phase
            return made

        return bring

    @pytest.mark.parametrize("phase", RunPhase)
    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_is_allowed_or_told_what_is(self, at, phase, name):
        story = at(phase)
        if name in ALLOWED[phase]:
            with suppress(EvidenceMissing):  # a phase may allow what evidence does not
                COMMANDS[name](story)
            return
        allowed = ", ".join(sorted(ALLOWED[phase])) or "nothing"
        with pytest.raises(TransitionRefused) as refused:
            COMMANDS[name](story)

        assert str(refused.value) == (
            f"{story.run.run_id} is {phase}, which refuses {name}. "
            f"From {phase} it allows {allowed}."
        )


class TestAssociation:
    """C-EVID-4: a bundle speaks of more than its run, and decides nothing by it."""

    @pytest.mark.parametrize("name", ["run_id", "candidate_id", "iteration_id"])
    def test_with_one_thing(self, judged, name):
        identifier = getattr(judged.run, name)

        (event,) = associate(
            judged.run, SOME_HASH, Associate(by=SYSTEM, **{name: identifier})
        )

        assert event.entities == {identifier}
        assert event.content_hash == SOME_HASH
        assert [each.id for each in event.refs] == [SOME_HASH, identifier]

    def test_with_nothing_is_malformed(self, judged):
        with pytest.raises(MalformedInput, match="association: found"):
            associate(judged.run, SOME_HASH, Associate(by=SYSTEM))

    def test_twice_with_the_same_is_refused(self, judged):
        judged.associate()

        with pytest.raises(AssociationTaken, match=judged.run.run_id):
            judged.associate()

    def test_only_what_is_new_is_recorded(self, judged):
        command = Associate(by=SYSTEM, run_id=judged.run.run_id)
        judged.record(associate(judged.run, judged.run.evidence, command))
        more = replace(command, iteration_id=judged.iteration.iteration_id)

        (event,) = associate(judged.run, judged.run.evidence, more)

        assert event.entities == {judged.iteration.iteration_id}

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=str)
    def test_nobody_but_the_system_does(self, judged, by):
        command = Associate(by=by, run_id=judged.run.run_id)

        with pytest.raises(AuthorityRequired, match="associating evidence needs"):
            associate(judged.run, SOME_HASH, command)


class TestWhoCarriesItOut:
    """C-TB-2: of a run of the platform's own, nobody else's word is taken."""

    def test_one_of_the_platforms_own_takes_nothing(self, made):
        made.begin_run()

        with pytest.raises(NotExternal, match="carried out by the platform"):
            require_external(made.run, "evidence")

    def test_one_from_elsewhere_does(self, made):
        made.begin_run(Execution.EXTERNAL)

        require_external(made.run, "evidence")

        assert made.run.execution is Execution.EXTERNAL


class TestState:
    """C-EVT-7: the state is what the events make it."""

    def test_a_completed_run_knows_its_evidence_and_results(self, made):
        made.judge({SBOM: ResultStatus.FAIL})

        assert made.run.phase is RunPhase.COMPLETED
        assert made.run.evidence in made.readings
        assert made.run.results[SBOM] is ResultStatus.FAIL

    def test_it_remembers_every_violation(self, made):
        silence = gap(CORE, "a silence")

        made.judge(violations=(A_FLAKE, silence))

        assert made.run.violations == (A_FLAKE, silence)
        assert made.run.conditions == {
            IntegrityCondition.ORACLE_FLAKE,
            IntegrityCondition.ORACLE_GAP,
        }

    def test_a_failed_one_has_no_evidence(self, made):
        made.begin_run().fail_run()

        assert made.run.phase is RunPhase.FAILED
        assert made.run.evidence is None

    def test_it_is_opened_once(self, made):
        made.begin_run()

        with pytest.raises(AssertionError, match="RunStarted opens a run"):
            evolve(made.run, made.log[-1])

    def test_nothing_comes_before_its_start(self, judged):
        with pytest.raises(AssertionError, match="follows RunStarted"):
            evolve(None, judged.log[-1])


def failing(by: Actor = SYSTEM) -> FailRun:
    return FailRun(by=by, reason="no sandbox", ended_at="2026-01-09T12:00:02.000000Z")


def other_than(outcome: RunOutcome) -> RunOutcome:
    return next(each for each in RunOutcome if each is not outcome)
