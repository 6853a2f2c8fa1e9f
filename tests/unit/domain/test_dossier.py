"""The rules that join several aggregates (SPEC 6.1, C-EVID-6, C-OR-7)."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from sr_core.domain.dossier import Dossier, evolve, fold, verify
from sr_core.domain.errors import IntegrityUnresolved, NotFound, TransitionRefused
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    ExceptionId,
    IterationId,
    RunId,
)
from sr_core.domain.integrity import TRIGGER_OF, IntegrityCondition, Portal, StopTrigger
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.loop import LoopPhase, StopTriggered
from sr_core.domain.profile import STRICT_CORE, FailureClass
from sr_core.domain.suite_definition import Classification
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    FailedOracle,
    OtherResult,
    SuiteSummary,
    VerificationBasis,
    VerificationMode,
    VerificationScope,
    VerificationStatus,
)
from sr_core.domain.violation import Violation
from sr_core.testing import (
    A_FLAKE,
    BUILD,
    CORE,
    FINGERPRINT,
    INTEGRITY_SMOKE,
    SBOM,
    SOME_HASH,
    Story,
    build_suite_events,
    ulid,
    with_longer_timeouts,
)

FAIL = ResultStatus.FAIL
STRANGER = CandidateId(f"{SOME_HASH}|cand_{ulid(99)}")
UNVERIFIED = VerificationStatus.UNVERIFIED
GAP, MISSING = IntegrityCondition.ORACLE_GAP, IntegrityCondition.EVIDENCE_MISSING


def types(events: Iterable[DomainEvent]) -> list[type[DomainEvent]]:
    return [type(each) for each in events]


class TestLookingUp:
    """What nobody recorded is not found, and is told by its kind."""

    @pytest.mark.parametrize(
        ("look", "identifier"),
        [
            ("candidate", STRANGER),
            ("iteration", IterationId(f"iter_{ulid(99)}")),
            ("run", RunId(f"run_{ulid(99)}")),
            ("approval", ApprovalId(f"appr_{ulid(99)}")),
        ],
    )
    def test_a_stranger_is_not_found(self, verified, look, identifier):
        with pytest.raises(NotFound, match=f"No {look} {identifier[:3]}"):
            getattr(verified.dossier, look)(identifier)

    def test_a_strange_waiver_is_no_exception_of_ours(self, verified):
        with pytest.raises(NotFound, match="No exception exc_"):
            verified.dossier.exception(ExceptionId(f"exc_{ulid(99)}"))

    def test_what_is_there_is_found(self, story):
        story.open().iterate().register().judge(
            {BUILD: FAIL}
        ).waive().verify().approve()
        dossier = story.dossier

        assert dossier.iteration(story.iteration.iteration_id) is story.iteration
        assert dossier.run(story.run.run_id) is story.run
        assert dossier.exception(story.exception.exception_id) is story.exception
        assert dossier.approval(story.approval.approval_id) is story.approval

    def test_without_its_opening_a_dossier_has_no_loop(self):
        with pytest.raises(AssertionError, match="opens with LoopCreated"):
            Dossier().the_loop()

    def test_a_suite_is_not_part_of_it(self, story):
        with pytest.raises(AssertionError, match="a suite has a boundary of its own"):
            evolve(story.open().dossier, build_suite_events()[0])


class TestRuns:
    """SPEC 6.1.2: the latest completed run for exactly this candidate."""

    def test_it_is_the_latest(self, judged):
        first = judged.run
        judged.judge()

        latest = judged.dossier.latest_run(judged.candidate.candidate_id, CORE)

        assert latest == judged.run != first

    def test_one_that_has_not_ended_is_passed_over(self, judged):
        completed = judged.run
        judged.begin_run()

        latest = judged.dossier.latest_run(judged.candidate.candidate_id, CORE)

        assert latest == completed

    def test_one_that_failed_is_passed_over(self, judged):
        completed = judged.run
        judged.begin_run()
        judged.fail_run("no sandbox")

        latest = judged.dossier.latest_run(judged.candidate.candidate_id, CORE)

        assert latest == completed

    def test_another_candidates_is_none(self, judged):
        judged.register({"b": b"other"})

        assert judged.dossier.latest_run(judged.candidate.candidate_id, CORE) is None

    def test_an_oracle_is_looked_up_in_the_run_that_has_its_result(self, judged):
        first = judged.run
        judged.judge({SBOM: None})
        identifier = judged.candidate.candidate_id

        assert judged.dossier.run_judging_by(identifier, SBOM) == first
        assert judged.dossier.run_judging_by(identifier, BUILD) == judged.run
        assert judged.dossier.run_judging_by(STRANGER, BUILD) is None

    def test_a_candidates_evidence_is_that_of_all_its_runs(self, judged):
        first = judged.run.evidence
        judged.judge().begin_run()
        second = [*judged.dossier.runs.values()][1].evidence

        evidence = judged.dossier.evidence_of(judged.candidate.candidate_id)

        assert evidence == (first, second)
        assert judged.dossier.evidence_of(STRANGER) == ()


class TestActiveExceptions:
    """C-EXC-2: those in force now, for this candidate."""

    @pytest.fixture
    def waived(self, story: Story) -> Story:
        story.open().iterate().register().judge({BUILD: FAIL})
        return story.waive()

    def test_one_in_force_is_active(self, waived):
        assert waived.active_exceptions.keys() == {waived.exception.exception_id}

    def test_one_only_drawn_up_is_not(self, waived):
        in_force = waived.exception.exception_id
        waived.draw_up_waiver()

        assert waived.active_exceptions.keys() == {in_force}

    def test_one_that_has_ended_is_not(self, waived):
        waived.now += timedelta(hours=1)

        assert not waived.active_exceptions

    def test_another_candidates_is_not(self, waived):
        waived.register({"b": b"other"})

        assert not waived.active_exceptions


class TestVerification:
    """SPEC 6.1.13: what was computed is recorded with its complete basis."""

    def test_the_basis_is_complete(self, judged):
        (computed,) = judged.ruling().events

        assert computed == CandidateVerificationComputed(
            candidate_id=judged.candidate.candidate_id,
            verification_status=VerificationStatus.VERIFIED_STRICT,
            verification_mode=VerificationMode.STRICT,
            verification_profile_id=STRICT_CORE.profile_id,
            verification_scope=VerificationScope(work_unit_id=judged.loop.loop_id),
            verification_basis=VerificationBasis(
                profile_version=STRICT_CORE.profile_version,
                run_ids=(judged.run.run_id,),
                violations=(),
                failed=(),
                others=(
                    OtherResult(
                        oracle_id=SBOM,
                        suite_id=CORE,
                        classification=Classification.ADVISORY,
                        status=ResultStatus.PASS,
                    ),
                ),
                warnings=(),
                computed_because="it was asked for",
            ),
            integrity_conditions=(),
            evidence_bundle_hashes=(judged.run.evidence,),
            oracle_suite_summaries=(
                SuiteSummary(suite_id=CORE, suite_hash=judged.suite.suite_hash),
            ),
            waiver_ids=(),
            waived_oracle_ids=(),
        )

    def test_failures_and_their_waivers_are_named(self, story):
        story.open().iterate().register()
        story.judge({BUILD: FAIL, INTEGRITY_SMOKE: FAIL}).waive()

        (computed,) = story.ruling().events

        assert computed.waiver_ids == (story.exception.exception_id,)
        assert computed.waived_oracle_ids == (BUILD,)
        assert computed.verification_mode is None
        assert computed.verification_basis.failed == (
            FailedOracle(
                oracle_id=BUILD,
                suite_id=CORE,
                run_id=story.run.run_id,
                failure_class=FailureClass.BUILD_FAIL,
                waiver_id=story.exception.exception_id,
            ),
            FailedOracle(
                oracle_id=INTEGRITY_SMOKE,
                suite_id=CORE,
                run_id=story.run.run_id,
                failure_class=None,
                waiver_id=None,
            ),
        )

    @pytest.mark.parametrize("condition", IntegrityCondition)
    def test_every_condition_stops_the_loop(self, story, condition):
        seen = Violation(condition_type=condition, reason="as seen")
        story.open().iterate().register().judge(violations=(seen,))

        ruling = story.ruling()

        assert ruling.events[-1] == StopTriggered(
            loop_id=story.loop.loop_id,
            trigger=TRIGGER_OF[condition],
            condition=f"{condition}: as seen",
            requires_decision=True,
            recommended_portal=Portal.GOVERNANCE,
            candidate_id=story.candidate.candidate_id,
        )
        assert ruling.events[-2].verification_basis.violations == (seen,)

    def test_a_stop_that_is_open_is_not_recorded_again(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify()

        assert types(story.ruling().events) == [CandidateVerificationComputed]

    def test_a_candidate_that_nothing_judged_has_a_gap(self, story):
        story.open().iterate().register()

        ruling = story.ruling()

        assert types(ruling.events) == [CandidateVerificationComputed, StopTriggered]
        assert ruling.refusal is None

    def test_missing_evidence_is_recorded_and_refused(self, verified):
        ruling = verified.lose_evidence("oracle:build/report.json").ruling()

        missing, computed, stopped = ruling.events
        assert missing == EvidenceMissingDetected(
            candidate_id=verified.candidate.candidate_id,
            run_id=verified.run.run_id,
            content_hash=verified.run.evidence,
            missing_parts={"oracle:build/report.json": "MISSING"},
            recommended_portal=Portal.GOVERNANCE,
        )
        assert computed.verification_status is UNVERIFIED
        assert stopped.trigger is StopTrigger.EVIDENCE_MISSING
        assert isinstance(ruling.refusal, EvidenceMissing)
        assert ruling.refusal.evidence == (verified.run.evidence,)

    def test_that_it_is_missing_is_recorded_once(self, verified):
        verified.lose_evidence().verify()

        ruling = verified.ruling()

        assert types(ruling.events) == [CandidateVerificationComputed]
        assert isinstance(ruling.refusal, EvidenceMissing)

    def test_a_strange_candidate_is_not_verified(self, verified):
        with pytest.raises(NotFound):
            verify(
                verified.dossier,
                STRANGER,
                (),
                profile=STRICT_CORE,
                scope=VerificationScope(work_unit_id="WU-1"),
                now=verified.now,
                because="it was asked for",
            )


class TestRecomputing:
    """SPEC 4.3: what happened changes the verification, and nobody is refused."""

    def test_a_completed_run_verifies(self, judged):
        (computed,) = judged.recomputed().events

        assert computed.verification_status is VerificationStatus.VERIFIED_STRICT
        assert computed.verification_basis.computed_because == "a run was completed"

    def test_where_nothing_changed_nothing_is_recorded(self, verified):
        assert verified.recomputed() == Ruling()

    def test_one_that_waits_for_its_first_run_is_left_alone(self, story):
        """A suite that is still to run is no gap yet: nothing stops the line."""
        story.open().iterate().register()

        assert story.recomputed() == Ruling()
        assert story.ruling().events != ()

    def test_other_evidence_is_another_basis(self, verified):
        verified.judge()

        (computed,) = verified.recomputed().events

        assert computed.evidence_bundle_hashes == (verified.run.evidence,)

    def test_what_is_lost_takes_it_back_and_is_told_to_whoever_asked(self, verified):
        ruling = verified.lose_evidence().recomputed()

        assert StopTriggered in types(ruling.events)
        assert isinstance(ruling.refusal, EvidenceMissing)

    def test_a_waiver_that_has_ended_takes_it_back(self, story):
        story.open().iterate().register().judge({BUILD: FAIL}).waive().verify()
        story.now += timedelta(hours=1)

        (computed,) = story.recomputed("a waiver has ended").events

        assert computed.verification_status is UNVERIFIED

    def test_a_suite_defined_anew_takes_it_back(self, verified):
        verified.rebase(with_longer_timeouts(verified.suite.definition))

        computed, stopped = verified.recomputed("the suite was rebased").events

        assert computed.integrity_conditions == (GAP,)
        assert stopped.trigger is StopTrigger.ORACLE_GAP


class TestRunsLikeIt:
    """C-OR-5: the same bytes, the same suite, the same environment, and before."""

    @pytest.fixture
    def twice(self, judged: Story) -> Story:
        return judged.judge()

    def like(self, story: Story) -> list[RunId]:
        found = story.dossier.runs_like(
            story.run,
            content_hash=story.candidate.content_hash,
            environment_hash=story.run.environment_hash,
        )
        return [each.run_id for each in found]

    def test_the_one_before_is(self, twice):
        assert self.like(twice) == [next(iter(twice.dossier.runs))]

    def test_no_later_one_is(self, judged):
        first = judged.run
        judged.judge()

        found = judged.dossier.runs_like(
            first,
            content_hash=judged.candidate.content_hash,
            environment_hash=first.environment_hash,
        )

        assert found == ()

    def test_the_same_bytes_of_another_candidate_are(self, judged):
        judged.register().judge()

        assert len(self.like(judged)) == 1

    def test_other_bytes_are_not(self, judged):
        judged.register({"b": b"other"}).judge()

        assert self.like(judged) == []

    def test_another_environment_is_not(self, judged):
        judged.judge(fingerprint={**FINGERPRINT, "os": "another"})

        assert self.like(judged) == []

    def test_a_suite_defined_anew_is_not(self, judged):
        judged.rebase(with_longer_timeouts(judged.suite.definition)).judge()

        assert self.like(judged) == []


class TestGate:
    """SPEC 6.1: a fresh look, which bars the way or says nothing; it never lifts."""

    def test_one_that_holds_lets_through_and_records_nothing(self, verified):
        assert verified.gate() == Ruling()

    def test_what_nothing_judged_is_left_as_it_is(self, story):
        story.open().iterate().register()

        assert story.gate() == Ruling()

    def test_it_never_lifts_to_verified(self, judged):
        assert judged.ruling().events[0].verification_status.is_verified

        assert judged.gate() == Ruling()

    def test_nor_where_a_waiver_would(self, story):
        story.open().iterate().register().judge({BUILD: FAIL}).verify().waive()

        assert story.gate() == Ruling()

    def test_nor_where_what_stood_against_it_is_gone(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify().judge()

        assert story.gate() == Ruling()
        assert story.candidate.standing == {GAP}

    def test_what_is_found_missing_is_recorded_once(self, verified):
        ruling = verified.lose_evidence().gate()

        assert types(ruling.events) == [
            EvidenceMissingDetected,
            CandidateVerificationComputed,
            StopTriggered,
        ]
        assert isinstance(ruling.refusal, EvidenceMissing)

        again = verified.record(ruling.events).gate()
        assert again.events == ()
        assert isinstance(again.refusal, EvidenceMissing)

    def test_missing_evidence_of_one_not_verified_is_recorded_too(self, judged):
        ruling = judged.lose_evidence().gate()

        assert types(ruling.events)[0] is EvidenceMissingDetected
        assert isinstance(ruling.refusal, EvidenceMissing)

    def test_what_stands_bars_the_way(self, verified):
        verified.judge({BUILD: None})

        ruling = verified.gate()

        assert types(ruling.events) == [CandidateVerificationComputed, StopTriggered]
        assert isinstance(ruling.refusal, IntegrityUnresolved)
        assert ruling.refusal.conditions == (GAP,)
        again = verified.record(ruling.events).gate()
        assert again.events == ()
        assert isinstance(again.refusal, IntegrityUnresolved)

    def test_a_verification_that_no_longer_holds_is_taken_back(self, story):
        story.open().iterate().register().judge({BUILD: FAIL}).waive().verify()
        story.now += timedelta(hours=1)

        ruling = story.gate()

        (computed,) = ruling.events
        assert computed.verification_status is UNVERIFIED
        assert ruling.refusal is None

    def test_a_later_failure_takes_it_back(self, verified):
        """It is a flake too, as the same inputs passed before: C-OR-5."""
        verified.judge({BUILD: FAIL})

        computed, _ = verified.gate().events

        assert computed.verification_status is UNVERIFIED


class TestStanding:
    """C-OR-7: a condition stands until a new run, verified, cures it."""

    def test_of_a_verified_candidate_nothing_stands(self, verified):
        assert verified.dossier.standing() == frozenset()

    def test_a_violation_stands_from_the_run_on(self, judged):
        judged.judge(violations=(A_FLAKE,))

        assert judged.dossier.standing() == {IntegrityCondition.ORACLE_FLAKE}

    def test_a_new_run_alone_does_not_cure(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify().judge()

        assert story.dossier.standing() == {GAP}

    def test_a_new_run_and_its_verification_do(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify()

        story.judge().verify()

        assert story.dossier.standing() == frozenset()

    def test_then_a_decision_lets_the_loop_go_on(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify()
        decided = story.judge_stop(StopTrigger.ORACLE_GAP)
        with pytest.raises(IntegrityUnresolved):
            story.resume(decided)

        story.judge().verify().resume(decided)

        assert story.loop.phase is LoopPhase.ACTIVE

    def test_one_candidates_run_cures_no_other(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify()
        story.register({"b": b"other"})

        with pytest.raises(TransitionRefused, match="PAUSED, which refuses StartRun"):
            story.judge()

    def test_lost_evidence_is_cured_by_new_evidence(self, verified):
        verified.lose_evidence().verify()

        verified.judge().verify()

        assert verified.dossier.standing() == frozenset()
        assert verified.candidate.status.is_verified
        assert verified.gate() == Ruling()

    def test_evidence_found_missing_by_whoever_cites_it_stands_until_a_new_run(
        self, verified
    ):
        known = verified.run
        found = EvidenceMissingDetected(
            candidate_id=known.candidate_id,
            run_id=known.run_id,
            content_hash=known.evidence,
            missing_parts={"manifest.json": "MISSING"},
            recommended_portal=Portal.GOVERNANCE,
        )

        verified.record((found,))
        assert verified.dossier.standing() == {IntegrityCondition.EVIDENCE_MISSING}

        verified.judge().verify()
        assert verified.dossier.standing() == frozenset()


def test_the_log_alone_gives_the_dossier(story):
    story.open().iterate().register().judge({BUILD: FAIL}).waive().verify()
    story.approve().freeze().complete().lose_evidence().verify()

    assert fold(story.log) == story.dossier
    assert [*story.dossier.freezes] == [story.candidate.candidate_id]
