"""The gate of a stage: computed from evidence, whatever anyone declares (SPEC 4.6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sr_core.domain.evidence import PartState, ResultStatus
from sr_core.domain.ids import StageId, SuiteId, WorkSurfaceId
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.refs import hash_bytes
from sr_core.domain.stage_gate import (
    GateStatus,
    PinnedSuite,
    StageFacts,
    failed,
    judge,
)
from sr_core.domain.work_errors import EvidenceUnfit, GateUnanswered
from sr_core.testing import BUILD, INTEGRITY_SMOKE, SBOM, SOME_HASH, UNIT_TESTS, Story

STAGE = StageId("stage:DRAFT")
SURFACE = WorkSurfaceId(f"ws:{'0' * 26}")


def facts_of(story: Story) -> StageFacts:
    return StageFacts(
        work_surface_id=SURFACE,
        suites=story.facts,
        profile=story.profile,
        waivers=tuple(story.dossier.waivers.values()),
        known_missing=(),
        now=story.now,
    )


def gate_of(story: Story, **changes):
    pinned = PinnedSuite(
        suite_id=story.suite.suite_id, suite_hash=story.suite.suite_hash
    )
    facts = replace(facts_of(story), **changes)
    return judge(STAGE, (pinned,), story.reading.content_hash, facts)


def judged(said=None) -> Story:
    return Story().open().iterate().register().judge(said or {})


class TestStatus:
    """SPEC 4.6: PASS, PASS_WITH_WAIVERS or FAIL."""

    def test_all_passed(self):
        story = judged()

        gate = gate_of(story)

        assert gate.status is GateStatus.PASS
        assert {each.oracle_id for each in gate.oracle_results} == {
            BUILD,
            UNIT_TESTS,
            INTEGRITY_SMOKE,
            SBOM,
        }
        assert {each.evidence_ref for each in gate.oracle_results} == {
            story.run.evidence
        }
        assert gate.waiver_refs == ()

    def test_one_failed(self):
        gate = gate_of(judged({BUILD: ResultStatus.FAIL}))

        assert gate.status is GateStatus.FAIL
        assert failed(gate) == (BUILD,)

    def test_an_advisory_failure_holds_nothing(self):
        gate = gate_of(judged({SBOM: ResultStatus.FAIL}))

        assert gate.status is GateStatus.PASS
        assert failed(gate) == ()

    def test_a_failure_that_is_waived(self):
        story = judged({BUILD: ResultStatus.FAIL}).waive(BUILD)

        gate = gate_of(story)

        assert gate.status is GateStatus.PASS_WITH_WAIVERS
        assert gate.waiver_refs == (story.exception.exception_id,)

    def test_a_waiver_that_has_expired_covers_nothing(self):
        story = judged({BUILD: ResultStatus.FAIL}).waive(BUILD)

        gate = gate_of(story, now=story.exception.expires_at + timedelta(seconds=1))

        assert gate.status is GateStatus.FAIL


class TestNoAnswer:
    """C-OR-4, C-OR-7: what gave no answer, or none to be trusted, lets nothing pass."""

    def test_an_oracle_that_said_nothing(self):
        with pytest.raises(GateUnanswered, match=f"ORACLE_GAP.*{BUILD}"):
            gate_of(judged({BUILD: None}))

    def test_a_suite_that_has_not_run(self):
        story = judged()
        (fact,) = story.facts
        silent = replace(fact, suite_id=SuiteId("suite:OTHER"), run=None, reading=None)

        with pytest.raises(GateUnanswered, match="no completed run by suite:OTHER"):
            gate_of(story, suites=(fact, silent))

    def test_evidence_that_is_gone(self):
        story = judged()
        (fact,) = story.facts
        lost = replace(story.reading, lost={"build/log": PartState.MISSING})

        with pytest.raises(EvidenceMissing, match=story.run.evidence):
            gate_of(story, suites=(replace(fact, reading=lost),))

    def test_a_suite_that_ran_otherwise_than_the_stage_pinned_it(self):
        story = judged()
        pinned = PinnedSuite(suite_id=story.suite.suite_id, suite_hash=SOME_HASH)

        with pytest.raises(GateUnanswered, match="ORACLE_TAMPER"):
            judge(STAGE, (pinned,), story.reading.content_hash, facts_of(story))

    def test_a_suite_that_is_registered_no_longer(self):
        story = judged()
        (fact,) = story.facts

        with pytest.raises(GateUnanswered, match="is not registered"):
            gate_of(story, suites=(replace(fact, registered=None),))

    def test_evidence_that_was_missing_once_stays_so(self):
        story = judged()

        with pytest.raises(EvidenceMissing, match=story.run.evidence):
            gate_of(story, known_missing=(story.run.evidence,))


class TestEvidence:
    """SPEC 4.6: the bundle that is named is one of the stage's own."""

    @pytest.mark.parametrize(
        ("said", "elsewhere"),
        [
            ({"stage_id": STAGE, "work_surface_id": SURFACE}, None),
            ({"stage_id": "stage:OTHER"}, "stage:OTHER"),
            ({"stage_id": STAGE, "work_surface_id": "ws:other"}, "ws:other"),
        ],
    )
    def test_what_was_made_for_other_work_is_refused(self, said, elsewhere):
        story = judged()
        (fact,) = story.facts
        assert story.reading.manifest is not None
        made = replace(story.reading.manifest, **said)
        fact = replace(fact, reading=replace(story.reading, manifest=made))

        if elsewhere is None:
            assert gate_of(story, suites=(fact,)).status is GateStatus.PASS
            return
        with pytest.raises(EvidenceUnfit, match=f"was made for {elsewhere}, not for"):
            gate_of(story, suites=(fact,))

    def test_only_what_is_lost_is_named(self):
        story = judged()
        (fact,) = story.facts
        gone = replace(
            story.reading,
            content_hash=SOME_HASH,
            lost={"manifest.json": PartState.MISSING},
            manifest=None,
        )

        with pytest.raises(EvidenceMissing) as refused:
            gate_of(story, suites=(fact, replace(fact, reading=gone)))

        assert refused.value.evidence == (SOME_HASH,)

    def test_another_bundle_is_refused(self):
        story = judged()
        pinned = PinnedSuite(
            suite_id=story.suite.suite_id, suite_hash=story.suite.suite_hash
        )

        with pytest.raises(EvidenceUnfit, match="not the latest of any suite"):
            judge(STAGE, (pinned,), hash_bytes(b"other"), facts_of(story))

    def test_an_earlier_bundle_of_the_same_suite_is_refused(self):
        story = judged()
        earlier = story.reading.content_hash
        story.judge({BUILD: ResultStatus.FAIL})
        pinned = PinnedSuite(
            suite_id=story.suite.suite_id, suite_hash=story.suite.suite_hash
        )

        with pytest.raises(EvidenceUnfit):
            judge(STAGE, (pinned,), earlier, facts_of(story))
