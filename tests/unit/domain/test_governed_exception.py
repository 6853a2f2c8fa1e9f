"""Exceptions in force (SPEC 4.5, C-EXC-3, C-OR-7): how they come, reach, and end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.domain.errors import (
    AuthorityRequired,
    IntegrityUnresolved,
    NonWaivable,
    TransitionRefused,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.governed_exception import (
    ActivateException,
    ExceptionActivated,
    ExceptionExpired,
    ExceptionPhase,
    ExceptionResolved,
    ResolveException,
    activate,
    evolve,
    lapsed,
    resolve,
)
from sr_core.domain.ids import CandidateId, ExceptionId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    HUMAN,
    NOON,
    SOME_HASH,
    SYSTEM,
    UNIT_TESTS,
    Story,
    build_suite,
    ulid,
)

EXCEPTION = ExceptionId(f"exc_{ulid(99)}")
REQUIRED = build_suite().required
ELSEWHERE = [AGENT, SYSTEM, BYSTANDER]
BEFORE = timedelta(microseconds=1)
RESOLVE = ResolveException(by=HUMAN, resolution_notes="mended")
GAP = frozenset({IntegrityCondition.ORACLE_GAP})


@pytest.fixture
def failed() -> Story:
    """A candidate on which one required oracle failed."""
    return Story().open().iterate().register().judge({BUILD: ResultStatus.FAIL})


def drawn_up(story: Story, kind: ExceptionKind) -> Story:
    match kind:
        case ExceptionKind.WAIVER:
            return story.draw_up_waiver()
        case ExceptionKind.DEVIATION:
            return story.draw_up_deviation()
        case ExceptionKind.DEFERRAL:
            return story.draw_up_deferral()


def activated(story: Story, **changes: Any) -> tuple[ExceptionActivated]:
    required = changes.pop("required", REQUIRED)
    command = ActivateException(by=HUMAN, now=NOON, standing=frozenset())
    cover = story.exception.cover
    return activate(
        story.exception,
        replace(command, **changes),
        runs=story.judging(cover.oracle_id) if cover else (),
        required=required,
    )


class TestActivation:
    """SPEC 4.5: what it is about is looked at again when it comes into force."""

    @pytest.mark.parametrize("kind", ExceptionKind)
    def test_a_human_brings_it_into_force(self, failed, kind):
        drawn_up(failed, kind)

        (event,) = activated(failed)

        assert event == ExceptionActivated(
            exception_id=failed.exception.exception_id, kind=kind
        )
        assert evolve(failed.exception, event).phase is ExceptionPhase.ACTIVE

    @pytest.mark.parametrize("by", ELSEWHERE, ids=str)
    def test_nobody_else_does(self, failed, by):
        failed.draw_up_waiver()

        with pytest.raises(AuthorityRequired, match="activating an exception needs"):
            activated(failed, by=by)

    def test_it_happens_once(self, failed):
        failed.waive()

        with pytest.raises(TransitionRefused) as refused:
            activated(failed)

        assert str(refused.value) == (
            f"{failed.exception.exception_id} is ACTIVE, which refuses "
            "ActivateException. From ACTIVE it allows ResolveException."
        )

    @pytest.mark.parametrize("kind", ExceptionKind)
    def test_after_its_end_it_does_not_begin(self, failed, kind):
        drawn_up(failed, kind)

        with pytest.raises(TransitionRefused, match="past its end"):
            activated(failed, now=failed.exception.expires_at)

    def test_a_failure_that_is_gone_is_not_waived(self, failed):
        failed.draw_up_waiver().judge()

        with pytest.raises(NonWaivable, match="has PASS, not FAIL"):
            activated(failed)

    def test_a_failure_that_a_later_run_repeats_is_another(self, failed):
        failed.draw_up_waiver().judge({BUILD: ResultStatus.FAIL})

        with pytest.raises(NonWaivable, match="has judged since run_"):
            activated(failed)

    def test_an_oracle_whose_word_does_not_decide_is_not_waived(self, failed):
        failed.draw_up_waiver()

        with pytest.raises(NonWaivable, match="its word does not decide"):
            activated(failed, required=REQUIRED - {BUILD})

    def test_a_waiver_without_a_run_is_a_bug(self, failed):
        failed.draw_up_waiver()
        command = ActivateException(by=HUMAN, now=NOON, standing=frozenset())

        with pytest.raises(AssertionError, match="names the runs"):
            activate(failed.exception, command, required=REQUIRED)

    @pytest.mark.parametrize("kind", [ExceptionKind.WAIVER, ExceptionKind.DEFERRAL])
    def test_an_integrity_condition_bars_it(self, failed, kind):
        drawn_up(failed, kind)

        with pytest.raises(IntegrityUnresolved, match="ORACLE_GAP stands against exc_"):
            activated(failed, standing=GAP)

    def test_a_deviation_does_not_touch_it(self, failed):
        failed.draw_up_deviation()

        assert activated(failed, standing=GAP)


class TestResolution:
    """SPEC 4.5: what is not over is lifted, once."""

    @pytest.mark.parametrize("kind", ExceptionKind)
    def test_a_human_lifts_it(self, failed, kind):
        known = drawn_up(failed, kind).activate().exception

        (event,) = resolve(known, RESOLVE)

        assert event == ExceptionResolved(
            exception_id=known.exception_id, kind=kind, resolution_notes="mended"
        )
        assert evolve(known, event).phase is ExceptionPhase.RESOLVED

    @pytest.mark.parametrize("by", ELSEWHERE, ids=str)
    def test_nobody_else_does(self, failed, by):
        known = failed.waive().exception

        with pytest.raises(AuthorityRequired, match="resolving an exception needs"):
            resolve(known, replace(RESOLVE, by=by))

    def test_one_that_never_came_into_force_can_be_dropped(self, failed):
        assert resolve(failed.draw_up_waiver().exception, RESOLVE)

    @pytest.mark.parametrize("phase", [ExceptionPhase.RESOLVED, ExceptionPhase.EXPIRED])
    def test_what_is_over_is_not_lifted(self, failed, phase):
        known = replace(failed.waive().exception, phase=phase)

        with pytest.raises(TransitionRefused, match=f"From {phase} it allows nothing"):
            resolve(known, RESOLVE)


class TestEnd:
    """SPEC 4.5: the platform notes the end of what is in force, and nothing else's."""

    @pytest.mark.parametrize("kind", ExceptionKind)
    def test_at_its_end_it_is_over(self, failed, kind):
        known = drawn_up(failed, kind).activate().exception

        assert not lapsed((known,), now=known.expires_at - BEFORE)
        (event,) = lapsed((known,), now=known.expires_at)
        assert event == ExceptionExpired(
            exception_id=known.exception_id, kind=kind, expired_at=known.expires_at
        )
        assert evolve(known, event).phase is ExceptionPhase.EXPIRED

    @pytest.mark.parametrize(
        "phase", [each for each in ExceptionPhase if each is not ExceptionPhase.ACTIVE]
    )
    def test_what_is_not_in_force_does_not_end(self, failed, phase):
        known = replace(failed.waive().exception, phase=phase)

        assert not lapsed((known,), now=known.expires_at)

    def test_it_counts_no_more_though_nobody_noted_it(self, failed):
        known = failed.waive().exception

        assert known.is_in_force(known.expires_at - BEFORE)
        assert not known.is_in_force(known.expires_at)


