"""The event manager: eligible, complete, and why not (SPEC 12.3)."""

import pytest

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import EventNotUnderstood
from sr_core.domain.event_ledger import (
    READERS,
    SILENT,
    GateStatus,
    Ledger,
    StageStatus,
    fold,
)
from sr_core.domain.event_manager import (
    BlockKind,
    BlockReason,
    CoarseStatus,
    Satisfaction,
    active_plan_of,
)
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import IntegrityCondition, Portal, StopTrigger
from sr_core.domain.plan import CancelPlan, decide
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.testing import HUMAN
from sr_core.testing.plans import INTAKE_1, INTAKE_HASH, PLAN_1, build_plan
from sr_core.testing.unit_log import UnitLog, evidence_of

A, B = "WU-a", "WU-b"


@pytest.fixture
def log() -> UnitLog:
    """Two units, neither of which waits for the other."""
    return UnitLog()


@pytest.fixture
def chain() -> UnitLog:
    """Two units, of which WU-b waits for WU-a."""
    return UnitLog(build_plan(waits={B: (A,)}))


def why(log: UnitLog, unit: str = A) -> list[tuple[BlockKind, str]]:
    return [(each.kind, each.detail) for each in log.unit(unit).block_reasons]


class TestEligible:
    """Not complete, not stopped, not waiting, bound as planned, nothing in doubt."""

    def test_a_unit_that_is_bound_is(self, log):
        assert log.bind(A).view.eligible_set == (A,)
        assert log.unit(A).coarse_status is CoarseStatus.ELIGIBLE

    def test_no_unit_is_before_its_work_surface_is_bound(self, log):
        assert log.view.eligible_set == ()
        assert why(log) == [
            (BlockKind.MISSING_WORK_SURFACE, "no work surface is bound")
        ]
        assert log.unit(A).coarse_status is CoarseStatus.TODO

    @pytest.mark.parametrize(
        "other",
        [
            {"intake": ("intake:2", INTAKE_HASH)},
            {"intake": (INTAKE_1, hash_bytes(b"another"))},
            {"template": "proc:OTHER"},
        ],
    )
    def test_a_surface_that_binds_something_else_is_none(self, log, other):
        log.bind(A, **other)

        assert why(log) == [(BlockKind.MISSING_WORK_SURFACE, "ws-WU-a")]
        assert not log.unit(A).has_work_surface

    @pytest.mark.parametrize("how", ["WorkSurfaceArchived", "WorkSurfaceCompleted"])
    def test_a_surface_that_has_ended_is_none(self, log, how):
        log.begin(A).iterate(A).end_surface(A, how)

        assert log.view.eligible_set == ()
        assert log.unit(A).coarse_status is CoarseStatus.BLOCKED

    def test_the_surface_that_was_bound_last_counts(self, log):
        log.bind(A).end_surface(A, "WorkSurfaceArchived").bind(A, surface="ws-2")

        assert log.view.eligible_set == (A,)

    def test_it_stays_so_while_an_iteration_is_open(self, log):
        log.begin(A).iterate(A)

        assert log.view.eligible_set == (A,)
        assert log.unit(A).coarse_status is CoarseStatus.IN_PROGRESS
        assert log.finish(A).unit(A).coarse_status is CoarseStatus.ELIGIBLE

    def test_an_iteration_that_failed_is_not_open(self, log):
        log.begin(A).iterate(A).tell("IterationFailed", loop_id="loop-WU-a")

        assert log.unit(A).coarse_status is CoarseStatus.ELIGIBLE

    @pytest.mark.parametrize("trigger", StopTrigger)
    def test_a_stop_trigger_bars_it_until_the_loop_goes_on(self, log, trigger):
        log.begin(A).stop(A, trigger)

        assert why(log) == [(BlockKind.STOP_TRIGGER, trigger)]
        assert log.unit(A).coarse_status is CoarseStatus.BLOCKED
        assert log.resume(A).view.eligible_set == (A,)

    def test_every_stop_is_told_once_and_in_order(self, log):
        log.begin(A).stop(A, StopTrigger.ORACLE_TAMPER).stop(A, StopTrigger.ORACLE_GAP)

        assert [each for _, each in why(log)] == ["ORACLE_GAP", "ORACLE_TAMPER"]

    def test_the_stops_of_a_closed_loop_are_over(self, log):
        assert log.begin(A).stop(A).close(A).view.eligible_set == (A,)

    def test_an_integrity_condition_bars_it_until_a_verification_is_clean(self, log):
        log.begin(A).iterate(A).make(A).judge(A).violate(A)

        assert why(log) == [(BlockKind.INTEGRITY_CONDITION, "ORACLE_FLAKE")]
        log.verify(A, IntegrityCondition.ORACLE_FLAKE)
        assert log.view.eligible_set == ()
        assert log.verify(A).view.eligible_set == (A,)

    def test_missing_evidence_bars_it(self, log):
        log.begin(A).iterate(A).make(A).judge(A).lose(A)

        assert why(log) == [(BlockKind.INTEGRITY_CONDITION, "EVIDENCE_MISSING")]

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            (RefKind.INTAKE, INTAKE_1),
            (RefKind.WORK_SURFACE, "ws-WU-a"),
            (RefKind.LOOP, "loop-WU-a"),
            (RefKind.ITERATION, "iter-WU-a"),
            (RefKind.CANDIDATE, "cand-WU-a"),
            (RefKind.EVIDENCE_BUNDLE, evidence_of(A)),
        ],
    )
    def test_staleness_of_anything_of_it_bars_it(self, log, kind, name):
        log.begin(A).iterate(A).make(A).judge(A).mark_stale(kind, name)

        assert log.unit(A).staleness_markers == ("stale-1",)
        assert why(log) == [(BlockKind.STALENESS, "stale-1")]
        assert log.resolve_stale(kind, name, "another").view.eligible_set == ()
        assert A in log.resolve_stale(kind, name).view.eligible_set

    def test_a_marker_is_answered_thing_by_thing(self, log):
        log.begin(A).iterate(A)
        refs = (
            Ref(kind=RefKind.LOOP, id="loop-WU-a", rel=RefRelation.STALE),
            Ref(kind=RefKind.ITERATION, id="iter-WU-a", rel=RefRelation.STALE),
        )
        log.tell("NodeMarkedStale", stale_id="stale-1", refs=refs)

        log.resolve_stale(RefKind.LOOP, "loop-WU-a")
        assert log.unit(A).staleness_markers == ("stale-1",)
        log.resolve_stale(RefKind.ITERATION, "iter-WU-a")
        assert log.unit(A).staleness_markers == ()

    @pytest.mark.parametrize(
        ("kind", "name"),
        [(RefKind.CANDIDATE, "cand-WU-b"), (RefKind.LOOP, "cand-WU-a")],
    )
    def test_staleness_of_something_else_does_not(self, log, kind, name):
        log.begin(A).iterate(A).make(A).mark_stale(kind, name)

        assert log.view.eligible_set == (A,)

    def test_who_is_a_root_and_not_marked_is_not_stale(self, log):
        log.begin(A).tell("NodeMarkedStale", stale_id="stale-1")

        assert log.view.eligible_set == (A,)


