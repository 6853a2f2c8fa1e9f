"""Every event: its stream, its actor, its refs (SPEC 2.1 to 2.3)."""

from collections.abc import Iterable

import pytest

from sr_core.domain.events import (
    EVENT_TYPES,
    StreamKind,
    is_detected,
    refs_of,
    stream_name,
    stream_of,
    subject_of,
)
from sr_core.domain.refs import Ref
from sr_core.testing import CORE, DIRECTIVE, LOOP_1, Story, build_full_story


@pytest.fixture(scope="module")
def told() -> Story:
    return build_full_story()


@pytest.fixture
def first(told):
    """The first event of each type, by its name."""
    events = [told.suite, *told.log]
    return {type(each).__name__: each for each in reversed(events)}


def said(refs: Iterable[Ref]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.id, each.rel) for each in refs]


def test_everything_happened(first):
    assert first.keys() == EVENT_TYPES.keys()


class TestStreams:
    """SPEC 2.2: a stream is named for what it is about."""

    @pytest.mark.parametrize(
        ("name", "kind", "prefix"),
        [
            ("LoopCreated", StreamKind.LOOP, "loop:loop_"),
            ("LoopActivated", StreamKind.LOOP, "loop:loop_"),
            ("LoopPaused", StreamKind.LOOP, "loop:loop_"),
            ("StopTriggered", StreamKind.LOOP, "loop:loop_"),
            ("LoopResumed", StreamKind.LOOP, "loop:loop_"),
            ("LoopClosed", StreamKind.LOOP, "loop:loop_"),
            ("IterationStarted", StreamKind.ITERATION, "iter:iter_"),
            ("IterationCompleted", StreamKind.ITERATION, "iter:iter_"),
            ("CandidateMaterialized", StreamKind.CANDIDATE, "cand:sha256:"),
            ("EvidenceMissingDetected", StreamKind.CANDIDATE, "cand:sha256:"),
            ("CandidateVerificationComputed", StreamKind.CANDIDATE, "cand:sha256:"),
            ("RunStarted", StreamKind.RUN, "run:run_"),
            ("EvidenceBundleRecorded", StreamKind.RUN, "run:run_"),
            ("IntegrityViolationDetected", StreamKind.RUN, "run:run_"),
            ("RunCompleted", StreamKind.RUN, "run:run_"),
            ("RunFailed", StreamKind.RUN, "run:run_"),
            ("WaiverCreated", StreamKind.EXCEPTION, "exc:exc_"),
            ("ExceptionActivated", StreamKind.EXCEPTION, "exc:exc_"),
            ("ExceptionResolved", StreamKind.EXCEPTION, "exc:exc_"),
            ("DecisionRecorded", StreamKind.DECISION, "dec:dec_"),
            ("ApprovalRecorded", StreamKind.APPROVAL, "appr:appr_"),
            ("FreezeRecordCreated", StreamKind.FREEZE, "freeze:freeze_"),
            ("OracleSuiteRegistered", StreamKind.ORACLE_SUITE, "suite:SR-"),
        ],
    )
    def test_each_event_has_its_own(self, first, name, kind, prefix):
        event = first[name]

        assert subject_of(event).kind is kind
        assert stream_of(event).startswith(prefix)

    def test_a_prefix_is_not_doubled(self):
        assert stream_name("suite", CORE) == CORE

    def test_a_prefix_is_added(self):
        assert stream_name("loop", LOOP_1) == f"loop:{LOOP_1}"


DETECTED = {
    "CandidateVerificationComputed",
    "EvidenceBundleRecorded",
    "EvidenceMissingDetected",
    "IntegrityViolationDetected",
    "RunCompleted",
    "RunFailed",
    "StopTriggered",
}


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_only_what_the_platform_found_itself_is_its_own(first, name):
    """C-EVID-3: nobody else is the actor of a result."""
    assert is_detected(first[name]) is (name in DETECTED)


