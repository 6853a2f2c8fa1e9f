"""Approvals (C-TB-3, C-TB-6, C-EXC-2): whose they are, and what they must hold."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.approval import (
    ApprovalDecision,
    ApprovalRecorded,
    RecordApproval,
    decide,
)
from sr_core.domain.errors import AuthorityRequired, MalformedInput, NotVerified
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import ApprovalId, ExceptionId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    HUMAN,
    SOME_HASH,
    SYSTEM,
    Story,
    ulid,
)

WAIVER_1, WAIVER_2 = (ExceptionId(f"exc_{ulid(each)}") for each in (1, 2))


def approving(story: Story, **changes: Any) -> RecordApproval:
    command = RecordApproval(
        by=HUMAN,
        approval_id=ApprovalId(f"appr_{ulid(1)}"),
        portal=Portal.RELEASE,
        decision=ApprovalDecision.APPROVED,
        evidence=story.dossier.evidence_of(story.candidate.candidate_id),
        exceptions_acknowledged=(),
        rationale="as reviewed",
    )
    return replace(command, **changes)


def approved(
    story: Story, *, active: tuple[ExceptionId, ...] = (), **changes: Any
) -> tuple[ApprovalRecorded, ...]:
    return decide(
        story.candidate,
        approving(story, **changes),
        recorded_evidence=story.dossier.evidence_of(story.candidate.candidate_id),
        active_exceptions=active,
    )


class TestWho:
    """C-TB-1, SPEC 7.1: a human with the portal's role."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_nobody_else_approves(self, verified, by):
        with pytest.raises(AuthorityRequired):
            approved(verified, by=by)

    @pytest.mark.parametrize("portal", Portal)
    def test_each_portal_has_its_role(self, verified, portal):
        fits = Actor(ActorKind.HUMAN, "oidc_sub:a:b", frozenset({PORTAL_ROLE[portal]}))
        lacks = Actor(ActorKind.HUMAN, "oidc_sub:a:b", HUMAN.roles - fits.roles)

        assert approved(verified, by=fits, portal=portal)
        with pytest.raises(AuthorityRequired, match=f"approving at {portal} needs"):
            approved(verified, by=lacks, portal=portal)

    def test_a_role_alone_makes_no_human(self, verified):
        impostor = Actor(ActorKind.SYSTEM, SYSTEM.actor_id, HUMAN.roles)

        with pytest.raises(AuthorityRequired, match="kind HUMAN"):
            approved(verified, by=impostor)


class TestWhat:
    """C-TB-6: the subject, the evidence reviewed, the exceptions acknowledged."""

    def test_it_is_recorded_as_it_was_said(self, verified):
        events = approved(verified)

        assert events == (
            ApprovalRecorded(
                approval_id=ApprovalId(f"appr_{ulid(1)}"),
                portal_id=Portal.RELEASE,
                decision=ApprovalDecision.APPROVED,
                candidate_id=verified.candidate.candidate_id,
                evidence_refs=(verified.run.evidence,),
                exceptions_acknowledged=(),
                rationale="as reviewed",
            ),
        )

    def test_what_is_not_verified_is_not_approved(self, judged):
        with pytest.raises(NotVerified, match="is UNVERIFIED"):
            approved(judged)

    @pytest.mark.parametrize(
        "said", [ApprovalDecision.REJECTED, ApprovalDecision.DEFERRED]
    )
    def test_it_can_be_turned_down_all_the_same(self, judged, said):
        assert approved(judged, decision=said)

    def test_no_evidence_is_not_enough(self, verified):
        with pytest.raises(MalformedInput, match="evidence_refs"):
            approved(verified, evidence=())

    def test_evidence_is_the_candidates_own(self, verified):
        evidence = (verified.run.evidence, SOME_HASH)

        with pytest.raises(MalformedInput, match="some of the bundles recorded for"):
            approved(verified, evidence=evidence)

    def test_where_there_is_none_that_is_said(self):
        story = Story().open().iterate().register()

        with pytest.raises(MalformedInput, match="there are none"):
            approved(story, decision=ApprovalDecision.REJECTED, evidence=(SOME_HASH,))

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

    def test_a_waived_candidate_is_approved(self, story):
        story.open().iterate().register().judge({BUILD: ResultStatus.FAIL})
        story.waive().verify().approve()

        assert story.approval.exceptions_acknowledged == (story.waiver.exception_id,)
