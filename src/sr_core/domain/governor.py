"""The governor: whether a loop's next iteration is to start, and if not, why not.

`evaluate` is a function of what the log says of one loop at one moment. Preconditions
are looked at in a fixed order, every one of them each time; the decision names the first
that fails. Deciding to start is not starting: the iteration begins by the one way that
every iteration begins, in the same append that records this decision.

Stop triggers are looked at first, after every iteration and every run: a loop that has
used up a bound while more is wanted, that failed too often, or whose plan has nothing
left to work on, is stopped rather than left waiting.

Clauses: SPEC 6.4 (stop triggers), SPEC 6.6 (budgets), SPEC 6.7 (preconditions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from sr_core.domain.budget import Bound
from sr_core.domain.ids import GovernorDecisionId, IterationId, LoopId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.loop import FAILURES_MAX, LoopPhase
from sr_core.domain.ref_builders import loop_ref
from sr_core.domain.refs import Ref, RefRelation

DELAY_MIN: Final = timedelta(seconds=1)
"""How long after an iteration's start the next one may start (SPEC 6.7)."""


class Precondition(StrEnum):
    """What has to hold before an iteration starts, in the order in which it is asked."""

    LOOP_ACTIVE = "loop_active"
    NO_INCOMPLETE_ITERATION = "no_incomplete_iteration"
    BUDGET_AVAILABLE = "budget_available"
    MIN_DELAY_ELAPSED = "min_delay_elapsed"
    NO_STOP_TRIGGERS = "no_stop_triggers"
    APPROVALS_SATISFIED = "approvals_satisfied"
    WORK_SURFACE_AVAILABLE = "work_surface_available"
    WORK_UNIT_ELIGIBLE = "work_unit_eligible"


class Failure(StrEnum):
    """How it is said that a precondition does not hold."""

    LOOP_NOT_ACTIVE = "loop_not_active"
    INCOMPLETE_ITERATION = "incomplete_iteration_exists"
    BUDGET_EXHAUSTED = "budget_exhausted"
    MIN_DELAY = "min_delay_not_elapsed"
    STOP_TRIGGER = "stop_trigger_active"
    PENDING_APPROVALS = "pending_approvals"
    WORK_SURFACE_MISSING = "work_surface_missing"
    WORK_UNIT_NOT_ELIGIBLE = "work_unit_not_eligible"


FAILURE_OF: Final[Mapping[Precondition, Failure]] = MappingProxyType(
    dict(zip(Precondition, Failure, strict=True))
)

_HUMAN_NEEDED: Final = frozenset(
    {Failure.STOP_TRIGGER, Failure.PENDING_APPROVALS, Failure.WORK_SURFACE_MISSING}
)
"""What does not pass by waiting."""


class DecisionType(StrEnum):
    """What the governor wants to be done."""

    START_ITERATION = "START_ITERATION"
    DEFER_ITERATION = "DEFER_ITERATION"
    STOP_LOOP = "STOP_LOOP"


class Outcome(StrEnum):
    """What came of it: done, left for later, or left for a human."""

    EXECUTED = "EXECUTED"
    DEFERRED = "DEFERRED"
    BLOCKED = "BLOCKED"


