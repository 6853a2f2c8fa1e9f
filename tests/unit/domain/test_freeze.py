"""The freeze record (C-SHIP-1, C-EXC-2): what it holds, and what it must rest on."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import (
    ApprovalUnfit,
    AuthorityRequired,
    MalformedInput,
    NotVerified,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.freeze import (
    CreateFreeze,
    FreezeRecordCreated,
    FrozenArtifact,
    FrozenVerification,
    decide,
)
from sr_core.domain.ids import CandidateId, ExceptionId, FreezeId
from sr_core.domain.integrity import Portal
from sr_core.domain.verification import VerificationStatus
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    FILES,
    HUMAN,
    SOME_HASH,
    SYSTEM,
    Story,
    ulid,
)

FREEZE = CreateFreeze(
    by=HUMAN, freeze_id=FreezeId(f"freeze_{ulid(1)}"), baseline_id="baseline:1"
)
WAIVER = ExceptionId(f"exc_{ulid(99)}")


@pytest.fixture
def approved(verified: Story) -> Story:
    return verified.approve()


def frozen(
    story: Story, command: CreateFreeze = FREEZE, **changes: Any
) -> tuple[FreezeRecordCreated, ...]:
    given = {
        "run": story.run,
        "approval": story.approval,
        "active_exceptions": story.active_exceptions,
        **changes,
    }
    return decide(story.candidate, command, **given)


class TestWhatItHolds:
    """C-SHIP-1: everything that the release rests on, by its hash."""

    def test_all_of_it_is_computed(self, approved):
        (file,) = approved.candidate.manifest.files

        (freeze,) = frozen(approved)

        assert freeze == FreezeRecordCreated(
            freeze_id=FREEZE.freeze_id,
            baseline_id="baseline:1",
            candidate_id=approved.candidate.candidate_id,
            verification=FrozenVerification(
                status=VerificationStatus.VERIFIED_STRICT,
                oracle_suite_id=approved.suite.suite_id,
                oracle_suite_hash=approved.suite.suite_hash,
                evidence_bundle_refs=(approved.run.evidence,),
                waiver_refs=(),
            ),
            release_approval_id=approved.approval.approval_id,
            artifact_manifest=(
                FrozenArtifact(artifact_id=file.path, content_hash=file.content_hash),
            ),
            active_exceptions=(),
        )
        assert file.path in FILES

    def test_active_exceptions_are_in_it(self, story):
        story.open().iterate().register().judge({BUILD: ResultStatus.FAIL})
        story.waive().verify().approve()

        (freeze,) = frozen(story)

        assert freeze.active_exceptions == (story.waiver.exception_id,)
        assert freeze.verification.waiver_refs == freeze.active_exceptions
        assert freeze.verification.status is VerificationStatus.VERIFIED_WITH_EXCEPTIONS


class TestWhatItRestsOn:
    """C-SHIP-1: a verified candidate, and an approval of this very release."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_only_who_may_release_freezes(self, approved, by):
        with pytest.raises(AuthorityRequired, match="creating a freeze record needs"):
            frozen(approved, replace(FREEZE, by=by))

    def test_without_a_run_nothing_is_frozen(self, approved):
        with pytest.raises(NotVerified):
            frozen(approved, run=None)

    def test_a_run_without_evidence_is_not_enough(self, approved):
        with pytest.raises(NotVerified):
            frozen(approved, run=approved.begin_run().run)

    def test_what_is_not_verified_is_not_frozen(self, approved):
        approved.lose_evidence().verify()

        with pytest.raises(NotVerified):
            frozen(approved)

    def test_an_approval_at_another_portal_does_not_do(self, verified):
        verified.approve(portal=Portal.GOVERNANCE)

        with pytest.raises(ApprovalUnfit, match="was given at GovernanceChangePortal"):
            frozen(verified)

    @pytest.mark.parametrize(
        "said", [ApprovalDecision.REJECTED, ApprovalDecision.DEFERRED]
    )
    def test_nor_does_a_no(self, verified, said):
        verified.approve(said)

        with pytest.raises(ApprovalUnfit, match=f"says {said}"):
            frozen(verified)

    def test_nor_does_one_of_another_candidate(self, approved):
        other = replace(
            approved.approval,
            candidate_id=CandidateId(f"{SOME_HASH}|cand_{ulid(99)}"),
        )

        with pytest.raises(ApprovalUnfit, match="is about sha256"):
            frozen(approved, approval=other)

    def test_nor_does_one_that_is_older_than_the_evidence(self, approved):
        approved.judge().verify()

        with pytest.raises(ApprovalUnfit, match=r"was given before .* was recorded"):
            frozen(approved)

    def test_nor_does_one_that_leaves_out_an_exception(self, approved):
        with pytest.raises(ApprovalUnfit) as unfit:
            frozen(approved, active_exceptions=(WAIVER,))

        assert str(unfit.value) == (
            f"{approved.approval.approval_id} does not acknowledge {WAIVER}. "
            "Record an approval of this candidate at ReleaseApprovalPortal."
        )

    @pytest.mark.parametrize("baseline_id", ["", " \t"], ids=repr)
    def test_a_baseline_has_a_name(self, approved, baseline_id):
        with pytest.raises(MalformedInput, match="baseline_id"):
            frozen(approved, replace(FREEZE, baseline_id=baseline_id))