class TestDependencies:
    """All that it depends on is complete, or was deferred by a human."""

    def test_a_unit_waits_for_another(self, chain):
        chain.bind(A).bind(B)

        assert chain.view.eligible_set == (A,)
        assert why(chain, B) == [(BlockKind.DEPENDENCY_UNSATISFIED, A)]
        assert not chain.unit(B).deps_satisfied
        assert chain.unit(B).coarse_status is CoarseStatus.TODO

    def test_until_that_is_complete(self, chain):
        chain.complete(A).bind(B)

        assert chain.view.eligible_set == (B,)
        assert chain.unit(B).deps_satisfied

    def test_to_be_worked_on_is_not_to_be_complete(self, chain):
        chain.begin(A).iterate(A).make(A).judge(A).finish(A).bind(B)

        assert chain.view.eligible_set == (A,)

    @pytest.mark.parametrize("scope", [{"unit": A}, {"loop": "loop-WU-a"}])
    def test_a_deferral_in_force_lets_it_go_on(self, chain, scope):
        chain.begin(A).bind(B).defer(**scope)

        assert chain.view.eligible_set == (A,)
        chain.change_exception("ExceptionActivated")
        assert chain.view.eligible_set == (A, B)
        (edge,) = chain.view.edges
        assert edge.satisfaction is Satisfaction.DEFERRED

    @pytest.mark.parametrize("how", ["ExceptionResolved", "ExceptionExpired"])
    def test_one_that_is_over_does_not(self, chain, how):
        chain.begin(A).bind(B).defer(unit=A).change_exception("ExceptionActivated")

        assert chain.change_exception(how).view.eligible_set == (A,)

    @pytest.mark.parametrize("scope", [{"unit": B}, {"loop": "loop-WU-b"}, {}])
    def test_one_of_something_else_does_not(self, chain, scope):
        chain.begin(A).bind(B).defer(**scope).change_exception("ExceptionActivated")

        assert chain.view.eligible_set == (A,)

    def test_another_kind_of_exception_is_no_deferral(self, chain):
        chain.begin(A).bind(B).change_exception("ExceptionActivated", "exc-2")

        assert chain.view.eligible_set == (A,)

    def test_the_snapshot_shows_every_edge_and_how_it_stands(self, chain):
        (edge,) = chain.view.edges
        assert (edge.unit, edge.target, edge.satisfaction) == (
            B,
            A,
            Satisfaction.BLOCKED,
        )

        (edge,) = chain.complete(A).view.edges
        assert edge.satisfaction is Satisfaction.COMPLETE


