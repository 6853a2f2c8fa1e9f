"""The governor: what has to hold before an iteration starts (SPEC 6.7)."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sr_core.domain.budget import Bound
from sr_core.domain.governor import (
    DELAY_MIN,
    FAILURE_OF,
    Burn,
    DecisionType,
    Failure,
    GovernorDecisionRecorded,
    LoopSituation,
    Outcome,
    Precondition,
    UnitStanding,
    evaluate,
    record,
)
from sr_core.domain.ids import IterationId, parse_governor_decision_id
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.loop import LoopPhase
from sr_core.testing import LOOP_1, NOON, ulid

ITERATION = IterationId(f"iter_{ulid(1)}")
DECISION_1 = parse_governor_decision_id(f"gdec_{ulid(1)}")
DECISION_2 = parse_governor_decision_id(f"gdec_{ulid(2)}")

READY = LoopSituation(
    loop_id=LOOP_1,
    phase=LoopPhase.ACTIVE,
    now=NOON,
    burns=(
        Burn(bound=Bound.ITERATIONS, used=1, limit=5),
        Burn(bound=Bound.WALLCLOCK, used=0.5, limit=16),
    ),
    last_started_at=NOON - timedelta(minutes=1),
)
"""A loop whose next iteration may start."""

SPENT = (READY.burns[0], Burn(bound=Bound.WALLCLOCK, used=16, limit=16))

BREAKS: dict[Precondition, dict[str, Any]] = {
    Precondition.LOOP_ACTIVE: {"phase": LoopPhase.PAUSED},
    Precondition.NO_INCOMPLETE_ITERATION: {"open_iteration": ITERATION},
    Precondition.BUDGET_AVAILABLE: {"burns": SPENT},
    Precondition.MIN_DELAY_ELAPSED: {"last_started_at": NOON},
    Precondition.NO_STOP_TRIGGERS: {"stops": frozenset({StopTrigger.ORACLE_GAP})},
    Precondition.APPROVALS_SATISFIED: {"pending_approvals": ("a candidate waits",)},
    Precondition.WORK_SURFACE_AVAILABLE: {
        "missing_surface": "ws:1 is completed",
        "is_surface_done": True,
    },
    Precondition.WORK_UNIT_ELIGIBLE: {"unit": UnitStanding.WAITING},
}
"""For each precondition, a situation in which it alone does not hold."""


STOPPED_FOR = {Precondition.BUDGET_AVAILABLE}
"""What is not waited for while it does not hold: the loop is stopped."""


def failing(situation):
    return [
        each.precondition
        for each in evaluate(situation).preconditions
        if not each.holds
    ]


class TestPreconditions:
    def test_an_iteration_starts_when_all_hold(self):
        found = evaluate(READY)

        assert found.decision_type is DecisionType.START_ITERATION
        assert found.outcome is Outcome.EXECUTED
        assert found.failure is None
        assert [each.precondition for each in found.preconditions] == [*Precondition]

    def test_the_first_iteration_has_nothing_to_keep_its_distance_from(self):
        assert not failing(replace(READY, last_started_at=None))

    @pytest.mark.parametrize("broken", Precondition)
    def test_one_that_does_not_hold_keeps_it_from_starting(self, broken):
        situation = replace(READY, **BREAKS[broken])

        assert failing(situation) == [broken]
        assert evaluate(situation).decision_type is not DecisionType.START_ITERATION

    @pytest.mark.parametrize("broken", sorted(set(Precondition) - STOPPED_FOR))
    def test_its_word_is_said(self, broken):
        found = evaluate(replace(READY, **BREAKS[broken]))

        assert found.decision_type is DecisionType.DEFER_ITERATION
        assert found.failure is FAILURE_OF[broken]

    def test_the_words_are_those_of_the_specification(self):
        assert [*map(str, FAILURE_OF.values())] == [
            "loop_not_active",
            "incomplete_iteration_exists",
            "budget_exhausted",
            "min_delay_not_elapsed",
            "stop_trigger_active",
            "pending_approvals",
            "work_surface_missing",
            "work_unit_not_eligible",
        ]

    @pytest.mark.parametrize(
        ("first", "second"),
        [*pairwise(each for each in Precondition if each not in STOPPED_FOR)],
    )
    def test_the_first_in_order_is_named(self, first, second):
        found = evaluate(replace(READY, **BREAKS[second], **BREAKS[first]))

        assert found.failure is FAILURE_OF[first]

    @pytest.mark.parametrize(
        ("broken", "outcome"),
        [
            (Precondition.LOOP_ACTIVE, Outcome.DEFERRED),
            (Precondition.NO_INCOMPLETE_ITERATION, Outcome.DEFERRED),
            (Precondition.MIN_DELAY_ELAPSED, Outcome.DEFERRED),
            (Precondition.NO_STOP_TRIGGERS, Outcome.BLOCKED),
            (Precondition.APPROVALS_SATISFIED, Outcome.BLOCKED),
            (Precondition.WORK_SURFACE_AVAILABLE, Outcome.BLOCKED),
            (Precondition.WORK_UNIT_ELIGIBLE, Outcome.DEFERRED),
        ],
    )
    def test_what_does_not_pass_by_waiting_blocks(self, broken, outcome):
        assert evaluate(replace(READY, **BREAKS[broken])).outcome is outcome

    def test_a_stopped_loop_is_blocked_though_it_is_named_not_active(self):
        stops = frozenset({StopTrigger.ORACLE_GAP})
        found = evaluate(replace(READY, phase=LoopPhase.PAUSED, stops=stops))

        assert found.failure is Failure.LOOP_NOT_ACTIVE
        assert found.outcome is Outcome.BLOCKED

    @pytest.mark.parametrize(
        ("ago", "holds"),
        [
            (DELAY_MIN - timedelta(milliseconds=1), False),
            (DELAY_MIN, True),
            (timedelta(seconds=-1), False),
        ],
    )
    def test_two_starts_keep_their_distance(self, ago, holds):
        found = failing(replace(READY, last_started_at=NOON - ago))

        assert found == ([] if holds else [Precondition.MIN_DELAY_ELAPSED])


class TestStops:
    """SPEC 6.4: what is due is fired, rather than waited for."""

    @pytest.mark.parametrize(("used", "is_spent"), [(4, False), (5, True), (6, True)])
    def test_a_bound_that_is_used_up(self, used, is_spent):
        burn = Burn(bound=Bound.ITERATIONS, used=used, limit=5)
        found = evaluate(replace(READY, burns=(burn,)))

        assert (found.stop is StopTrigger.BUDGET_EXHAUSTED) is is_spent
        assert (found.decision_type is DecisionType.STOP_LOOP) is is_spent

    def test_it_says_which(self):
        found = evaluate(replace(READY, burns=SPENT))

        assert found.rationale == "max_wallclock_hours is 16 and 16 are used"

    def test_nothing_more_is_wanted_of_a_complete_unit(self):
        found = evaluate(replace(READY, burns=SPENT, unit=UnitStanding.COMPLETE))

        assert found.decision_type is DecisionType.DEFER_ITERATION

    @pytest.mark.parametrize(("failures", "is_due"), [(2, False), (3, True)])
    def test_failures_in_a_row(self, failures, is_due):
        found = evaluate(replace(READY, failures_in_a_row=failures))

        assert (found.stop is StopTrigger.REPEATED_FAILURE) is is_due

    def test_a_plan_with_nothing_left_to_work_on(self):
        exhausted = replace(READY, unit=UnitStanding.WAITING, plan_exhausted=True)
        found = evaluate(exhausted)

        assert found.stop is StopTrigger.NO_ELIGIBLE_WORK
        assert found.outcome is Outcome.EXECUTED

    def test_a_unit_that_waits_for_another_is_not_the_end_of_the_plan(self):
        assert evaluate(replace(READY, unit=UnitStanding.WAITING)).stop is None

    def test_that_a_human_answered_is_not_fired_again(self):
        answered = frozenset({StopTrigger.NO_ELIGIBLE_WORK})
        found = evaluate(
            replace(
                READY,
                unit=UnitStanding.WAITING,
                plan_exhausted=True,
                answered=answered,
            )
        )

        assert found.stop is None
        assert found.failure is Failure.WORK_UNIT_NOT_ELIGIBLE

    def test_a_work_surface_that_is_gone(self):
        found = evaluate(replace(READY, missing_surface="ws:1 is archived"))

        assert found.stop is StopTrigger.WORK_SURFACE_MISSING
        assert found.rationale == "ws:1 is archived"

    def test_it_says_which_bound_is_used_up(self):
        assert evaluate(replace(READY, burns=SPENT)).bound is Bound.WALLCLOCK
        assert evaluate(replace(READY, failures_in_a_row=3)).bound is None

    @pytest.mark.parametrize(
        "hindrance", [{"open_iteration": ITERATION}, {"phase": LoopPhase.PAUSED}]
    )
    def test_a_loop_that_is_not_at_rest_is_left_alone(self, hindrance):
        situation = replace(
            READY, burns=SPENT, failures_in_a_row=3, plan_exhausted=True, **hindrance
        )

        assert evaluate(situation).stop is None

    def test_one_that_fired_does_not_fire_again(self):
        fired = frozenset({StopTrigger.BUDGET_EXHAUSTED})
        found = evaluate(replace(READY, burns=SPENT, stops=fired))

        assert found.stop is None
        assert found.failure is Failure.BUDGET_EXHAUSTED


class TestRecord:
    """V12: each decision is an event; to wait on for the same thing is no decision."""

    def record(self, situation, latest=None, decision_id=DECISION_1):
        return record(evaluate(situation), latest, decision_id=decision_id)

    def test_it_says_everything_that_was_looked_at(self):
        (event,) = self.record(READY)
        found = evaluate(READY)

        assert isinstance(event, GovernorDecisionRecorded)
        assert event.decision_id == DECISION_1
        assert event.preconditions == found.preconditions
        assert event.rationale == found.rationale
        assert [each.id for each in event.refs] == [LOOP_1]

    def test_every_start_is_recorded(self):
        (first,) = self.record(READY)

        assert self.record(READY, first, DECISION_2) != ()

    @pytest.mark.parametrize("broken", [*Precondition][1:])
    def test_the_same_again_is_not(self, broken):
        situation = replace(READY, **BREAKS[broken])
        (first,) = self.record(situation)
        later = replace(situation, now=situation.now - timedelta(milliseconds=1))

        assert self.record(situation, first, DECISION_2) == ()
        if broken is Precondition.NO_INCOMPLETE_ITERATION:
            assert self.record(later, first, DECISION_2) == ()

    def test_another_reason_is(self):
        (first,) = self.record(replace(READY, open_iteration=ITERATION))
        waiting = replace(READY, unit=UnitStanding.WAITING)

        assert self.record(waiting, first, DECISION_2) != ()

    def test_one_more_reason_behind_the_first_is(self):
        paused = replace(READY, phase=LoopPhase.PAUSED)
        (first,) = self.record(paused)
        also = replace(paused, missing_surface="ws:1 is archived")

        assert self.record(also, first, DECISION_2) != ()
