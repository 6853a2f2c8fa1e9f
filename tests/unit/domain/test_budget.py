"""The bounds of a loop (C-LOOP-1, SPEC 6.6)."""

from datetime import timedelta

import pytest

from sr_core.domain.budget import (
    Bound,
    BudgetChange,
    Budgets,
    Usage,
    raised,
    require_left,
)
from sr_core.domain.errors import BudgetDecreased, BudgetExhausted, MalformedInput
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import FailIteration
from sr_core.domain.loop import Loop, StopTriggered, require_budget
from sr_core.testing import NOON, SYSTEM

BUDGETS = Budgets(max_iterations=2, max_oracle_runs=3, max_wallclock_hours=4)


def usage(**used: float) -> Usage:
    spent = {"iterations": 0, "oracle_runs": 0, "hours": 0, **used}
    return Usage(
        iterations=int(spent["iterations"]),
        oracle_runs=int(spent["oracle_runs"]),
        hours=spent["hours"],
    )


class TestWhatIsLeft:
    """One rule for all that uses a budget up."""

    @pytest.mark.parametrize(
        ("bound", "field", "limit"),
        [
            (Bound.ITERATIONS, "iterations", 2),
            (Bound.ORACLE_RUNS, "oracle_runs", 3),
            (Bound.WALLCLOCK, "hours", 4),
        ],
    )
    def test_a_bound_that_is_reached_is_exhausted(self, bound, field, limit):
        require_left(BUDGETS, usage(**{field: limit - 1}), *Bound)

        with pytest.raises(
            BudgetExhausted, match=f"{bound} is {limit} and {limit} are"
        ):
            require_left(BUDGETS, usage(**{field: limit}), *Bound)

    def test_only_what_is_asked_about_counts(self):
        require_left(BUDGETS, usage(iterations=9), Bound.ORACLE_RUNS, Bound.WALLCLOCK)

    def test_hours_count_to_the_minute(self):
        require_left(BUDGETS, usage(hours=3.999), Bound.WALLCLOCK)

        with pytest.raises(BudgetExhausted, match=r"4\.25 are used") as spent:
            require_left(BUDGETS, usage(hours=4.25), Bound.WALLCLOCK)
        assert spent.value.bound == "max_wallclock_hours"


class TestRaising:
    """SPEC 4.1: a bound only rises."""

    def test_what_is_named_is_new_and_the_rest_stays(self):
        after = raised(BUDGETS, BudgetChange(max_oracle_runs=9))

        assert after == Budgets(
            max_iterations=2, max_oracle_runs=9, max_wallclock_hours=4
        )

    @pytest.mark.parametrize("bound", Bound)
    def test_a_decrease_is_refused(self, bound):
        limit = BUDGETS.limit(bound)

        with pytest.raises(BudgetDecreased) as refused:
            raised(BUDGETS, BudgetChange(**{bound: limit - 1}))

        assert str(refused.value) == (
            f"budgets.{bound} is {limit}, and {limit - 1} is less. "
            f"Give a number from {limit} up, or leave the bound out."
        )

    def test_one_decrease_spoils_the_whole_change(self):
        change = BudgetChange(max_iterations=9, max_wallclock_hours=3)

        with pytest.raises(BudgetDecreased, match="max_wallclock_hours"):
            raised(BUDGETS, change)

    def test_a_bound_of_none_is_no_bound(self):
        with pytest.raises(MalformedInput, match="a whole number from 1 up"):
            raised(BUDGETS, BudgetChange(max_iterations=0))


class TestHours:
    """C-LOOP-1: hours run from the activation, and bound iterations and runs alike."""

    def test_they_run_from_the_activation(self, story):
        loop: Loop = story.open(BUDGETS).loop

        assert loop.used(NOON + timedelta(minutes=90)).hours == 1.5

    def test_before_it_they_do_not_run(self, story):
        loop = story.create(BUDGETS).loop

        assert loop.used(NOON + timedelta(days=9)).hours == 0

    @pytest.mark.parametrize("bound", [Bound.ITERATIONS, Bound.ORACLE_RUNS])
    def test_past_them_nothing_starts(self, story, bound):
        loop = story.open(BUDGETS).loop
        last = NOON + timedelta(hours=4)

        require_budget(loop, bound, now=last - timedelta(seconds=1))

        with pytest.raises(BudgetExhausted, match="max_wallclock_hours is 4"):
            require_budget(loop, bound, now=last)

    def test_no_iteration_starts_past_them(self, story):
        story.open(BUDGETS).now += timedelta(hours=4)

        with pytest.raises(BudgetExhausted, match="max_wallclock_hours"):
            story.iterate()

    def test_no_run_starts_past_them(self, story):
        story.open(BUDGETS).iterate().register().now += timedelta(hours=5)

        with pytest.raises(BudgetExhausted, match="max_wallclock_hours"):
            story.begin_run()

    @pytest.mark.parametrize("ending", ["complete", "fail"])
    def test_they_are_looked_at_when_an_iteration_ends(self, story, ending):
        story.open(BUDGETS).iterate().now += timedelta(hours=4)

        if ending == "complete":
            story.complete()
        else:
            story.give_iteration(FailIteration(by=SYSTEM, reason="gone"))

        stopped = story.log[-1]
        assert isinstance(stopped, StopTriggered)
        assert stopped.trigger is StopTrigger.BUDGET_EXHAUSTED
        assert stopped.bound is Bound.WALLCLOCK

    def test_a_run_ends_within_them_unnoticed(self, story):
        story.open(BUDGETS).iterate().register().begin_run()

        story.begin_execution().fail_run("no sandbox")

        assert story.loop.stops == {}
        assert story.loop.used(story.now).oracle_runs == 1
