"""Waivers (SPEC 4.5, 6.5, C-EXC-3, C-EXC-4): one failure, in one run, for a time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.domain.errors import (
    AuthorityRequired,
    MalformedInput,
    NonWaivable,
    TransitionRefused,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.governed_exception import (
    CreateWaiver,
    ExceptionActivated,
    ExceptionPhase,
    ExceptionResolved,
    WaiverCreated,
    activate,
    create,
    evolve,
    resolve,
)
from sr_core.domain.ids import ExceptionId
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    HUMAN,
    NOON,
    SBOM,
    SYSTEM,
    UNIT_TESTS,
    Story,
    build_suite,
    ulid,
)

EXCEPTION = ExceptionId(f"exc_{ulid(99)}")
REQUIRED = build_suite().required
ELSEWHERE = [AGENT, SYSTEM, BYSTANDER]


@pytest.fixture
def failed() -> Story:
    """A candidate on which one required oracle failed."""
    return Story().open().iterate().register().judge({BUILD: ResultStatus.FAIL})


def creating(story: Story, **changes: Any) -> CreateWaiver:
    command = CreateWaiver(
        by=HUMAN,
        exception_id=EXCEPTION,
        candidate_id=story.candidate.candidate_id,
        target=BUILD,
        rationale="known and harmless",
        expires_at=NOON + timedelta(hours=1),
        now=NOON,
    )
    return replace(command, **changes)


class TestCreation:
    """SPEC 4.5: a human asks, for an explicit failure, with a reason and an end."""

    def test_it_names_the_failure_it_covers(self, failed):
        events = create(failed.run, REQUIRED, creating(failed))

        assert events == (
            WaiverCreated(
                exception_id=EXCEPTION,
                candidate_id=failed.candidate.candidate_id,
                oracle_id=BUILD,
                oracle_suite_id=failed.suite.suite_id,
                oracle_suite_hash=failed.suite.suite_hash,
                run_id=failed.run.run_id,
                scope="per-candidate",
                rationale="known and harmless",
                expires_at=NOON + timedelta(hours=1),
            ),
        )

    @pytest.mark.parametrize("by", ELSEWHERE, ids=str)
    def test_nobody_else_asks(self, failed, by):
        with pytest.raises(AuthorityRequired, match="creating a waiver needs"):
            create(failed.run, REQUIRED, creating(failed, by=by))

    @pytest.mark.parametrize("target", [*IntegrityCondition, *StopTrigger], ids=str)
    def test_no_integrity_condition_is_waived(self, failed, target):
        with pytest.raises(NonWaivable, match="it is an integrity condition"):
            create(failed.run, REQUIRED, creating(failed, target=target.value))

    @pytest.mark.parametrize("target", ["build", "everything", "oracle:", ""], ids=repr)
    def test_the_target_is_an_oracle(self, failed, target):
        with pytest.raises(MalformedInput, match="oracle id"):
            create(failed.run, REQUIRED, creating(failed, target=target))

    def test_before_any_run_there_is_nothing_to_waive(self, failed):
        with pytest.raises(NonWaivable, match="no run has judged by it"):
            create(None, REQUIRED, creating(failed))

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            (ResultStatus.PASS, "has PASS, not FAIL"),
            (ResultStatus.ERROR, "has ERROR, not FAIL"),
            (ResultStatus.SKIPPED, "has SKIPPED, not FAIL"),
            (None, "has no result, not FAIL"),
        ],
        ids=str,
    )
    def test_only_an_explicit_failure_is_waived(self, story, said, told):
        story.open().iterate().register().judge({BUILD: said})

        with pytest.raises(NonWaivable, match=told):
            create(story.run, REQUIRED, creating(story))

    def test_an_advisory_oracle_has_nothing_to_waive(self, story):
        story.open().iterate().register().judge({SBOM: ResultStatus.FAIL})

        with pytest.raises(NonWaivable, match="its word does not decide"):
            create(story.run, REQUIRED, creating(story, target=SBOM))

    @pytest.mark.parametrize("rationale", ["", " \n"], ids=repr)
    def test_it_says_why(self, failed, rationale):
        with pytest.raises(MalformedInput, match="why it is acceptable"):
            create(failed.run, REQUIRED, creating(failed, rationale=rationale))

    @pytest.mark.parametrize("age", [timedelta(0), timedelta(seconds=1)], ids=str)
    def test_it_ends_in_the_future(self, failed, age):
        with pytest.raises(MalformedInput, match="a time in the future"):
            create(failed.run, REQUIRED, creating(failed, expires_at=NOON - age))


class TestActivation:
    """SPEC 4.5: what it covers is looked at again when it comes into force."""

    def test_a_human_brings_it_into_force(self, failed):
        waiver = failed.draw_up_waiver().waiver

        events = activate(waiver, failed.run, REQUIRED, HUMAN)

        assert events == (ExceptionActivated(exception_id=waiver.exception_id),)

    @pytest.mark.parametrize("by", ELSEWHERE, ids=str)
    def test_nobody_else_does(self, failed, by):
        waiver = failed.draw_up_waiver().waiver

        with pytest.raises(AuthorityRequired, match="activating a waiver needs"):
            activate(waiver, failed.run, REQUIRED, by)

    def test_it_happens_once(self, failed):
        waiver = failed.waive().waiver

        with pytest.raises(TransitionRefused, match="ACTIVE, which refuses Activate"):
            activate(waiver, failed.run, REQUIRED, HUMAN)

    def test_a_failure_that_is_gone_is_not_waived(self, failed):
        waiver = failed.draw_up_waiver().waiver
        failed.judge()

        with pytest.raises(NonWaivable, match="has PASS, not FAIL"):
            activate(waiver, failed.run, REQUIRED, HUMAN)

    def test_a_failure_that_a_later_run_repeats_is_another(self, failed):
        waiver = failed.draw_up_waiver().waiver
        failed.judge({BUILD: ResultStatus.FAIL})

        with pytest.raises(NonWaivable, match="has judged since run_"):
            activate(waiver, failed.run, REQUIRED, HUMAN)

    def test_an_oracle_whose_word_does_not_decide_is_not_waived(self, failed):
        waiver = failed.draw_up_waiver().waiver

        with pytest.raises(NonWaivable, match="its word does not decide"):
            activate(waiver, failed.run, REQUIRED - {BUILD}, HUMAN)


class TestResolution:
    """SPEC 4.5: what is in force is lifted, once."""

    def test_a_human_lifts_it(self, failed):
        waiver = failed.waive().waiver

        events = resolve(waiver, HUMAN)

        assert events == (ExceptionResolved(exception_id=waiver.exception_id),)
        assert evolve(waiver, events[0]).phase is ExceptionPhase.RESOLVED

    @pytest.mark.parametrize("by", ELSEWHERE, ids=str)
    def test_nobody_else_does(self, failed, by):
        waiver = failed.waive().waiver

        with pytest.raises(AuthorityRequired, match="resolving a waiver needs"):
            resolve(waiver, by)

    def test_what_is_not_in_force_is_not_lifted(self, failed):
        waiver = failed.draw_up_waiver().waiver

        with pytest.raises(TransitionRefused, match="CREATED, which refuses Resolve"):
            resolve(waiver, HUMAN)


class TestCover:
    """C-EXC-3: this oracle, in this run, this long, and only in force."""

    def test_it_covers_what_it_names(self, failed):
        waiver = failed.waive().waiver

        assert waiver.covers(failed.run, BUILD, now=NOON)

    def test_it_covers_no_later_run_of_the_candidate(self, failed):
        waiver = failed.waive().waiver
        failed.judge({BUILD: ResultStatus.FAIL})

        assert not waiver.covers(failed.run, BUILD, now=NOON)

    def test_it_covers_no_other_candidate(self, failed):
        waiver = failed.waive().waiver
        failed.register({"b": b"other"}).judge({BUILD: ResultStatus.FAIL})

        assert not waiver.covers(failed.run, BUILD, now=NOON)

    def test_it_covers_no_other_oracle(self, failed):
        waiver = failed.waive().waiver

        assert not waiver.covers(failed.run, UNIT_TESTS, now=NOON)

    def test_at_its_end_it_covers_nothing(self, failed):
        waiver = failed.waive().waiver
        before = waiver.expires_at - timedelta(microseconds=1)

        assert waiver.covers(failed.run, BUILD, now=before)
        assert not waiver.covers(failed.run, BUILD, now=waiver.expires_at)

    def test_before_it_is_in_force_it_covers_nothing(self, failed):
        waiver = failed.draw_up_waiver().waiver

        assert not waiver.covers(failed.run, BUILD, now=NOON)

    def test_once_lifted_it_covers_nothing(self, failed):
        failed.waive()
        failed.record(resolve(failed.waiver, HUMAN))

        assert not failed.waiver.covers(failed.run, BUILD, now=NOON)


class TestFolding:
    """C-EVT-7: the state is what the events make it."""

    def test_it_is_drawn_up_once(self, failed):
        failed.draw_up_waiver()

        with pytest.raises(AssertionError, match="WaiverCreated opens a waiver"):
            evolve(failed.waiver, failed.log[-1])

    def test_nothing_comes_before_that(self):
        with pytest.raises(AssertionError, match="follows WaiverCreated"):
            evolve(None, ExceptionActivated(exception_id=EXCEPTION))