class UnitStanding(StrEnum):
    """How the active plan sees the loop's work unit."""

    UNPLANNED = "UNPLANNED"
    """No active plan has it: the loop stands for itself."""
    ELIGIBLE = "ELIGIBLE"
    WAITING = "WAITING"
    COMPLETE = "COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """How much of one bound is used."""

    bound: Bound
    used: float
    limit: float

    def __str__(self) -> str:
        return f"{self.bound} is {self.limit:g} and {self.used:g} are used"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSituation:
    """What the log says of a loop at `now`, as far as the next iteration goes.

    `missing_surface` says why there is no work surface to work on, None if there is one
    or the loop needs none; `is_surface_done` says that it is because the work on it came
    to its end. `plan_exhausted` says that the plan has no eligible unit left and yet is
    not complete. `answered` are the triggers that fired since the latest iteration began
    and that a human answered.
    """

    loop_id: LoopId
    phase: LoopPhase
    now: datetime
    burns: tuple[Burn, ...]
    open_iteration: IterationId | None = None
    last_started_at: datetime | None = None
    failures_in_a_row: int = 0
    stops: frozenset[StopTrigger] = frozenset()
    answered: frozenset[StopTrigger] = frozenset()
    pending_approvals: tuple[str, ...] = ()
    missing_surface: str | None = None
    is_surface_done: bool = False
    unit: UnitStanding = UnitStanding.UNPLANNED
    plan_exhausted: bool = False

    @property
    def exhausted(self) -> Burn | None:
        """The first bound that is used up."""
        return next((each for each in self.burns if each.used >= each.limit), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One precondition, as it was found."""

    precondition: Precondition
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is to be done with a loop, and everything that was looked at."""

    loop_id: LoopId
    decision_type: DecisionType
    outcome: Outcome
    preconditions: tuple[Checked, ...]
    rationale: str
    failure: Failure | None = None
    stop: StopTrigger | None = None
    bound: Bound | None = None
    """The bound that is used up, if that is what stops the loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernorDecisionRecorded:
    """The governor came to another conclusion about a loop than before."""

    decision_id: GovernorDecisionId
    loop_id: LoopId
    decision_type: DecisionType
    outcome: Outcome
    failure: Failure | None
    stop: StopTrigger | None
    preconditions: tuple[Checked, ...]
    rationale: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The loop that it is about."""
        return (loop_ref(self.loop_id, RefRelation.ABOUT),)


GovernorEvent: TypeAlias = GovernorDecisionRecorded


def evaluate(situation: LoopSituation) -> Evaluation:
    """Return what is to be done with the loop."""
    checked = tuple(_checked(situation))
    due = _due_stop(situation)
    if due is not None:
        trigger, why = due
        return Evaluation(
            loop_id=situation.loop_id,
            decision_type=DecisionType.STOP_LOOP,
            outcome=Outcome.EXECUTED,
            preconditions=checked,
            rationale=why,
            stop=trigger,
            bound=situation.exhausted.bound
            if trigger is StopTrigger.BUDGET_EXHAUSTED and situation.exhausted
            else None,
        )
    failed = next((each for each in checked if not each.holds), None)
    if failed is None:
        return Evaluation(
            loop_id=situation.loop_id,
            decision_type=DecisionType.START_ITERATION,
            outcome=Outcome.EXECUTED,
            preconditions=checked,
            rationale="every precondition holds",
        )
    needs_human = any(
        FAILURE_OF[each.precondition] in _HUMAN_NEEDED
        for each in checked
        if not each.holds
    )
    return Evaluation(
        loop_id=situation.loop_id,
        decision_type=DecisionType.DEFER_ITERATION,
        outcome=Outcome.BLOCKED if needs_human else Outcome.DEFERRED,
        preconditions=checked,
        rationale=failed.detail,
        failure=FAILURE_OF[failed.precondition],
    )


def record(
    evaluation: Evaluation,
    latest: GovernorDecisionRecorded | None,
    *,
    decision_id: GovernorDecisionId,
) -> tuple[GovernorDecisionRecorded, ...]:
    """Return the record of `evaluation`, unless it says what `latest` said already.

    A start is an act, so each one is recorded. To go on waiting for the same thing is
    none: without this a log would grow by every look at every loop.
    """
    is_start = evaluation.decision_type is DecisionType.START_ITERATION
    if latest is not None and not is_start and _gist(latest) == _gist(evaluation):
        return ()
    return (
        GovernorDecisionRecorded(
            decision_id=decision_id,
            loop_id=evaluation.loop_id,
            decision_type=evaluation.decision_type,
            outcome=evaluation.outcome,
            failure=evaluation.failure,
            stop=evaluation.stop,
            preconditions=evaluation.preconditions,
            rationale=evaluation.rationale,
        ),
    )


def _gist(each: Evaluation | GovernorDecisionRecorded) -> tuple[object, ...]:
    failing = tuple(one.precondition for one in each.preconditions if not one.holds)
    return (each.decision_type, each.outcome, each.failure, each.stop, failing)


def _due_stop(situation: LoopSituation) -> tuple[StopTrigger, str] | None:
    """Return the stop that is due, if any: for that the loop runs, and is at rest."""
    if situation.phase is not LoopPhase.ACTIVE or situation.open_iteration is not None:
        return None
    for trigger, why in _reasons_to_stop(situation):
        if trigger not in situation.stops:
            return trigger, why
    return None


def _reasons_to_stop(situation: LoopSituation) -> Iterator[tuple[StopTrigger, str]]:
    if situation.failures_in_a_row >= FAILURES_MAX:
        why = f"{situation.failures_in_a_row} iterations failed in a row"
        yield StopTrigger.REPEATED_FAILURE, why
    is_more_wanted = situation.unit is not UnitStanding.COMPLETE
    if situation.exhausted is not None and is_more_wanted:
        yield StopTrigger.BUDGET_EXHAUSTED, str(situation.exhausted)
    if situation.missing_surface is not None and not situation.is_surface_done:
        yield StopTrigger.WORK_SURFACE_MISSING, situation.missing_surface
    was_told = StopTrigger.NO_ELIGIBLE_WORK in situation.answered
    if situation.plan_exhausted and is_more_wanted and not was_told:
        yield (
            StopTrigger.NO_ELIGIBLE_WORK,
            "no work unit of the plan is eligible, and not all are complete",
        )


def _checked(situation: LoopSituation) -> Iterator[Checked]:
    for each in Precondition:
        holds, detail = _LOOKS[each](situation)
        yield Checked(precondition=each, holds=holds, detail=detail)


def _active(situation: LoopSituation) -> tuple[bool, str]:
    return situation.phase is LoopPhase.ACTIVE, f"the loop is {situation.phase}"


def _at_rest(situation: LoopSituation) -> tuple[bool, str]:
    is_open = situation.open_iteration
    return is_open is None, f"{is_open or 'no iteration'} is open"


def _within_budget(situation: LoopSituation) -> tuple[bool, str]:
    exhausted = situation.exhausted
    told = str(exhausted) if exhausted else "; ".join(map(str, situation.burns))
    return exhausted is None, told


def _after_delay(situation: LoopSituation) -> tuple[bool, str]:
    if situation.last_started_at is None:
        return True, "no iteration has started yet"
    elapsed = situation.now - situation.last_started_at
    told = f"at least {DELAY_MIN.total_seconds():g} s have to pass between two starts"
    return elapsed >= DELAY_MIN, told


def _unstopped(situation: LoopSituation) -> tuple[bool, str]:
    told = ", ".join(sorted(situation.stops)) or "no stop trigger"
    return not situation.stops, f"{told} is open"


def _approved(situation: LoopSituation) -> tuple[bool, str]:
    pending = situation.pending_approvals
    return not pending, "; ".join(pending) or "no approval is waited for"


def _surface(situation: LoopSituation) -> tuple[bool, str]:
    missing = situation.missing_surface
    return missing is None, missing or "the work surface is in order, or none is bound"


def _eligible(situation: LoopSituation) -> tuple[bool, str]:
    may_go_on = situation.unit in {UnitStanding.UNPLANNED, UnitStanding.ELIGIBLE}
    return may_go_on, f"the work unit is {situation.unit}"


_LOOKS: Final[Mapping[Precondition, Callable[[LoopSituation], tuple[bool, str]]]] = (
    MappingProxyType(
        {
            Precondition.LOOP_ACTIVE: _active,
            Precondition.NO_INCOMPLETE_ITERATION: _at_rest,
            Precondition.BUDGET_AVAILABLE: _within_budget,
            Precondition.MIN_DELAY_ELAPSED: _after_delay,
            Precondition.NO_STOP_TRIGGERS: _unstopped,
            Precondition.APPROVALS_SATISFIED: _approved,
            Precondition.WORK_SURFACE_AVAILABLE: _surface,
            Precondition.WORK_UNIT_ELIGIBLE: _eligible,
        }
    )
)
assert _LOOKS.keys() == set(Precondition), "every precondition is looked at"
