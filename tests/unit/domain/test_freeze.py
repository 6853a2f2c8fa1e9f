"""The freeze record (C-SHIP-1, C-EXC-2): what it holds, and what it must rest on."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import ApprovalUnfit, AuthorityRequired, MalformedInput
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.freeze import (
    CreateFreeze,
    Declared,
    FreezeRecordCreated,
    FrozenArtifact,
    FrozenException,
    FrozenSuite,
    FrozenVerification,
    decide,
    gaps,
)
from sr_core.domain.ids import CandidateId, ExceptionId, FreezeId, SuiteId
from sr_core.domain.integrity import Portal
from sr_core.domain.judging_errors import NotVerified
from sr_core.domain.ref_builders import candidate_ref, loop_ref
from sr_core.domain.refs import ContentHash, RefKind, RefRelation
from sr_core.domain.verification import VerificationMode
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    DIRECTIVE,
    FILES,
    HUMAN,
    LOOP_1,
    SOME_HASH,
    SYSTEM,
    Story,
    ulid,
)

FREEZE = CreateFreeze(
    by=HUMAN, freeze_id=FreezeId(f"freeze_{ulid(1)}"), baseline_id="baseline:1"
)
WAIVER = ExceptionId(f"exc_{ulid(99)}")
GOVERNED = FrozenArtifact(
    artifact_id=DIRECTIVE.id,
    version=DIRECTIVE.meta["version"],
    content_hash=ContentHash(DIRECTIVE.meta["content_hash"]),
)


@pytest.fixture
def approved(verified: Story) -> Story:
    return verified.approve()


@pytest.fixture
def excepted(story: Story) -> Story:
    """Approved with a waiver and a deviation in force."""
    story.open().iterate().register().judge({BUILD: ResultStatus.FAIL})
    return story.waive().draw_up_deviation().activate().verify().approve()


def frozen(
    story: Story, command: CreateFreeze = FREEZE, **changes: Any
) -> tuple[FreezeRecordCreated, ...]:
    return decide(story.candidate, command, replace(story.basis, **changes))


def lacking(story: Story, freeze: FreezeRecordCreated, **changes: Any) -> str:
    given = {"runs": story.basis.runs, "active": story.active_exceptions, **changes}
    return "; ".join(gaps(freeze, story.candidate, **given))


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
                mode=VerificationMode.STRICT,
                oracle_suite_id=approved.suite.suite_id,
                oracle_suite_hash=approved.suite.suite_hash,
                oracle_suites=(
                    FrozenSuite(
                        oracle_suite_id=approved.suite.suite_id,
                        oracle_suite_hash=approved.suite.suite_hash,
                    ),
                ),
                evidence_bundle_refs=(approved.run.evidence,),
                waiver_refs=(),
            ),
            release_approval_id=approved.approval.approval_id,
            artifact_manifest=(
                FrozenArtifact(artifact_id=file.path, content_hash=file.content_hash),
                GOVERNED,
            ),
            active_exceptions=(),
        )
        assert file.path in FILES

    def test_active_exceptions_are_in_it_each_by_its_kind(self, excepted):
        (freeze,) = frozen(excepted)

        kinds = [each.kind for each in freeze.active_exceptions]
        assert kinds == [ExceptionKind.WAIVER, ExceptionKind.DEVIATION]
        (waiver,) = freeze.verification.waiver_refs
        assert waiver == freeze.active_exceptions[0].exception_id
        assert freeze.verification.mode is VerificationMode.WITH_EXCEPTIONS

    def test_it_refers_to_all_of_it(self, excepted):
        (freeze,) = frozen(excepted)

        assert [(each.kind, each.rel) for each in freeze.refs] == [
            (RefKind.CANDIDATE, RefRelation.RELEASES),
            (RefKind.APPROVAL, RefRelation.APPROVED_BY),
            (RefKind.EVIDENCE_BUNDLE, RefRelation.SUPPORTED_BY),
            (RefKind.WAIVER, RefRelation.ACKNOWLEDGES),
            (RefKind.DEVIATION, RefRelation.ACKNOWLEDGES),
            (RefKind.ORACLE_SUITE, RefRelation.DEPENDS_ON),
            (RefKind.GOVERNED_ARTIFACT, RefRelation.DEPENDS_ON),
        ]


class TestWhatItRestsOn:
    """C-SHIP-1: a verified candidate, and an approval of this very release."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_only_who_may_release_freezes(self, approved, by):
        with pytest.raises(AuthorityRequired, match="creating a freeze record needs"):
            frozen(approved, replace(FREEZE, by=by))

    @pytest.mark.parametrize("runs", [(None,), ()], ids=["none", "no suite"])
    def test_without_a_run_nothing_is_frozen(self, approved, runs):
        with pytest.raises(NotVerified):
            frozen(approved, runs=runs)

    def test_one_required_suite_that_has_not_judged_is_one_too_many(self, approved):
        with pytest.raises(NotVerified):
            frozen(approved, runs=(approved.run, None))

    def test_a_run_without_evidence_is_not_enough(self, approved):
        with pytest.raises(NotVerified):
            frozen(approved, runs=(approved.begin_run().run,))

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

    @pytest.mark.parametrize(
        ("subject", "told"),
        [
            (
                candidate_ref(
                    CandidateId(f"{SOME_HASH}|cand_{ulid(99)}"), RefRelation.ABOUT
                ),
                "is about sha256",
            ),
            (loop_ref(LOOP_1, RefRelation.ABOUT), "is about no candidate"),
        ],
        ids=["another", "none"],
    )
    def test_nor_does_one_of_another_candidate(self, approved, subject, told):
        other = replace(approved.approval, subject_refs=(subject,))

        with pytest.raises(ApprovalUnfit, match=told):
            frozen(approved, approval=other)

    def test_nor_does_one_that_is_older_than_the_evidence(self, approved):
        approved.judge().verify()

        with pytest.raises(ApprovalUnfit, match="does not rest on"):
            frozen(approved)

    def test_nor_does_one_that_leaves_out_an_exception(self, approved):
        active = (FrozenException(exception_id=WAIVER, kind=ExceptionKind.DEFERRAL),)

        with pytest.raises(ApprovalUnfit) as unfit:
            frozen(approved, active=active)

        assert str(unfit.value) == (
            f"{approved.approval.approval_id} does not acknowledge {WAIVER}. "
            "Record an approval of this candidate at ReleaseApprovalPortal."
        )

    @pytest.mark.parametrize("baseline_id", ["", " \t"], ids=repr)
    def test_a_baseline_has_a_name(self, approved, baseline_id):
        with pytest.raises(MalformedInput, match="baseline_id"):
            frozen(approved, replace(FREEZE, baseline_id=baseline_id))


