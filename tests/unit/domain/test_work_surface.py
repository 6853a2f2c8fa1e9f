"""Work surfaces: bound, through their stages, to their end (SPEC 4.6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import (
    AuthorityRequired,
    MalformedInput,
    NotFound,
    Refused,
    SemanticProfileMissing,
    StageUnknown,
    TransitionRefused,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import ExceptionId, StageId, WorkSurfaceId, WorkUnitId
from sr_core.domain.intake import IntakePhase, WorkKind
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import RequestType
from sr_core.domain.procedure_template import TERMINAL
from sr_core.domain.ref_builders import stage_ref, work_surface_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.domain.stage_gate import ClaimedGate, GateStatus, PinnedSuite
from sr_core.domain.work_errors import (
    ApprovalRequired,
    GateFailed,
    GateMismatch,
    IntakeUnfit,
    WorkSurfaceNotActive,
    WorkSurfaceTaken,
)
from sr_core.domain.work_surface_events import (
    StageCompleted,
    StageEntered,
    StagePhase,
    WorkSurfaceArchived,
    WorkSurfaceBound,
    WorkSurfaceCompleted,
)
from sr_core.domain.work_unit import (
    StageApproval,
    SurfacePhase,
    WorkUnit,
    fold,
    heard,
    heard_at,
)
from sr_core.testing import AGENT, SYSTEM, Story
from sr_core.testing.work import (
    BUNDLE,
    FINAL,
    FRAME,
    REFS,
    STRUCTURE,
    SUITES,
    WorkStory,
    build_gate,
    build_intake,
    build_intake_content,
    build_stage,
    build_template,
)

OTHER_BUNDLE = hash_bytes(b"another bundle")
SAID = StageApproval(
    approval_id="appr_1",
    portal_id=Portal.EXCEPTION,
    request_type=RequestType.ENG_ACCEPT,
    decision=ApprovalDecision.APPROVED,
    evidence_refs=(BUNDLE,),
)


@pytest.fixture
def story() -> WorkStory:
    return WorkStory()


@pytest.fixture
def bound(story: WorkStory) -> WorkStory:
    return story.bind()


@pytest.fixture
def last(bound: WorkStory) -> WorkStory:
    """In the last stage, which a human has to approve."""
    return bound.complete()


@pytest.fixture
def ended(last: WorkStory) -> WorkStory:
    return last.hear().complete()


class TestBind:
    """SPEC 4.6: an active intake and a fitting procedure, once for a work unit."""

    def test_it_enters_the_first_stage_with_its_suites_pinned(self, bound):
        opened, entered = bound.log

        assert isinstance(opened, WorkSurfaceBound)
        assert isinstance(entered, StageEntered)
        assert entered.oracle_suites == (
            PinnedSuite(suite_id=STRUCTURE, suite_hash=SUITES[STRUCTURE]),
        )
        assert bound.surface.current_stage_id == FRAME
        assert bound.surface.suites == entered.oracle_suites
        assert bound.surface.stages == {
            FRAME: StagePhase.ENTERED,
            FINAL: StagePhase.PENDING,
        }

    def test_what_is_bound_is_referred_to_by_its_hash(self, bound):
        opened, entered = bound.log
        intake = bound.intake

        assert [
            (each.kind, each.id, each.rel, dict(each.meta)) for each in opened.refs
        ] == [
            (
                "Intake",
                intake.intake_id,
                "depends_on",
                {"content_hash": intake.content_hash},
            ),
            (
                "ProcedureTemplate",
                bound.template.template_id,
                "depends_on",
                {
                    "content_hash": opened.template_ref.content_hash,
                    "current_stage_id": FRAME,
                },
            ),
            (
                "OracleSuite",
                STRUCTURE,
                "depends_on",
                {"content_hash": SUITES[STRUCTURE], "suite_hash": SUITES[STRUCTURE]},
            ),
        ]
        assert [(each.kind, each.id) for each in entered.refs] == [
            ("WorkSurface", bound.surface.work_surface_id),
            ("ProcedureStage", FRAME),
            ("OracleSuite", STRUCTURE),
        ]

    @pytest.mark.parametrize("phase", [IntakePhase.DRAFT, IntakePhase.ARCHIVED])
    def test_an_intake_that_is_not_active_is_refused(self, story, phase):
        story.intake = replace(story.intake, phase=phase)

        with pytest.raises(IntakeUnfit, match=f"is {phase}"):
            story.bind()

    def test_an_intake_of_another_unit_is_refused(self, story):
        content = build_intake_content(work_unit_id=WorkUnitId("WU-2"))
        story.intake = build_intake(content)

        with pytest.raises(IntakeUnfit, match="is of WU-2, not of WU-0001"):
            story.bind()

    def test_an_intake_of_another_kind_is_refused(self, story):
        story.intake = build_intake(build_intake_content(kind=WorkKind.CUSTOM))

        with pytest.raises(IntakeUnfit, match="is of kind custom"):
            story.bind()

    def test_a_suite_that_is_not_registered_is_refused(self, story):
        story.registered = {}

        with pytest.raises(SemanticProfileMissing, match=STRUCTURE):
            story.bind()

    def test_a_suite_of_a_later_stage_is_asked_for_when_it_is_entered(self, story):
        story.registered = {STRUCTURE: SUITES[STRUCTURE]}
        story.bind()

        with pytest.raises(SemanticProfileMissing, match=REFS):
            story.complete()

    def test_a_second_active_surface_is_refused(self, bound):
        with pytest.raises(WorkSurfaceTaken, match=bound.surface.work_surface_id):
            bound.bind()

    def test_after_the_first_is_left_another_may_be_bound(self, bound):
        bound.archive().bind()

        assert len(bound.unit.surfaces) == 2
        assert bound.unit.active == bound.surface

    def test_an_agent_does_not_bind(self, story):
        with pytest.raises(AuthorityRequired, match="a HUMAN or the SYSTEM"):
            story.bind(by=AGENT)

    def test_the_system_does(self, story):
        assert story.bind(by=SYSTEM).unit.active

    @pytest.mark.parametrize(
        "params",
        [{"": 1}, {"a": ""}, {"a": "x" * 20_001}, {str(each): 1 for each in range(65)}],
        ids=lambda each: str(each)[:20],
    )
    def test_parameters_are_bounded(self, story, params):
        with pytest.raises(MalformedInput, match="params"):
            story.bind(params=params)

    def test_parameters_are_kept(self, story):
        story.bind(params={"depth": 3, "tone": "plain"})

        assert story.log[0].params == {"depth": 3, "tone": "plain"}


class TestCompleteStage:
    """SPEC 4.6: a stage is left when its evidence lets it pass, and not before."""

    def test_it_goes_on_to_the_next_stage(self, last):
        completed, entered = last.log[-2:]

        assert isinstance(completed, StageCompleted)
        assert completed.next_stage_id == FINAL
        assert completed.gate_result == build_gate()
        assert isinstance(entered, StageEntered)
        assert entered.previous_stage_id == FRAME
        assert last.surface.current_stage_id == FINAL
        assert last.surface.suites[0].suite_id == REFS
        assert last.surface.stages == {
            FRAME: StagePhase.COMPLETED,
            FINAL: StagePhase.ENTERED,
        }

    def test_the_last_one_ends_the_surface(self, ended):
        completed, done = ended.log[-2:]

        assert completed.next_stage_id is None
        assert done == WorkSurfaceCompleted(
            work_surface_id=ended.surface.work_surface_id,
            final_stage_id=FINAL,
            evidence_bundle_ref=BUNDLE,
        )
        assert ended.surface.phase is SurfacePhase.COMPLETED
        assert ended.unit.active is None
        assert [each.rel for each in done.refs] == ["about", "about", "supported_by"]

    def test_the_evidence_and_waivers_of_its_gate_are_referred_to(self, bound):
        gate = replace(
            build_gate(GateStatus.PASS_WITH_WAIVERS, evidence=OTHER_BUNDLE),
            waiver_refs=(ExceptionId("exc_1"),),
        )

        bound.complete(gate=gate)

        refs = bound.log[-2].refs
        assert [(each.id, each.rel) for each in refs[2:]] == [
            (BUNDLE, "supported_by"),
            (OTHER_BUNDLE, "supported_by"),
            ("exc_1", "acknowledges"),
        ]

    @pytest.mark.parametrize(
        "claimed", [None, ClaimedGate(status=GateStatus.FAIL)], ids=["silent", "said"]
    )
    def test_a_failed_gate_never_advances(self, bound, claimed):
        with pytest.raises(GateFailed, match="oracle:structure"):
            bound.complete(gate=build_gate(GateStatus.FAIL), claimed=claimed)

    @pytest.mark.parametrize(
        ("claimed", "computed"),
        [
            (GateStatus.PASS, GateStatus.FAIL),
            (GateStatus.PASS, GateStatus.PASS_WITH_WAIVERS),
            (GateStatus.FAIL, GateStatus.PASS),
        ],
    )
    def test_what_is_declared_has_to_be_what_the_evidence_gives(
        self, bound, claimed, computed
    ):
        with pytest.raises(GateMismatch, match=f"gives {computed}, not .* {claimed}"):
            bound.complete(
                gate=build_gate(computed), claimed=ClaimedGate(status=claimed)
            )

    @pytest.mark.parametrize(
        "claimed",
        [
            {"oracle_results": {"oracle:structure": ResultStatus.FAIL}},
            {"oracle_results": {"oracle:other": ResultStatus.PASS}},
            {"waiver_refs": frozenset({"exc_1"})},
        ],
        ids=["another word", "another oracle", "another waiver"],
    )
    def test_so_has_every_part_of_it(self, bound, claimed):
        with pytest.raises(GateMismatch):
            bound.complete(claimed=ClaimedGate(status=GateStatus.PASS, **claimed))

    def test_a_waiver_that_was_used_is_not_kept_quiet(self, bound):
        gate = replace(
            build_gate(GateStatus.PASS_WITH_WAIVERS),
            waiver_refs=(ExceptionId("exc_1"),),
        )
        claimed = ClaimedGate(
            status=GateStatus.PASS_WITH_WAIVERS, waiver_refs=frozenset()
        )

        with pytest.raises(GateMismatch, match="waivers none"):
            bound.complete(gate=gate, claimed=claimed)

    @pytest.mark.parametrize(
        "claimed",
        [
            {},
            {
                "oracle_results": {"oracle:structure": ResultStatus.PASS},
                "waiver_refs": frozenset(),
            },
        ],
        ids=["status", "all"],
    )
    def test_a_true_declaration_is_accepted(self, bound, claimed):
        assert bound.complete(claimed=ClaimedGate(status=GateStatus.PASS, **claimed))

    def test_notes_are_kept(self, bound):
        bound.complete(notes="as discussed")

        assert bound.log[-2].notes == "as discussed"

    def test_empty_notes_are_none(self, bound):
        with pytest.raises(MalformedInput, match="notes"):
            bound.complete(notes=" ")

    def test_another_stage_than_the_current_one_is_refused(self, bound):
        with pytest.raises(TransitionRefused) as refused:
            bound.complete(FINAL)

        assert f"{FINAL} of {bound.surface.work_surface_id} is pending" in str(
            refused.value
        )
        assert FRAME in str(refused.value)

    def test_a_stage_is_not_completed_twice(self, last):
        with pytest.raises(TransitionRefused, match="is completed"):
            last.complete(FRAME)

    def test_an_unknown_stage_is_refused(self, bound):
        with pytest.raises(StageUnknown, match="stage:NOWHERE"):
            bound.complete(StageId("stage:NOWHERE"))

    def test_an_agent_does_not_complete(self, bound):
        with pytest.raises(AuthorityRequired, match="a HUMAN or the SYSTEM"):
            bound.complete(by=AGENT)

    def test_a_completed_surface_has_no_stage_to_complete(self, ended):
        with pytest.raises(WorkSurfaceNotActive, match="allows ArchiveWorkSurface"):
            ended.complete()

    def test_an_archived_surface_allows_nothing(self, bound):
        bound.archive()

        with pytest.raises(WorkSurfaceNotActive, match="allows nothing"):
            bound.complete()

    def test_an_unknown_surface_is_not_found(self):
        with pytest.raises(NotFound, match="ws:none"):
            WorkUnit().surface(WorkSurfaceId("ws:none"))


class TestApproval:
    """SPEC 4.6, C-TB-3: where a human has to approve, nothing else will do."""

    def test_without_one_the_stage_is_held(self, last):
        with pytest.raises(ApprovalRequired, match="none is recorded") as refused:
            last.complete()

        assert refused.value.details == {
            "work_surface_id": last.surface.work_surface_id,
            "stage_id": FINAL,
            "portal_id": Portal.EXCEPTION,
        }

    @pytest.mark.parametrize(
        "said", [ApprovalDecision.REJECTED, ApprovalDecision.DEFERRED]
    )
    def test_any_other_word_holds_it_too(self, last, said):
        with pytest.raises(ApprovalRequired, match=f"says {said}"):
            last.hear(said).complete()

    def test_the_latest_word_holds(self, last):
        last.hear().hear(ApprovalDecision.REJECTED)

        with pytest.raises(ApprovalRequired, match="says REJECTED"):
            last.complete()

    def test_an_approval_after_a_rejection_counts(self, last):
        assert last.hear(ApprovalDecision.REJECTED).hear().complete()

    def test_it_is_given_at_the_stages_own_portal(self, last):
        with pytest.raises(ApprovalRequired, match="recorded at ReleaseApprovalPortal"):
            last.hear(portal=Portal.RELEASE).complete()

    def test_it_is_about_the_evidence_that_the_stage_is_completed_with(self, last):
        with pytest.raises(ApprovalRequired, match="about other evidence"):
            last.hear(evidence=(OTHER_BUNDLE,)).complete()

    def test_one_that_cites_no_evidence_is_about_none(self, last):
        with pytest.raises(ApprovalRequired, match="about other evidence"):
            last.hear(evidence=()).complete()

    def test_another_request_at_the_portal_approves_no_stage(self, last):
        with pytest.raises(ApprovalRequired, match="answers BUDGET_ESCALATION"):
            last.hear(request=RequestType.BUDGET_ESCALATION).complete()

    def test_one_from_before_the_stage_was_entered_does_not_count(self, bound):
        name = bound.surface.work_surface_id

        assert heard(bound.unit, name, FINAL, SAID) == bound.unit

    def test_one_about_another_surface_does_not_count(self, last):

        assert heard(last.unit, WorkSurfaceId("ws:other"), FINAL, SAID) == last.unit

    @pytest.mark.parametrize("named_by", ["stage", "surface"])
    def test_it_names_the_stage_or_the_surface(self, last, named_by):
        name = last.surface.work_surface_id
        refs = {
            "stage": stage_ref(FINAL, name, RefRelation.ABOUT),
            "surface": Ref(
                kind=RefKind.WORK_SURFACE,
                id=name,
                rel=RefRelation.ABOUT,
                meta={"stage_id": FINAL},
            ),
        }

        last.unit = heard_at(last.unit, [refs[named_by]], SAID)

        assert last.surface.approvals == {FINAL: SAID}
        assert last.complete().surface.phase is SurfacePhase.COMPLETED

    def test_a_surface_without_its_stage_names_none(self, last):
        name = last.surface.work_surface_id
        ref = work_surface_ref(name, RefRelation.ABOUT)

        assert heard_at(last.unit, [ref], SAID) == last.unit

    def test_one_about_a_candidate_alone_is_about_no_stage(self, last):
        released = Story().open().iterate().register().judge().verify().approve()
        before = last.unit

        last.record([released.approval])

        assert last.unit == before

    def test_a_stage_that_needs_none_is_not_held(self, bound):
        assert bound.complete()


class TestArchive:
    """SPEC 4.6: an active or completed surface is archived, once."""

    def test_what_was_not_completed_is_skipped(self, last):
        last.archive("no longer wanted")

        assert last.log[-1] == WorkSurfaceArchived(
            work_surface_id=last.surface.work_surface_id,
            reason="no longer wanted",
            stage_status={FRAME: StagePhase.COMPLETED, FINAL: StagePhase.SKIPPED},
        )
        assert last.surface.stages[FINAL] is StagePhase.SKIPPED
        assert last.surface.phase is SurfacePhase.ARCHIVED
        assert [each.kind for each in last.log[-1].refs] == ["WorkSurface"]

    def test_a_completed_one_is_archived(self, ended):
        ended.archive()

        assert ended.surface.phase is SurfacePhase.ARCHIVED

    def test_an_archived_one_is_not(self, bound):
        bound.archive()

        with pytest.raises(TransitionRefused, match="is archived"):
            bound.archive()

    def test_an_empty_reason_is_none(self, bound):
        with pytest.raises(MalformedInput, match="reason"):
            bound.archive("")

    def test_an_agent_does_not_archive(self, bound):
        with pytest.raises(AuthorityRequired):
            bound.archive(by=AGENT)


ACTS = {
    "bind": lambda story: story.bind(),
    "bind as an agent": lambda story: story.bind(by=AGENT),
    "complete": lambda story: story.complete(),
    "complete the first": lambda story: story.complete(FRAME),
    "complete the last": lambda story: story.complete(FINAL),
    "fail": lambda story: story.complete(gate=build_gate(GateStatus.FAIL)),
    "waive": lambda story: story.complete(
        gate=build_gate(GateStatus.PASS_WITH_WAIVERS)
    ),
    "approve": lambda story: story.hear(),
    "reject": lambda story: story.hear(ApprovalDecision.REJECTED),
    "archive": lambda story: story.archive(),
}


@given(st.lists(st.sampled_from([*ACTS]), max_size=14))
def test_whatever_is_asked_only_what_is_allowed_comes_of_it(names):
    """One active surface; stages in order; every failed gate holds; refusals say why."""
    story = WorkStory()
    for name in names:
        if not story.unit.surfaces and "bind" not in name:
            continue
        before = story.unit
        try:
            ACTS[name](story)
        except Refused:
            assert story.unit == before
        active = [
            each
            for each in story.unit.surfaces.values()
            if each.phase is SurfacePhase.ACTIVE
        ]
        assert len(active) <= 1
        for each in story.unit.surfaces.values():
            entered = [
                stage
                for stage, phase in each.stages.items()
                if phase is StagePhase.ENTERED
            ]
            is_active = each.phase is SurfacePhase.ACTIVE
            assert entered == ([each.current_stage_id] if is_active else [])
            if each.stages[FINAL] is StagePhase.COMPLETED:
                assert each.stages[FRAME] is StagePhase.COMPLETED
                assert each.approvals[FINAL].decision is ApprovalDecision.APPROVED
    assert not any(
        isinstance(each, StageCompleted) and each.gate_result.status is GateStatus.FAIL
        for each in story.log
    )


def test_a_procedure_of_one_stage_ends_at_once():
    only = build_stage(FINAL, then=TERMINAL)
    story = WorkStory(template=build_template([only], initial_stage_id=FINAL))

    story.bind().complete()

    assert story.surface.phase is SurfacePhase.COMPLETED
    assert fold(story.log) == story.unit  # what is recorded tells the whole state