class TestRefs:
    """SPEC 2.3: what each event is about, and what it rests on."""

    def test_of_every_event(self, told, first):
        candidate = told.candidate.candidate_id
        iteration = told.iteration.iteration_id
        waiver = told.waiver.exception_id
        approval = told.approval.approval_id
        bundle = first["EvidenceBundleRecorded"].content_hash
        run = first["RunStarted"].run_id
        lost = first["EvidenceMissingDetected"].content_hash
        violated = first["IntegrityViolationDetected"].run_id

        refs = {name: said(refs_of(event)) for name, event in first.items()}

        assert refs == {
            "OracleSuiteRegistered": [("OracleSuite", CORE, "about")],
            "LoopCreated": [("GovernedArtifact", DIRECTIVE.id, "depends_on")],
            "LoopActivated": [],
            "LoopPaused": [],
            "StopTriggered": [("Loop", LOOP_1, "in_scope_of")],
            "LoopResumed": [
                ("Decision", first["LoopResumed"].decision_id, "depends_on")
            ],
            "LoopClosed": [],
            "IterationStarted": [("GovernedArtifact", DIRECTIVE.id, "depends_on")],
            "IterationCompleted": [
                ("Iteration", iteration, "about"),
                ("Loop", LOOP_1, "in_scope_of"),
            ],
            "CandidateMaterialized": [
                ("Iteration", iteration, "in_scope_of"),
                ("Candidate", candidate, "about"),
            ],
            "EvidenceMissingDetected": [
                ("EvidenceBundle", lost, "about"),
                ("Candidate", candidate, "affects"),
            ],
            "CandidateVerificationComputed": [
                ("Candidate", candidate, "about"),
                ("EvidenceBundle", bundle, "verifies"),
                ("OracleSuite", CORE, "depends_on"),
                ("Waiver", waiver, "depends_on"),
            ],
            "RunStarted": [
                ("Candidate", candidate, "about"),
                ("OracleSuite", CORE, "depends_on"),
                ("Iteration", iteration, "in_scope_of"),
            ],
            "EvidenceBundleRecorded": [
                ("Run", run, "about"),
                ("Candidate", candidate, "verifies"),
                ("EvidenceBundle", bundle, "produces"),
            ],
            "RunCompleted": [("EvidenceBundle", bundle, "produces")],
            "IntegrityViolationDetected": [
                ("Run", violated, "about"),
                ("Candidate", candidate, "affects"),
            ],
            "RunFailed": [
                ("Run", first["RunFailed"].run_id, "about"),
                ("Candidate", candidate, "affects"),
            ],
            "WaiverCreated": [
                ("Candidate", candidate, "affects"),
                ("Run", run, "about"),
            ],
            "ExceptionActivated": [("Waiver", waiver, "about")],
            "ExceptionResolved": [("Waiver", waiver, "about")],
            "DecisionRecorded": [("Loop", LOOP_1, "in_scope_of")],
            "ApprovalRecorded": [
                ("Candidate", candidate, "about"),
                ("EvidenceBundle", bundle, "supported_by"),
                ("Waiver", waiver, "acknowledges"),
            ],
            "FreezeRecordCreated": [
                ("Candidate", candidate, "releases"),
                ("Approval", approval, "approved_by"),
                ("EvidenceBundle", bundle, "supported_by"),
                ("Waiver", waiver, "acknowledges"),
            ],
        }

    def test_after_a_pause_by_hand_there_is_no_decision_to_name(self, told):
        by_hand = [
            each
            for each in told.log
            if type(each).__name__ == "LoopResumed" and each.decision_id is None
        ]

        assert [refs_of(each) for each in by_hand] == [()]

    def test_a_suite_is_pinned_by_its_hash(self, told, first):
        refs = refs_of(first["RunStarted"])

        assert refs[1].meta == {
            "content_hash": told.suite.suite_hash,
            "suite_hash": told.suite.suite_hash,
        }

    def test_a_candidate_is_pinned_by_the_hash_of_its_bytes(self, told, first):
        (_, ref) = refs_of(first["CandidateMaterialized"])

        assert ref.meta == {"content_hash": told.candidate.content_hash}