class TestWhatIsDeclared:
    """The caller may say what it expects; what differs is refused by name."""

    def test_what_is_right_is_accepted_in_any_order(self, excepted):
        (freeze,) = frozen(excepted)
        declared = Declared(
            verification_mode=freeze.verification.mode,
            oracle_suite_id=freeze.verification.oracle_suite_id,
            oracle_suite_hash=freeze.verification.oracle_suite_hash,
            evidence_bundle_refs=freeze.verification.evidence_bundle_refs,
            waiver_refs=freeze.verification.waiver_refs,
            artifact_manifest=freeze.artifact_manifest[::-1],
            active_exceptions=freeze.active_exceptions[::-1],
        )

        assert frozen(excepted, replace(FREEZE, declared=declared)) == (freeze,)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"verification_mode": VerificationMode.STRICT},
            {"oracle_suite_id": SuiteId("suite:OTHER")},
            {"oracle_suite_hash": SOME_HASH},
            {"evidence_bundle_refs": ()},
            {"evidence_bundle_refs": (SOME_HASH,)},
            {"waiver_refs": ()},
            {"artifact_manifest": ()},
            {"artifact_manifest": (GOVERNED,)},
            {"active_exceptions": ()},
        ],
        ids=str,
    )
    def test_what_is_wrong_is_named(self, excepted, wrong):
        command = replace(FREEZE, declared=Declared(**wrong))

        with pytest.raises(MalformedInput) as refused:
            frozen(excepted, command)

        assert refused.value.field == next(iter(wrong))


class TestCompleteness:
    """C-SHIP-1, SPEC 4.4: what came after a freeze makes it incomplete."""

    def test_a_new_one_is_complete(self, excepted):
        (freeze,) = frozen(excepted)

        assert not lacking(excepted, freeze)

    def test_an_exception_that_came_later_is_missing(self, approved):
        (freeze,) = frozen(approved)
        approved.draw_up_deferral().activate()

        assert "active exceptions are not in it" in lacking(approved, freeze)

    def test_so_is_the_evidence_of_a_later_run(self, approved):
        (freeze,) = frozen(approved)
        approved.judge()

        assert f"the evidence of {approved.run.run_id}" in lacking(approved, freeze)

    @pytest.mark.parametrize("which", ["none", "unjudged"])
    def test_a_required_suite_without_evidence_is(self, approved, which):
        (freeze,) = frozen(approved)
        run = None if which == "none" else approved.begin_run().run

        assert "has left no evidence" in lacking(approved, freeze, runs=(run,))

    def test_a_suite_that_is_another_by_now_is(self, approved):
        (freeze,) = frozen(approved)
        run = replace(approved.run, suite_hash=SOME_HASH)

        assert "is not frozen with the hash" in lacking(approved, freeze, runs=(run,))

    def test_a_file_that_is_not_listed_is(self, approved):
        (freeze,) = frozen(approved)
        less = replace(freeze, artifact_manifest=())

        assert "the file src/a.py is not in it" in lacking(approved, less)
