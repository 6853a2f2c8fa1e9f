"""Approvals (C-TB-3, C-TB-6, C-EXC-2): whose they are, and what they must hold."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.approval import (
    ApprovalDecision,
    ApprovalRecorded,
    RecordApproval,
    Reviewed,
    StageSubject,
    decide,
)
from sr_core.domain.errors import (
    AuthorityRequired,
    IntegrityUnresolved,
    MalformedInput,
    SelfApproval,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.ids import ApprovalId, ExceptionId
from sr_core.domain.integrity import IntegrityCondition, Portal
from sr_core.domain.judging_errors import NotVerified
from sr_core.domain.portal import PORTAL_OF, PORTALS, RequestType
from sr_core.domain.ref_builders import candidate_ref, loop_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    SOME_HASH,
    SYSTEM,
    Story,
    ulid,
)

WAIVER_1, WAIVER_2 = (ExceptionId(f"exc_{ulid(each)}") for each in (1, 2))
ABOUT = RefRelation.ABOUT
SURFACE = Ref(
    kind=RefKind.WORK_SURFACE,
    id=f"ws:{ulid(1)}",
    rel=ABOUT,
    meta={"stage_id": "stage:DRAFT"},
)
STAGE = Ref(
    kind=RefKind.PROCEDURE_STAGE,
    id="stage:DRAFT",
    rel=ABOUT,
    meta={"work_surface_id": f"ws:{ulid(1)}"},
)


def approving(story: Story, **changes: Any) -> RecordApproval:
    command = RecordApproval(
        by=HUMAN,
        approval_id=ApprovalId(f"appr_{ulid(1)}"),
        portal=Portal.RELEASE,
        decision=ApprovalDecision.APPROVED,
        subjects=(candidate_ref(story.candidate.candidate_id, ABOUT),),
        evidence=story.dossier.evidence_of(story.candidate.candidate_id),
        exceptions_acknowledged=(),
        rationale="as reviewed",
    )
    return replace(command, **changes)


def approved(
    story: Story, *, active: tuple[ExceptionId, ...] = (), **changes: Any
) -> tuple[ApprovalRecorded, ...]:
    waivers = dict.fromkeys(active, ExceptionKind.WAIVER)
    known = {**waivers, WAIVER_1: ExceptionKind.WAIVER, WAIVER_2: ExceptionKind.WAIVER}
    seen = changes.pop("seen", {})
    return decide(
        approving(story, **changes),
        replace(story.reviewed, active=waivers, known=known, **seen),
    )


class TestWho:
    """C-TB-1, SPEC 7.1: a human with the request's role."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_nobody_else_approves(self, verified, by):
        with pytest.raises(AuthorityRequired):
            approved(verified, by=by)

    @pytest.mark.parametrize("request_type", RequestType)
    def test_each_request_has_its_roles(self, verified, request_type):
        portal = PORTAL_OF[request_type]
        rule = PORTALS[portal].requests[request_type]
        said = (
            ApprovalDecision.APPROVED
            if rule.is_approvable
            else ApprovalDecision.REJECTED
        )
        fits = Actor(ActorKind.HUMAN, "oidc_sub:a:b", rule.roles)
        lacks = Actor(ActorKind.HUMAN, "oidc_sub:a:b", HUMAN.roles - rule.roles)
        asked = {"portal": portal, "request_type": request_type, "decision": said}

        assert approved(verified, by=fits, **asked)
        with pytest.raises(AuthorityRequired, match=f"{request_type} at {portal}"):
            approved(verified, by=lacks, **asked)

    def test_a_role_alone_makes_no_human(self, verified):
        impostor = Actor(ActorKind.SYSTEM, SYSTEM.actor_id, HUMAN.roles)

        with pytest.raises(AuthorityRequired, match="kind HUMAN"):
            approved(verified, by=impostor)

    def test_who_made_the_candidate_does_not_release_it(self, verified):
        with pytest.raises(SelfApproval, match="other than the one who registered it"):
            approved(verified, seen={"made_by": HUMAN})

    def test_but_may_turn_it_down(self, verified):
        assert approved(
            verified,
            decision=ApprovalDecision.REJECTED,
            seen={"made_by": HUMAN},
        )

    def test_a_portal_takes_its_own_requests_alone(self, verified):
        with pytest.raises(
            MalformedInput, match="one that ReleaseApprovalPortal takes"
        ):
            approved(verified, request_type=RequestType.ENG_ACCEPT)


