"""The ledger reads the platform's real events, as the rules made them (SPEC 12.3)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sr_core.domain import dossier as dossiers
from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.event_ledger import (
    READERS,
    SILENT,
    Ledger,
    Logged,
    StageStatus,
    fold,
)
from sr_core.domain.event_manager import CoarseStatus, PlanView, view
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.plan import PlanInstance, PlannedUnit
from sr_core.domain.refs import hash_bytes
from sr_core.domain.stage_gate import GateStatus
from sr_core.domain.verification import CandidateVerificationComputed
from sr_core.testing import (
    LOOP_1,
    NOON,
    Story,
    build_artifact_events,
    build_full_story,
    build_notes,
    build_staleness,
    build_suite_events,
)
from sr_core.testing.plans import PLAN_1, active_plan, every_plan_event
from sr_core.testing.work import (
    BUNDLE,
    FINAL,
    FRAME,
    UNIT_1,
    WorkStory,
    build_gate,
    build_work_log,
)


def read(*events: Any) -> Ledger:
    return fold(
        Logged(
            position=number,
            event_id=f"evt_{number}",
            at=NOON + timedelta(seconds=number),
            event=event,
        )
        for number, event in enumerate(events, start=1)
    )


class TestLoops:
    @pytest.fixture
    def story(self) -> Story:
        return build_full_story()

    def test_everything_that_can_happen_is_read_or_named_as_silent(self):
        assert READERS.keys() | SILENT == EVENT_TYPES.keys()
        assert not READERS.keys() & SILENT

    def test_a_log_of_everything_is_read(self, story):
        events = [
            *build_suite_events(),
            *build_artifact_events(),
            *story.log,
            *build_notes(),
            *build_staleness(),
            *build_work_log(),
            *every_plan_event(),
        ]

        ledger = read(*events)

        assert {type(each).__name__ for each in events} == EVENT_TYPES.keys()
        assert ledger.position == len(events)

    def test_what_stands_against_a_candidate_is_all_read(self, story):
        for length, latest in enumerate(story.log, start=1):
            known = dossiers.fold(story.log[:length])
            told = read(*story.log[:length]).conditions
            for name in known.candidates:
                assert told[name] >= known.standing_against(name)
            if isinstance(latest, CandidateVerificationComputed):
                found = known.candidate(latest.candidate_id).standing
                assert told[latest.candidate_id] == found

    def test_what_a_human_said_of_a_candidate_is_read(self, story):
        (approved,) = (each for each in story.log if isinstance(each, ApprovalRecorded))
        (subject,) = approved.subject_refs

        told = read(*story.log).approvals

        assert told == {
            (approved.portal_id, (subject.kind, subject.id)): approved.decision
        }

    def test_a_loop_is_read_as_its_own_rules_have_it(self, story):
        for length in range(1, len(story.log) + 1):
            entry = read(*story.log[:length]).loops[LOOP_1]
            known = dossiers.fold(story.log[:length]).the_loop()
            assert entry.open_iteration == known.open_iteration
            assert entry.stops == set(known.stops)
            assert entry.is_closed is (known.phase == "CLOSED")


class TestWork:
    """A unit of work, bound and carried through by the real rules."""

    def told(self, work: WorkStory, verdict: ResultStatus) -> PlanView:
        unit = PlannedUnit(
            work_unit_id=UNIT_1,
            title="a memo",
            intake_id=work.intake.intake_id,
            intake_hash=work.intake.content_hash or hash_bytes(b""),
            template_id=work.template.template_id,
        )
        instance = PlanInstance(
            plan_id=PLAN_1,
            source_id="source:brief",
            source_hash=hash_bytes(b"a brief"),
            units=(unit,),
        )
        evidence = type("EvidenceBundleRecorded", (SimpleNamespace,), {})(
            candidate_id="cand_1", content_hash=BUNDLE, verdict=verdict, refs=()
        )
        made = type("CandidateMaterialized", (SimpleNamespace,), {})(
            candidate_id="cand_1", loop_id="loop_1", refs=()
        )
        opened = type("LoopCreated", (SimpleNamespace,), {})(
            loop_id="loop_1", work_unit=UNIT_1, refs=()
        )
        ledger = read(*active_plan(instance)[1], opened, made, evidence, *work.log)
        return view(ledger, ledger.plans[PLAN_1])

    def test_a_unit_that_was_bound_is_eligible(self):
        view_ = self.told(WorkStory().bind(), ResultStatus.PASS)

        assert view_.eligible_set == (UNIT_1,)
        assert view_.units[UNIT_1].current_stage_id == FRAME

    def test_a_surface_that_was_archived_is_none(self):
        view_ = self.told(WorkStory().bind().archive(), ResultStatus.PASS)

        assert view_.eligible_set == ()

    def test_a_stage_that_passed_leads_to_the_next(self):
        unit = self.told(WorkStory().bind().complete(), ResultStatus.PASS).units[UNIT_1]

        assert unit.current_stage_id == FINAL
        assert unit.stage_status[FRAME].status is StageStatus.PASSED
        assert unit.stage_status[FINAL].status is StageStatus.ACTIVE

    @pytest.mark.parametrize(
        ("verdict", "status"),
        [
            (ResultStatus.PASS, CoarseStatus.COMPLETE),
            (ResultStatus.ERROR, CoarseStatus.TODO),
        ],
    )
    def test_the_last_stage_completes_it_if_its_evidence_bears_that_out(
        self, verdict, status
    ):
        work = WorkStory().bind().complete().hear(ApprovalDecision.APPROVED).complete()

        view_ = self.told(work, verdict)

        assert view_.units[UNIT_1].coarse_status is status

    def test_a_gate_says_what_the_manager_calls_it(self):
        assert {each.value for each in GateStatus} == {
            "PASS",
            "PASS_WITH_WAIVERS",
            "FAIL",
        }
        assert build_gate().status is GateStatus.PASS
