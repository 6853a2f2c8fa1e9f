"""The summary that an iteration leaves (SPEC 8.5, C-LOOP-2)."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import CandidateId, IterationId, RunId, SuiteId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration_summary import (
    ITEMS_MAX,
    NAME_CHARS_MAX,
    PROSE_CHARS_MAX,
    Action,
    ActionKind,
    IterationSummary,
    NextStep,
    NextStepKind,
    OpenRisk,
    Outcomes,
    ReportedResult,
    RiskSeverity,
    SummaryExtension,
)
from sr_core.domain.loop import PauseLoop
from sr_core.domain.summary_claims import require_true, told_by_the_log
from sr_core.testing import (
    BUILD,
    CORE,
    HUMAN,
    LOOP_1,
    SOME_HASH,
    Story,
    ulid,
)

ITERATION = IterationId(f"iter_{ulid(1)}")
NOTHING = Outcomes(oracle_results=(), stop_triggers_fired=())
SUMMARY = IterationSummary(
    iteration_id=ITERATION, loop_id=LOOP_1, intent="mend it", outcomes=NOTHING
)
LONG = "a" * (PROSE_CHARS_MAX + 1)


class TestForm:
    """SPEC 8.5: short prose and names, in bounded lists; no transcripts."""

    @pytest.mark.parametrize("text", ["", " \n"], ids=repr)
    def test_an_intent_says_something(self, text):
        with pytest.raises(MalformedInput, match=r"summary\.intent.*a few words"):
            replace(SUMMARY, intent=text)

    @pytest.mark.parametrize(
        ("field", "make"),
        [
            ("intent", lambda: replace(SUMMARY, intent=LONG)),
            (
                "actions",
                lambda: Action(kind=ActionKind.ANALYSIS, summary=LONG),
            ),
            (
                "next_steps",
                lambda: NextStep(kind=NextStepKind.VERIFY, description=LONG),
            ),
            (
                "open_risks",
                lambda: OpenRisk(severity=RiskSeverity.LOW, description=LONG),
            ),
            (
                "open_risks",
                lambda: OpenRisk(
                    severity=RiskSeverity.LOW, description="a", mitigation=LONG
                ),
            ),
            ("ext", lambda: SummaryExtension(non_binding_reviews=(LONG,))),
        ],
    )
    def test_a_transcript_does_not_fit(self, field, make):
        with pytest.raises(MalformedInput, match=rf"summary\.{field}.*no transcript"):
            make()

    def test_the_longest_prose_fits(self):
        longest = "a" * PROSE_CHARS_MAX

        assert replace(SUMMARY, intent=longest).intent == longest

    def test_a_risk_may_have_no_mitigation(self):
        risk = OpenRisk(severity=RiskSeverity.HIGH, description="it may break")

        assert risk.mitigation == ""

    def test_a_full_one_keeps_all_that_it_was_given(self):
        action = Action(kind=ActionKind.CODE_CHANGE, summary="a", artifacts=("a.py",))
        review = SummaryExtension(non_binding_reviews=("looks fine",))
        step = NextStep(kind=NextStepKind.ESCALATE, description="ask", blocking=True)

        full = replace(SUMMARY, actions=(action,), next_steps=(step,), ext=review)

        assert (full.actions, full.next_steps, full.ext) == ((action,), (step,), review)

    @pytest.mark.parametrize(
        "name",
        ["", "a" * (NAME_CHARS_MAX + 1), "a\nb"],
        ids=["none", "long", "control"],
    )
    def test_an_artifact_has_a_name(self, name):
        with pytest.raises(MalformedInput, match="printable characters"):
            replace(SUMMARY, artifacts_touched=(name,))

    @pytest.mark.parametrize(
        "field", ["candidates_produced", "runs_executed", "artifacts_touched"]
    )
    def test_a_list_has_an_end(self, field):
        many: Any = {field: tuple(f"name {n}" for n in range(ITEMS_MAX + 1))}

        with pytest.raises(MalformedInput, match=f"{field}: found '201 entries'"):
            replace(SUMMARY, **many)


class TestClaims:
    """Never: evidence accepted from the party that it judges."""

    def test_what_the_log_tells_is_true(self, story):
        story.open().iterate().register().judge({BUILD: None})

        told = told_by_the_log(story.dossier, story.iteration.iteration_id, "judge it")

        require_true(told, story.dossier)
        assert told.candidates_produced == (story.candidate.candidate_id,)
        assert told.runs_executed == (story.run.run_id,)
        assert told.outcomes.oracle_results == (
            ReportedResult(
                run_id=story.run.run_id,
                oracle_suite_id=CORE,
                status=ResultStatus.ERROR,
                evidence_refs=(story.reading.content_hash,),
            ),
        )

    def test_a_run_that_has_not_ended_has_no_result(self, story):
        story.open().iterate().register().begin_run()

        told = told_by_the_log(story.dossier, story.iteration.iteration_id, "judge it")

        assert told.runs_executed == (story.run.run_id,)
        assert told.outcomes.oracle_results == ()

    def test_a_stop_of_this_iteration_is_told_though_it_is_answered(self, story):
        story.open().iterate().stop(StopTrigger.NO_ELIGIBLE_WORK)
        story.resume(story.judge_stop(StopTrigger.NO_ELIGIBLE_WORK))

        told = told_by_the_log(story.dossier, story.iteration.iteration_id, "wait")

        assert told.outcomes.stop_triggers_fired == (StopTrigger.NO_ELIGIBLE_WORK,)

    def test_one_of_an_earlier_iteration_is_not(self, story):
        story.open().iterate().stop(StopTrigger.NO_ELIGIBLE_WORK).complete()
        story.resume(story.judge_stop(StopTrigger.NO_ELIGIBLE_WORK)).iterate()

        told = told_by_the_log(story.dossier, story.iteration.iteration_id, "wait")

        assert told.outcomes.stop_triggers_fired == ()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("candidates_produced", (CandidateId(f"{SOME_HASH}|cand_{ulid(9)}"),)),
            ("runs_executed", (RunId(f"run_{ulid(9)}"),)),
        ],
    )
    def test_what_nobody_recorded_is_refused(self, judged, field, value):
        told = told_of(judged)

        with pytest.raises(MalformedInput, match=rf"{field}.*what the log has"):
            require_true(replace(told, **{field: value}), judged.dossier)

    def test_what_another_iteration_made_is_refused(self, judged):
        first = told_of(judged)
        judged.complete().iterate()
        claimed = replace(first, iteration_id=judged.iteration.iteration_id)

        with pytest.raises(MalformedInput, match="candidates_produced"):
            require_true(claimed, judged.dossier)

    @pytest.mark.parametrize(
        "change",
        [
            {"status": ResultStatus.FAIL},
            {"oracle_suite_id": SuiteId("suite:OTHER")},
        ],
        ids=str,
    )
    def test_a_result_that_its_evidence_does_not_bear_out_is_refused(
        self, judged, change
    ):
        told = told_of(judged)
        (result,) = told.outcomes.oracle_results
        outcomes = replace(told.outcomes, oracle_results=(replace(result, **change),))

        with pytest.raises(MalformedInput, match="what its evidence says: suite:SR-"):
            require_true(replace(told, outcomes=outcomes), judged.dossier)

    def test_so_is_evidence_of_another_run(self, judged):
        told = told_of(judged)
        (result,) = told.outcomes.oracle_results
        other = replace(result, evidence_refs=(SOME_HASH,))
        outcomes = replace(told.outcomes, oracle_results=(other,))

        with pytest.raises(MalformedInput, match="evidence_refs"):
            require_true(replace(told, outcomes=outcomes), judged.dossier)

    def test_a_run_without_evidence_has_none_to_cite(self, story):
        story.open().iterate().register().begin_run()
        told = told_of(story)
        claimed = ReportedResult(
            run_id=story.run.run_id, oracle_suite_id=CORE, status=ResultStatus.PASS
        )
        outcomes = replace(told.outcomes, oracle_results=(claimed,))

        with pytest.raises(MalformedInput, match="what its evidence says"):
            require_true(replace(told, outcomes=outcomes), story.dossier)

    def test_a_stop_that_did_not_fire_is_refused(self, story):
        story.open().iterate().give(PauseLoop(by=HUMAN))
        told = told_of(story)
        outcomes = replace(told.outcomes, stop_triggers_fired=(StopTrigger.ORACLE_GAP,))

        with pytest.raises(MalformedInput, match="this iteration: none"):
            require_true(replace(told, outcomes=outcomes), story.dossier)


def told_of(story: Story) -> IterationSummary:
    return told_by_the_log(story.dossier, story.iteration.iteration_id, "as told")