class TestWhat:
    """C-TB-6: the subject, the evidence reviewed, the exceptions acknowledged."""

    def test_it_is_recorded_as_it_was_said(self, verified):
        events = approved(verified)

        assert events == (
            ApprovalRecorded(
                approval_id=ApprovalId(f"appr_{ulid(1)}"),
                portal_id=Portal.RELEASE,
                request_type=RequestType.RELEASE_APPROVAL,
                decision=ApprovalDecision.APPROVED,
                subject_refs=(candidate_ref(verified.candidate.candidate_id, ABOUT),),
                evidence_refs=(verified.run.evidence,),
                exceptions_acknowledged=(),
                acknowledged_kinds={},
                rationale="as reviewed",
                attestations=None,
            ),
        )

    def test_what_is_not_verified_is_not_released(self, judged):
        with pytest.raises(NotVerified, match="is UNVERIFIED"):
            approved(judged)

    def test_only_a_release_needs_a_verified_candidate(self, judged):
        assert approved(judged, portal=Portal.GOVERNANCE)
        assert approved(judged, portal=Portal.EXCEPTION)

    def test_a_release_is_of_a_candidate(self, verified):
        with pytest.raises(
            MalformedInput, match="the candidate that is to be released"
        ):
            approved(
                verified,
                subjects=(loop_ref(LOOP_1, ABOUT),),
                seen={"candidate": None},
            )

    @pytest.mark.parametrize(
        "said", [ApprovalDecision.REJECTED, ApprovalDecision.DEFERRED]
    )
    def test_it_can_be_turned_down_all_the_same(self, judged, said):
        assert approved(judged, decision=said)

    def test_a_hold_is_no_approval(self, verified):
        with pytest.raises(MalformedInput, match="REJECTED or DEFERRED"):
            approved(verified, request_type=RequestType.RELEASE_HOLD)

    @pytest.mark.parametrize("portal", [Portal.RELEASE, Portal.EXCEPTION])
    def test_no_evidence_is_not_enough(self, verified, portal):
        with pytest.raises(MalformedInput, match="evidence_refs"):
            approved(verified, portal=portal, evidence=())

    def test_a_change_of_what_governs_may_rest_on_none(self, verified):
        assert approved(
            verified,
            portal=Portal.GOVERNANCE,
            subjects=(replace(DIRECTIVE, rel=ABOUT),),
            evidence=(),
        )

    def test_evidence_is_the_candidates_own(self, verified):
        evidence = (verified.run.evidence, SOME_HASH)

        with pytest.raises(MalformedInput, match="some of the bundles recorded for"):
            approved(verified, evidence=evidence)

    def test_where_there_is_none_that_is_said(self):
        story = Story().open().iterate().register()

        with pytest.raises(MalformedInput, match="there are none"):
            approved(story, decision=ApprovalDecision.REJECTED, evidence=(SOME_HASH,))

    def test_nothing_is_no_subject(self, verified):
        with pytest.raises(MalformedInput, match="at least one typed ref"):
            approved(verified, subjects=())

    def test_a_subject_is_what_it_is_about(self, verified):
        subject = candidate_ref(verified.candidate.candidate_id, RefRelation.RELEASES)

        with pytest.raises(MalformedInput, match="rel of the subject"):
            approved(verified, subjects=(subject,))

    def test_a_candidate_is_pinned_by_its_own_hash(self, verified):
        subject = candidate_ref(verified.candidate.candidate_id, ABOUT)
        other = replace(subject, meta={"content_hash": SOME_HASH})

        with pytest.raises(MalformedInput, match=r"meta\.content_hash"):
            approved(verified, subjects=(other,))

    def test_one_approval_is_about_one_candidate(self, verified):
        first = verified.candidate.candidate_id
        verified.register({"b": b"other"})
        both = tuple(
            candidate_ref(each, ABOUT)
            for each in (first, verified.candidate.candidate_id)
        )

        with pytest.raises(MalformedInput, match="one candidate an approval"):
            approved(verified, subjects=both)


