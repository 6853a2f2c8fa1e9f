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
from sr_core.testing import (
    CORE,
    DIRECTIVE,
    LOOP_1,
    SOME_HASH,
    Story,
    build_artifact_events,
    build_full_story,
    build_notes,
    build_staleness,
    build_suite_events,
)
from sr_core.testing.plans import INTAKE_1, PLAN_1, every_plan_event
from sr_core.testing.work import BUNDLE, FINAL, FRAME, STRUCTURE, build_work_log


@pytest.fixture(scope="module")
def told() -> Story:
    return build_full_story()


@pytest.fixture
def first(told):
    """The first event of each type, by its name."""
    events = [
        *build_suite_events(),
        *build_artifact_events(),
        *told.log,
        *build_notes(),
        *build_staleness(),
        *build_work_log(),
        *every_plan_event(),
    ]
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
            ("LoopUpdated", StreamKind.LOOP, "loop:loop_"),
            ("LoopPaused", StreamKind.LOOP, "loop:loop_"),
            ("StopTriggered", StreamKind.LOOP, "loop:loop_"),
            ("LoopResumed", StreamKind.LOOP, "loop:loop_"),
            ("LoopClosed", StreamKind.LOOP, "loop:loop_"),
            ("IterationStarted", StreamKind.ITERATION, "iter:iter_"),
            ("IterationBegun", StreamKind.ITERATION, "iter:iter_"),
            ("IterationCompleted", StreamKind.ITERATION, "iter:iter_"),
            ("IterationSummaryRecorded", StreamKind.ITERATION, "iter:iter_"),
            ("IterationFailed", StreamKind.ITERATION, "iter:iter_"),
            ("CandidateMaterialized", StreamKind.CANDIDATE, "cand:sha256:"),
            ("EvidenceMissingDetected", StreamKind.CANDIDATE, "cand:sha256:"),
            ("CandidateVerificationComputed", StreamKind.CANDIDATE, "cand:sha256:"),
            ("RunStarted", StreamKind.RUN, "run:run_"),
            ("EvidenceBundleRecorded", StreamKind.RUN, "run:run_"),
            ("IntegrityViolationDetected", StreamKind.RUN, "run:run_"),
            ("RunCompleted", StreamKind.RUN, "run:run_"),
            ("RunFailed", StreamKind.RUN, "run:run_"),
            ("WaiverCreated", StreamKind.EXCEPTION, "exc:exc_"),
            ("DeviationCreated", StreamKind.EXCEPTION, "exc:exc_"),
            ("DeferralCreated", StreamKind.EXCEPTION, "exc:exc_"),
            ("ExceptionActivated", StreamKind.EXCEPTION, "exc:exc_"),
            ("ExceptionExpired", StreamKind.EXCEPTION, "exc:exc_"),
            ("ExceptionResolved", StreamKind.EXCEPTION, "exc:exc_"),
            ("DecisionRecorded", StreamKind.DECISION, "dec:dec_"),
            ("ApprovalRecorded", StreamKind.APPROVAL, "appr:appr_"),
            ("FreezeRecordCreated", StreamKind.FREEZE, "freeze:freeze_"),
            ("OracleExecutionStarted", StreamKind.RUN, "run:run_"),
            ("OracleExecutionCompleted", StreamKind.RUN, "run:run_"),
            ("EvidenceAssociated", StreamKind.RUN, "run:run_"),
            ("RecordCreated", StreamKind.GOVERNANCE, "rec:rec_"),
            ("RecordSuperseded", StreamKind.GOVERNANCE, "rec:rec_"),
            ("AttachmentRecorded", StreamKind.ATTACHMENT, "attach:attach_"),
            ("OracleSuiteRegistered", StreamKind.ORACLE_SUITE, "suite:SR-"),
            ("OracleSuiteUpdated", StreamKind.ORACLE_SUITE, "suite:SR-"),
            ("OracleSuitePinned", StreamKind.ORACLE_SUITE, "suite:SR-"),
            ("OracleSuiteRebased", StreamKind.ORACLE_SUITE, "suite:SR-"),
            ("NodeMarkedStale", StreamKind.GOVERNANCE, "gov:staleness"),
            ("ReEvaluationTriggered", StreamKind.GOVERNANCE, "gov:staleness"),
            ("StalenessResolved", StreamKind.GOVERNANCE, "gov:staleness"),
            (
                "GovernedArtifactVersionRecorded",
                StreamKind.GOVERNANCE,
                "gov:artifacts",
            ),
            ("PlanInstanceRecorded", StreamKind.GOVERNANCE, "plan:plan_"),
            ("PlanActivated", StreamKind.GOVERNANCE, "plan:plan_"),
            ("PlanCancelled", StreamKind.GOVERNANCE, "plan:plan_"),
            ("PlanCompleted", StreamKind.GOVERNANCE, "plan:plan_"),
            ("GovernorDecisionRecorded", StreamKind.GOVERNANCE, "gdec:gdec_"),
            ("IntakeCreated", StreamKind.INTAKE, "intake:0"),
            ("IntakeUpdated", StreamKind.INTAKE, "intake:0"),
            ("IntakeActivated", StreamKind.INTAKE, "intake:0"),
            ("IntakeArchived", StreamKind.INTAKE, "intake:0"),
            ("IntakeForked", StreamKind.INTAKE, "intake:0"),
            ("ConfigDefinitionRecorded", StreamKind.GOVERNANCE, "config:cfg_"),
            ("WorkSurfaceBound", StreamKind.WORK_SURFACE, "ws:0"),
            ("StageEntered", StreamKind.WORK_SURFACE, "ws:0"),
            ("StageCompleted", StreamKind.WORK_SURFACE, "ws:0"),
            ("WorkSurfaceCompleted", StreamKind.WORK_SURFACE, "ws:0"),
            ("WorkSurfaceArchived", StreamKind.WORK_SURFACE, "ws:0"),
            ("RestrictedEvidenceRead", StreamKind.GOVERNANCE, "evread:evread_"),
            ("RestrictedEvidenceErased", StreamKind.GOVERNANCE, "evkeys:sha256:"),
            ("RestrictedEvidenceRedacted", StreamKind.GOVERNANCE, "evcopy:sha256:"),
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
    "ExceptionExpired",
    "IntegrityViolationDetected",
    "OracleExecutionCompleted",
    "ReEvaluationTriggered",
    "GovernorDecisionRecorded",
    "PlanCompleted",
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
        iteration = first["IterationStarted"].iteration_id
        about = [("Iteration", iteration, "about"), ("Loop", LOOP_1, "in_scope_of")]
        waiver = first["WaiverCreated"].exception_id
        deviation = first["DeviationCreated"].exception_id
        note = first["RecordSuperseded"]
        approval = told.approval.approval_id
        bundle = first["EvidenceBundleRecorded"].content_hash
        run = first["RunStarted"].run_id
        lost = first["EvidenceMissingDetected"].content_hash
        violated = first["IntegrityViolationDetected"].run_id

        refs = {name: said(refs_of(event)) for name, event in first.items()}

        surface = first["WorkSurfaceBound"].work_surface_id
        intake = first["IntakeCreated"].intake_id
        at_first = [
            ("WorkSurface", surface, "about"),
            ("ProcedureStage", FRAME, "about"),
        ]
        at_last = [
            ("WorkSurface", surface, "about"),
            ("ProcedureStage", FINAL, "about"),
        ]
        assert refs == {
            "IntakeCreated": [],
            "IntakeUpdated": [],
            "IntakeActivated": [("Intake", intake, "about")],
            "IntakeArchived": [],
            "IntakeForked": [("Intake", intake, "supersedes")],
            "ConfigDefinitionRecorded": [],
            "WorkSurfaceBound": [
                ("Intake", intake, "depends_on"),
                ("ProcedureTemplate", "proc:TWO-STAGES", "depends_on"),
                ("OracleSuite", STRUCTURE, "depends_on"),
            ],
            "StageEntered": [*at_first, ("OracleSuite", STRUCTURE, "depends_on")],
            "StageCompleted": [*at_first, ("EvidenceBundle", BUNDLE, "supported_by")],
            "WorkSurfaceCompleted": [
                *at_last,
                ("EvidenceBundle", BUNDLE, "supported_by"),
            ],
            "WorkSurfaceArchived": [("WorkSurface", surface, "about")],
            "OracleSuiteRegistered": [("OracleSuite", CORE, "about")],
            "OracleSuiteUpdated": [("OracleSuite", CORE, "about")],
            "OracleSuitePinned": [("OracleSuite", CORE, "about")],
            "OracleSuiteRebased": [
                ("OracleSuite", CORE, "about"),
                ("OracleSuite", CORE, "supersedes"),
                (
                    "Approval",
                    first["OracleSuiteRebased"].approval_id,
                    "approved_by",
                ),
            ],
            "OracleExecutionStarted": [],
            "OracleExecutionCompleted": [],
            "EvidenceAssociated": [
                ("EvidenceBundle", first["EvidenceAssociated"].content_hash, "about"),
                ("Run", first["EvidenceAssociated"].associated_run_id, "relates_to"),
                ("Candidate", candidate, "relates_to"),
                ("Iteration", iteration, "relates_to"),
            ],
            "GovernedArtifactVersionRecorded": [
                ("GovernedArtifact", "SR-AGENT", "about")
            ],
            "LoopCreated": [("GovernedArtifact", DIRECTIVE.id, "depends_on")],
            "LoopActivated": [],
            "LoopUpdated": [],
            "LoopPaused": [],
            "StopTriggered": [
                ("Loop", LOOP_1, "in_scope_of"),
                ("Candidate", candidate, "about"),
            ],
            "LoopResumed": [
                ("Decision", each, "depends_on")
                for each in sorted(first["LoopResumed"].answers.values())
            ],
            "LoopClosed": [],
            "IterationStarted": [("GovernedArtifact", DIRECTIVE.id, "depends_on")],
            "IterationBegun": about,
            "IterationCompleted": about,
            "IterationSummaryRecorded": about,
            "IterationFailed": [
                ("Iteration", first["IterationFailed"].iteration_id, "about"),
                ("Loop", LOOP_1, "in_scope_of"),
            ],
            "CandidateMaterialized": [
                ("Iteration", iteration, "in_scope_of"),
                ("Iteration", iteration, "depends_on"),
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
                ("OracleSuite", CORE, "depends_on"),
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
            "ExceptionExpired": [("Deviation", deviation, "about")],
            "DeviationCreated": [("Loop", LOOP_1, "affects")],
            "DeferralCreated": [
                ("Loop", LOOP_1, "affects"),
                ("GovernedArtifact", DIRECTIVE.id, "affects"),
            ],
            "RecordCreated": [
                ("Loop", LOOP_1, "about"),
                ("EvidenceBundle", SOME_HASH, "supported_by"),
            ],
            "RecordSuperseded": [
                ("Record", note.record_id, "supersedes"),
                ("Record", note.new_record_id, "relates_to"),
            ],
            "AttachmentRecorded": [],
            "RestrictedEvidenceRead": [("EvidenceBundle", SOME_HASH, "about")],
            "RestrictedEvidenceErased": [("EvidenceBundle", SOME_HASH, "about")],
            "RestrictedEvidenceRedacted": [("EvidenceBundle", SOME_HASH, "about")],
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
                ("OracleSuite", CORE, "depends_on"),
                ("GovernedArtifact", DIRECTIVE.id, "depends_on"),
            ],
            "NodeMarkedStale": [
                ("GovernedArtifact", DIRECTIVE.id, "root_cause"),
                ("Loop", LOOP_1, "stale"),
            ],
            "ReEvaluationTriggered": [("Loop", LOOP_1, "affects")],
            "StalenessResolved": [
                ("GovernedArtifact", DIRECTIVE.id, "root_cause"),
                ("Loop", LOOP_1, "stale"),
                (
                    "Decision",
                    first["StalenessResolved"].resolution_refs[0].id,
                    "supported_by",
                ),
            ],
            "PlanInstanceRecorded": [
                ("Record", PLAN_1, "about"),
                ("Intake", INTAKE_1, "depends_on"),
            ],
            "PlanActivated": [
                ("Record", PLAN_1, "about"),
                ("GovernedArtifact", "SR-DIRECTIVE", "supported_by"),
            ],
            "PlanCancelled": [("Record", PLAN_1, "about")],
            "PlanCompleted": [("Record", PLAN_1, "about")],
            "GovernorDecisionRecorded": [("Loop", LOOP_1, "about")],
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
            "content_hash": told.suite.hashes[0],
            "suite_hash": told.suite.hashes[0],
        }

    def test_a_candidate_is_pinned_by_the_hash_of_its_bytes(self, told, first):
        (*_, ref) = refs_of(first["CandidateMaterialized"])

        assert ref.meta == {"content_hash": told.candidate.content_hash}