class TestCover:
    """C-EXC-3: this oracle, in this run, of this suite, this long, only in force."""

    def test_it_covers_what_it_names(self, failed):
        assert failed.waive().exception.covers(failed.run, BUILD, now=NOON)

    def test_it_covers_no_later_run_of_the_candidate(self, failed):
        known = failed.waive().exception
        failed.judge({BUILD: ResultStatus.FAIL})

        assert not known.covers(failed.run, BUILD, now=NOON)

    def test_it_covers_no_other_candidate(self, failed):
        known = failed.waive().exception
        failed.register({"b": b"other"}).judge({BUILD: ResultStatus.FAIL})

        assert not known.covers(failed.run, BUILD, now=NOON)

    def test_not_even_where_the_run_has_the_same_name(self, failed):
        known = failed.waive().exception
        other = CandidateId(f"{SOME_HASH}|cand_{ulid(99)}")
        run = replace(failed.run, candidate_id=other)

        assert not known.covers(run, BUILD, now=NOON)

    def test_it_covers_no_other_oracle(self, failed):
        assert not failed.waive().exception.covers(failed.run, UNIT_TESTS, now=NOON)

    def test_it_covers_no_other_suite(self, failed):
        known = failed.waive().exception
        run = replace(failed.run, suite_hash=SOME_HASH)

        assert not known.covers(run, BUILD, now=NOON)

    def test_at_its_end_it_covers_nothing(self, failed):
        known = failed.waive().exception

        assert known.covers(failed.run, BUILD, now=known.expires_at - BEFORE)
        assert not known.covers(failed.run, BUILD, now=known.expires_at)

    def test_before_it_is_in_force_it_covers_nothing(self, failed):
        known = failed.draw_up_waiver().exception

        assert not known.covers(failed.run, BUILD, now=NOON)

    def test_once_lifted_it_covers_nothing(self, failed):
        known = failed.waive().resolve().exception

        assert not known.covers(failed.run, BUILD, now=NOON)

    @pytest.mark.parametrize("kind", [ExceptionKind.DEVIATION, ExceptionKind.DEFERRAL])
    def test_no_other_kind_covers_a_failure(self, failed, kind):
        known = drawn_up(failed, kind).activate().exception

        assert not known.covers(failed.run, BUILD, now=NOON)


class TestFolding:
    """C-EVT-7: the state is what the events make it."""

    def test_it_is_drawn_up_once(self, failed):
        failed.draw_up_waiver()

        with pytest.raises(AssertionError, match="drawn up once"):
            evolve(failed.exception, failed.log[-1])

    def test_nothing_comes_before_that(self):
        event = ExceptionActivated(exception_id=EXCEPTION, kind=ExceptionKind.WAIVER)

        with pytest.raises(AssertionError, match="follows the drawing up"):
            evolve(None, event)
