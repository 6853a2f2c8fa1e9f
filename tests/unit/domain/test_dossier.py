"""The rules that join several aggregates (SPEC 6.1, C-EVID-6, C-OR-7)."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from sr_core.domain.dossier import Dossier, evolve, fold, verify
from sr_core.domain.errors import (
    EvidenceMissing,
    IntegrityUnresolved,
    NotFound,
    TransitionRefused,
)
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
from sr_core.domain.loop import LoopPhase, StopTriggered
from sr_core.domain.profile import STRICT_CORE
from sr_core.domain.run import fail
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    VerificationStatus,
)
from sr_core.testing import BUILD, CORE, INTEGRITY_SMOKE, SBOM, SOME_HASH, Story, ulid

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
            verified.dossier.waiver(ExceptionId(f"exc_{ulid(99)}"))

    def test_what_is_there_is_found(self, story):
        story.open().iterate().register().judge(
            {BUILD: FAIL}
        ).waive().verify().approve()
        dossier = story.dossier

        assert dossier.iteration(story.iteration.iteration_id) is story.iteration
        assert dossier.run(story.run.run_id) is story.run
        assert dossier.waiver(story.waiver.exception_id) is story.waiver
        assert dossier.approval(story.approval.approval_id) is story.approval

    def test_without_its_opening_a_dossier_has_no_loop(self):
        with pytest.raises(AssertionError, match="opens with LoopCreated"):
            Dossier().the_loop()

    def test_a_suite_is_not_part_of_it(self, story):
        with pytest.raises(AssertionError, match="a suite has a boundary of its own"):
            evolve(story.open().dossier, story.suite)


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
        judged.record(fail(judged.run, reason="no sandbox"))

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


class TestActiveWaivers:
    """C-EXC-2: those in force now, for this candidate."""

    @pytest.fixture
    def waived(self, story: Story) -> Story:
        story.open().iterate().register().judge({BUILD: FAIL})
        return story.waive()

    def test_one_in_force_is_active(self, waived):
        assert waived.active_exceptions == (waived.waiver.exception_id,)

    def test_one_only_drawn_up_is_not(self, waived):
        in_force = waived.waiver.exception_id
        waived.draw_up_waiver()

        assert waived.active_exceptions == (in_force,)

    def test_one_that_has_ended_is_not(self, waived):
        waived.now += timedelta(hours=1)

        assert waived.active_exceptions == ()

    def test_another_candidates_is_not(self, waived):
        waived.register({"b": b"other"})

        assert waived.active_exceptions == ()


class TestVerification:
    """SPEC 6.1.13: what was computed is recorded with its complete basis."""

    def test_the_basis_is_complete(self, judged):
        (computed,) = judged.ruling().events

        assert computed == CandidateVerificationComputed(
            candidate_id=judged.candidate.candidate_id,
            verification_status=VerificationStatus.VERIFIED_STRICT,
            verification_profile_id=STRICT_CORE.profile_id,
            verification_scope={"work_unit_id": judged.loop.loop_id},
            integrity_conditions=(),
            evidence_bundle_hashes=(judged.run.evidence,),
            oracle_suite_summaries={CORE: judged.suite.suite_hash},
            waiver_ids=(),
            waived_oracle_ids=(),
            verification_basis={},
        )

    def test_failures_and_their_waivers_are_named(self, story):
        story.open().iterate().register()
        story.judge({BUILD: FAIL, INTEGRITY_SMOKE: FAIL}).waive()

        (computed,) = story.ruling().events

        assert computed.waiver_ids == (story.waiver.exception_id,)
        assert computed.waived_oracle_ids == (BUILD,)
        assert computed.verification_basis == {BUILD: "FAIL", INTEGRITY_SMOKE: "FAIL"}

    @pytest.mark.parametrize("condition", IntegrityCondition)
    def test_every_condition_stops_the_loop(self, story, condition):
        story.open().iterate().register().judge(violations={condition: "as seen"})

        ruling = story.ruling()

        why = f"recorded against {story.run.run_id}"
        assert ruling.events[-1] == StopTriggered(
            loop_id=story.loop.loop_id,
            trigger=TRIGGER_OF[condition],
            condition=f"{condition}: {why}",
            requires_decision=True,
            recommended_portal=Portal.GOVERNANCE,
            candidate_id=story.candidate.candidate_id,
        )
        assert ruling.events[-2].verification_basis == {condition: why}

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
                verified.dossier, STRANGER, (), profile=STRICT_CORE, now=verified.now
            )


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
        verified.judge({BUILD: FAIL})

        (computed,) = verified.gate().events

        assert computed.verification_status is UNVERIFIED


class TestStanding:
    """C-OR-7: a condition stands until a new run, verified, cures it."""

    def test_of_a_verified_candidate_nothing_stands(self, verified):
        assert verified.dossier.standing() == frozenset()

    def test_a_violation_stands_from_the_run_on(self, judged):
        tamper = IntegrityCondition.ORACLE_TAMPER

        judged.judge(violations={tamper: "as seen"})

        assert judged.dossier.standing() == {tamper}

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


def test_the_log_alone_gives_the_dossier(story):
    story.open().iterate().register().judge({BUILD: FAIL}).waive().verify()
    story.approve().freeze().complete().lose_evidence().verify()

    assert fold(story.log) == story.dossier
    assert [*story.dossier.freezes] == [story.candidate.candidate_id]