class TestComplete:
    """The terminal stage passed with evidence, and every portal agreed."""

    def test_a_unit_whose_last_stage_passed_is(self, log):
        unit = log.complete(A).unit(A)

        assert unit.coarse_status is CoarseStatus.COMPLETE
        assert unit.block_reasons == ()
        assert log.view.eligible_set == ()

    def test_what_a_worker_says_counts_for_nothing(self, log):
        log.begin(A).iterate(A).make(A).judge(A).finish(A)

        assert log.unit(A).coarse_status is CoarseStatus.ELIGIBLE

    def test_a_stage_before_the_last_is_not_the_last(self, log):
        log.begin(A).iterate(A).make(A).judge(A)
        log.pass_stage(A, stage="stage:FRAME", next_stage="stage:FINAL")

        assert not log.unit(A).is_complete

    def test_a_gate_that_failed_does_not_count(self, log):
        log.begin(A).iterate(A).make(A).judge(A).pass_stage(A, gate=GateStatus.FAIL)

        assert not log.unit(A).is_complete
        stages = log.unit(A).stage_status
        assert stages["stage:FINAL"].status is StageStatus.FAILED

    def test_evidence_that_the_log_does_not_hold_does_not_count(self, log):
        log.begin(A).iterate(A).make(A).pass_stage(A)

        assert not log.unit(A).is_complete

    def test_evidence_that_was_lost_does_not_count(self, log):
        assert not log.complete(A).lose(A).unit(A).is_complete

    @pytest.mark.parametrize(
        ("verdict", "waivers", "holds"),
        [
            (ResultStatus.PASS, (), True),
            (ResultStatus.FAIL, ("exc-1",), True),
            (ResultStatus.FAIL, (), False),
            (ResultStatus.ERROR, ("exc-1",), False),
            (ResultStatus.SKIPPED, ("exc-1",), False),
        ],
    )
    def test_the_evidence_has_to_bear_it_out(self, log, verdict, waivers, holds):
        log.begin(A).iterate(A).make(A).judge(A, verdict)
        log.pass_stage(A, gate=GateStatus.PASS_WITH_WAIVERS, waivers=waivers)

        assert log.unit(A).is_complete is holds

    def test_what_passed_for_another_intake_does_not_count(self, log):
        log.bind(A, intake=("intake:2", INTAKE_HASH)).open_loop(A)
        log.iterate(A).make(A).judge(A).pass_stage(A)

        assert not log.unit(A).is_complete

    def test_a_plan_is_complete_when_every_unit_is(self, log):
        assert not log.complete(A).view.is_complete
        assert log.complete(B).view.is_complete

    def test_a_plan_is_exhausted_when_something_is_left_and_nothing_eligible(self, log):
        assert log.view.is_exhausted
        assert not log.bind(A).view.is_exhausted
        assert log.open_loop(A).stop(A).view.is_exhausted
        assert not UnitLog().complete(A).complete(B).view.is_exhausted