class TestIntegrity:
    """C-OR-7: while a condition stands, nothing is accepted or released."""

    STANDING = {"standing": frozenset({IntegrityCondition.ORACLE_GAP})}  # noqa: RUF012 - a constant

    @pytest.mark.parametrize("portal", [Portal.RELEASE, Portal.EXCEPTION])
    def test_it_bars_release_and_acceptance(self, verified, portal):
        with pytest.raises(IntegrityUnresolved, match="ORACLE_GAP stands"):
            approved(verified, portal=portal, seen=self.STANDING)

    def test_a_no_is_heard(self, verified):
        assert approved(
            verified, decision=ApprovalDecision.REJECTED, seen=self.STANDING
        )

    def test_so_is_whoever_changes_what_governs(self, verified):
        assert approved(verified, portal=Portal.GOVERNANCE, seen=self.STANDING)


class TestExceptions:
    """C-EXC-2: exactly the active ones are acknowledged, each by its kind."""

    @pytest.mark.parametrize(
        ("active", "acknowledged"),
        [
            ((WAIVER_1,), ()),
            ((), (WAIVER_1,)),
            ((WAIVER_1,), (WAIVER_2,)),
            ((WAIVER_1, WAIVER_2), (WAIVER_1,)),
        ],
        ids=["one left out", "one too many", "another", "one of two"],
    )
    def test_exactly_the_active_exceptions_are_acknowledged(
        self, verified, active, acknowledged
    ):
        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            approved(verified, active=active, exceptions_acknowledged=acknowledged)

    def test_their_order_is_no_matter(self, verified):
        both = (WAIVER_1, WAIVER_2)

        assert approved(verified, active=both, exceptions_acknowledged=both[::-1])

    def test_an_exception_that_nobody_recorded_is_none(self, verified):
        stranger = ExceptionId(f"exc_{ulid(99)}")

        with pytest.raises(MalformedInput, match="exceptions that are recorded"):
            approved(verified, exceptions_acknowledged=(stranger,))

    def test_a_waived_candidate_is_approved(self, story):
        story.open().iterate().register().judge({BUILD: ResultStatus.FAIL})
        story.waive().verify().approve()

        assert story.approval.exceptions_acknowledged == (story.exception.exception_id,)

    def test_each_is_referred_to_by_its_kind(self, verified):
        verified.draw_up_deviation().activate().draw_up_deferral().activate().approve()

        kinds = [
            each.kind
            for each in verified.approval.refs
            if each.rel is RefRelation.ACKNOWLEDGES
        ]
        assert kinds == [RefKind.DEVIATION, RefKind.DEFERRAL]


class TestWhatFollows:
    """SPEC 4.4, 4.6: what an approval lets happen."""

    def test_a_release_is_of_its_candidate_alone(self, verified):
        first = verified.candidate.candidate_id
        verified.approve().register({"b": b"other"})

        assert verified.approval.releases(first)
        assert not verified.approval.releases(verified.candidate.candidate_id)

    @pytest.mark.parametrize(
        "changes",
        [
            {"decision": ApprovalDecision.REJECTED},
            {"portal_id": Portal.GOVERNANCE},
            {"request_type": RequestType.RELEASE_HOLD},
        ],
        ids=str,
    )
    def test_no_other_word_releases(self, verified, changes):
        verified.approve()
        other = replace(verified.approval, **changes)

        assert not other.releases(verified.candidate.candidate_id)

    @pytest.mark.parametrize("subject", [SURFACE, STAGE], ids=["surface", "stage"])
    def test_a_stage_is_accepted_however_it_is_named(self, subject):
        command = RecordApproval(
            by=HUMAN,
            approval_id=ApprovalId(f"appr_{ulid(1)}"),
            portal=Portal.EXCEPTION,
            decision=ApprovalDecision.APPROVED,
            subjects=(subject,),
            evidence=(SOME_HASH,),
            exceptions_acknowledged=(),
        )
        seen = Reviewed(recorded=(SOME_HASH,), active={}, known={})

        (accepted,) = decide(command, seen)

        assert accepted.candidate_id is None
        stage = StageSubject(work_surface_id=f"ws:{ulid(1)}", stage_id="stage:DRAFT")
        assert accepted.accepts(stage)
        assert not accepted.accepts(replace(stage, stage_id="stage:REVIEW"))

    def test_a_surface_without_a_stage_names_none(self, verified):
        verified.approve()
        whole = replace(SURFACE, meta={})
        bare = replace(STAGE, meta={})

        assert verified.approval.stage is None
        assert replace(verified.approval, subject_refs=(whole, bare)).stage is None
