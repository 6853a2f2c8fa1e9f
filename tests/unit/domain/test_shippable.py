"""Whether a candidate may ship (C-SHIP-1, SPEC 4.4), and every reason why not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import NotFound
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.graph import Node
from sr_core.domain.ids import CandidateId
from sr_core.domain.integrity import Portal
from sr_core.domain.refs import RefKind
from sr_core.domain.shippable import Readiness, Reason, assess, rests_on
from sr_core.testing import BUILD, SOME_HASH, Story, ulid

NOBODY = CandidateId(f"{SOME_HASH}|cand_{ulid(99)}")


def assessed(story: Story, *stale: Node) -> Readiness:
    return assess(
        story.dossier,
        story.candidate.candidate_id,
        stale=stale,
        active=story.active_exceptions,
    )


def reasons(story: Story, *stale: Node) -> tuple[Reason, ...]:
    return assessed(story, *stale).reasons


class TestReady:
    """C-SHIP-1: verified, approved, frozen, and nothing stands against it."""

    def test_with_all_of_it_nothing_stands_against_it(self, verified):
        verified.approve().freeze()

        ready = assessed(verified)

        assert ready.is_shippable
        assert ready.reasons == ()
        assert ready.release_approval_id == verified.approval.approval_id
        assert ready.freeze_id == verified.log[-1].freeze_id

    def test_the_latest_approval_is_named(self, verified):
        verified.approve().approve()

        ready = assessed(verified)

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
            assess(verified.dossier, NOBODY, stale=(), active=())
        with pytest.raises(NotFound, match="No candidate"):
            rests_on(verified.dossier, NOBODY)


class TestFreezeIncomplete:
    """SPEC 4.4, C-EXC-2: a freeze is complete as long as it names all there is."""

    @pytest.fixture
    def failed(self, story: Story) -> Story:
        """A candidate whose build failed, in its only run."""
        return story.open().iterate().register().judge({BUILD: ResultStatus.FAIL})

    def test_an_exception_that_came_later_is_not_in_it(self, failed):
        failed.waive().verify().approve().freeze()
        assert reasons(failed) == ()

        failed.waive()

        assert reasons(failed) == (Reason.FREEZE_INCOMPLETE,)

    def test_an_expired_one_need_not_be(self, failed):
        failed.waive().verify().approve().freeze()
        failed.waive()
        assert reasons(failed) == (Reason.FREEZE_INCOMPLETE,)

        failed.now += timedelta(days=1)

        assert reasons(failed) == ()

    def test_a_later_run_is_not_in_it(self, verified):
        verified.approve().freeze().judge().verify()

        assert reasons(verified) == (Reason.FREEZE_INCOMPLETE,)

    def test_another_freeze_completes_it(self, verified):
        verified.approve().freeze().judge().verify().approve().freeze()

        assert reasons(verified) == ()

    def test_one_without_a_manifest_never_is(self, verified):
        verified.approve().freeze()
        (frozen,) = verified.dossier.freezes.values()
        bare = replace(frozen, artifact_manifest=())
        verified.record([bare])

        assert reasons(verified) == (Reason.FREEZE_INCOMPLETE,)


class TestStaleness:
    """SPEC 4.4: nothing that the release rests on is stale."""

    def test_it_rests_on_candidate_suite_freeze_and_manifest(self, verified):
        verified.approve().freeze()
        (frozen,) = verified.dossier.freezes.values()

        found = rests_on(verified.dossier, verified.candidate.candidate_id)

        artifacts = {each.artifact_id for each in frozen.artifact_manifest}
        assert artifacts
        assert {(each.kind, each.id) for each in found} == {
            (RefKind.CANDIDATE, verified.candidate.candidate_id),
            (RefKind.ORACLE_SUITE, verified.suite.suite_id),
            (RefKind.FREEZE, frozen.freeze_id),
            *((RefKind.GOVERNED_ARTIFACT, each) for each in artifacts),
        }

    def test_before_the_freeze_on_candidate_and_suite(self, verified):
        found = rests_on(verified.dossier, verified.candidate.candidate_id)

        assert {each.kind for each in found} == {
            RefKind.CANDIDATE,
            RefKind.ORACLE_SUITE,
        }

    def test_another_candidates_suite_is_not_among_it(self, verified):
        verified.register({"b": b"other"})

        found = rests_on(verified.dossier, verified.candidate.candidate_id)

        assert [each.kind for each in found] == [RefKind.CANDIDATE]

    def test_anything_stale_takes_it_back(self, verified):
        verified.approve().freeze()
        (stale, *_) = rests_on(verified.dossier, verified.candidate.candidate_id)

        ready = assessed(verified, stale)

        assert ready.reasons == (Reason.UNRESOLVED_STALENESS,)
        assert ready.has_unresolved_staleness
        assert not assessed(verified).has_unresolved_staleness