class TestPortals:
    """A portal that the plan asks for has to approve; any other word is no yes."""

    @pytest.fixture
    def log(self) -> UnitLog:
        plan = build_plan(portals=(Portal.RELEASE,))
        return UnitLog(plan).complete(A)

    def test_without_its_word_the_unit_is_blocked(self, log):
        assert why(log) == [(BlockKind.PORTAL_REQUIRED, Portal.RELEASE)]
        assert log.unit(A).coarse_status is CoarseStatus.BLOCKED

    def test_with_its_approval_it_is_complete(self, log):
        assert log.approve(A).unit(A).is_complete

    @pytest.mark.parametrize(
        "said", [ApprovalDecision.REJECTED, ApprovalDecision.DEFERRED]
    )
    def test_any_other_word_is_no_approval(self, log, said):
        assert not log.approve(A, said).unit(A).is_complete

    def test_its_latest_word_counts(self, log):
        log.approve(A).approve(A, ApprovalDecision.REJECTED)

        assert not log.unit(A).is_complete

    def test_another_portal_is_not_the_one(self, log):
        assert not log.approve(A, portal=Portal.EXCEPTION).unit(A).is_complete

    def test_an_approval_of_what_passed_counts(self, log):
        passed = (RefKind.CANDIDATE, "cand-WU-a")

        assert log.approve(A, about=passed).unit(A).is_complete

    @pytest.mark.parametrize(
        "about",
        [(RefKind.CANDIDATE, "cand-WU-b"), (RefKind.WORK_SURFACE, "ws-WU-b")],
    )
    def test_an_approval_of_something_else_does_not(self, log, about):
        assert not log.approve(A, about=about).unit(A).is_complete

    def test_an_approval_alone_completes_nothing(self):
        log = UnitLog(build_plan(portals=(Portal.RELEASE,))).begin(A).approve(A)

        assert not log.unit(A).is_complete


class TestView:
    def test_every_status_is_in_the_runlist(self, chain):
        chain.complete(A).bind(B)

        assert chain.view.runlist == {
            CoarseStatus.TODO: (),
            CoarseStatus.ELIGIBLE: (B,),
            CoarseStatus.IN_PROGRESS: (),
            CoarseStatus.BLOCKED: (),
            CoarseStatus.COMPLETE: (A,),
        }

    def test_it_tells_the_latest_of_a_unit(self, log):
        log.begin(A).iterate(A).make(A).judge(A)
        unit = log.unit(A)

        assert unit.current_stage_id == "stage:FRAME"
        assert unit.stage_status["stage:FRAME"].status is StageStatus.ACTIVE
        assert unit.last_iteration_id == "iter-WU-a"
        assert unit.last_candidate_id == "cand-WU-a"
        assert unit.last_evidence_bundle_id == evidence_of(A)

    def test_of_a_unit_that_nothing_happened_to_it_tells_nothing(self, log):
        unit = log.unit(A)

        assert (unit.last_iteration_id, unit.current_stage_id) == (None, None)
        assert unit.stage_status == {}

    def test_time_is_that_of_the_last_event(self, log):
        view = log.begin(A).view

        assert view.as_of == log.entries[-1].at
        assert view.position == len(log.entries)
        assert view.last_event_id == log.entries[-1].event_id

    def test_reasons_stand_in_order(self):
        reasons = [
            BlockReason(kind=BlockKind.STOP_TRIGGER, detail="a"),
            BlockReason(kind=BlockKind.DEPENDENCY_UNSATISFIED, detail="b"),
        ]

        assert [each.kind for each in sorted(reasons)] == [
            BlockKind.DEPENDENCY_UNSATISFIED,
            BlockKind.STOP_TRIGGER,
        ]

    def test_only_an_active_plan_governs(self, log):
        plan = log.ledger.plans[PLAN_1]

        assert active_plan_of(log.ledger, A) == plan
        assert active_plan_of(log.ledger, "WU-x") is None
        (cancelled,) = decide(plan, CancelPlan(by=HUMAN, rationale="overtaken"))
        assert active_plan_of(log.add(cancelled).ledger, A) is None


class TestReading:
    """SPEC 12.1: an unknown event is seen, never skipped."""

    def test_an_event_that_nobody_knows_is_an_error(self, log):
        log.tell("SomethingElseHappened")

        with pytest.raises(EventNotUnderstood, match=r"SomethingElseHappened.* 3"):
            _ = log.ledger

    @pytest.mark.parametrize("name", EVENT_TYPES)
    def test_every_event_of_the_platform_has_a_reader_or_is_known_to_be_silent(
        self, name
    ):
        assert (name in READERS) is not (name in SILENT)

    @pytest.mark.parametrize("name", sorted(SILENT))
    def test_a_silent_event_moves_the_position_alone(self, log, name):
        before = log.ledger
        after = log.tell(name).ledger

        assert after.position == before.position + 1
        assert (after.loops, after.surfaces, after.plans) == (
            before.loops,
            before.surfaces,
            before.plans,
        )

    def test_no_event_is_read_twice(self, log):
        with pytest.raises(AssertionError, match="forwards"):
            fold([log.entries[0], log.entries[0]])

    def test_an_empty_log_says_nothing(self):
        assert fold([]) == Ledger()
