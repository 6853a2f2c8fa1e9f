"""Whether a candidate may ship (C-SHIP-1, SPEC 4.4), and every reason why not."""

import pytest

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import CandidateId
from sr_core.domain.integrity import Portal
from sr_core.domain.shippable import Reason, assess
from sr_core.testing import BUILD, SOME_HASH, Story, ulid


def reasons(story: Story) -> tuple[Reason, ...]:
    return assess(story.dossier, story.candidate.candidate_id).reasons


class TestReady:
    """C-SHIP-1: verified, approved, frozen, and nothing stands against it."""

    def test_with_all_of_it_nothing_stands_against_it(self, verified):
        verified.approve().freeze()

        ready = assess(verified.dossier, verified.candidate.candidate_id)

        assert ready.is_shippable
        assert ready.reasons == ()
        assert ready.release_approval_id == verified.approval.approval_id
        assert ready.freeze_id == verified.log[-1].freeze_id

    def test_the_latest_approval_is_named(self, verified):
        verified.approve().approve()

        ready = assess(verified.dossier, verified.candidate.candidate_id)

        assert ready.release_approval_id == verified.approval.approval_id


class TestNotReady:
    """SPEC 4.4: all the reasons that apply, at once."""

    def test_of_a_new_candidate_everything_is_missing(self, judged):
        assert reasons(judged) == (
            Reason.MISSING_FREEZE_RECORD,
            Reason.MISSING_RELEASE_APPROVAL,
            Reason.NOT_VERIFIED,
        )

    def test_verified_is_not_enough(self, verified):
        assert reasons(verified) == (
            Reason.MISSING_FREEZE_RECORD,
            Reason.MISSING_RELEASE_APPROVAL,
        )

    def test_approved_is_not_enough(self, verified):
        assert reasons(verified.approve()) == (Reason.MISSING_FREEZE_RECORD,)

    @pytest.mark.parametrize(
        ("said", "portal"),
        [
            (ApprovalDecision.REJECTED, Portal.RELEASE),
            (ApprovalDecision.DEFERRED, Portal.RELEASE),
            (ApprovalDecision.APPROVED, Portal.GOVERNANCE),
        ],
    )
    def test_only_a_yes_at_the_release_portal_counts(self, verified, said, portal):
        verified.approve(said, portal=portal)

        assert Reason.MISSING_RELEASE_APPROVAL in reasons(verified)

    def test_another_candidates_approval_does_not_count(self, verified):
        verified.approve().register({"b": b"other"})

        assert Reason.MISSING_RELEASE_APPROVAL in reasons(verified)

    def test_evidence_that_is_gone_takes_it_back(self, verified):
        verified.approve().freeze().lose_evidence().verify()

        assert reasons(verified) == (
            Reason.EVIDENCE_MISSING,
            Reason.INTEGRITY_UNRESOLVED,
            Reason.NOT_VERIFIED,
        )

    def test_a_silent_oracle_stands_against_it(self, judged):
        judged.judge({BUILD: None}).verify()

        assert Reason.INTEGRITY_UNRESOLVED in reasons(judged)
        assert Reason.EVIDENCE_MISSING not in reasons(judged)

    def test_of_an_unknown_candidate_nothing_is_said(self, verified):
        with pytest.raises(NotFound, match="No candidate"):
            assess(verified.dossier, CandidateId(f"{SOME_HASH}|cand_{ulid(99)}"))
