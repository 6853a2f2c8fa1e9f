"""The loop: one bounded piece of governed work, from its goal to its close.

    CREATED --activate--> ACTIVE --pause or stop trigger--> PAUSED
                            ^                                  |
                            +-------------- resume ------------+
    any phase but CLOSED --close--> CLOSED, and --update--> the same phase

A pause by hand is lifted by hand. A stop trigger needs a human decision about that very
stop, and what its trigger asks for beside it: a cure, or a bound that is raised.

`decide` answers a command with events, or raises why not. `evolve` folds one event into
the state. Both are pure: time and fresh identifiers come in with the command.

Clauses: SPEC 4.1 (phases), C-LOOP-1 (budgets), C-LOOP-3 (stop triggers), C-DEC-1,
C-CTX-2 (iterations are started by the system), C-TB-1 (a human raises a bound).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

from sr_core.domain import stops
from sr_core.domain.actors import ActorKind
from sr_core.domain.budget import (
    SECONDS_PER_HOUR,
    Bound,
    BudgetChange,
    Budgets,
    Usage,
    raised,
    require_left,
)
from sr_core.domain.decision import DecisionRecorded
from sr_core.domain.errors import (
    AuthorityRequired,
    BudgetExhausted,
    DecisionScopeMismatch,
    IntegrityUnresolved,
    IterationInProgress,
    MalformedInput,
    Refused,
    TransitionRefused,
    WorkSurfaceMissing,
)
from sr_core.domain.ids import (
    CandidateId,
    DecisionId,
    IterationId,
    LoopId,
    RunId,
    WorkSurfaceId,
    WorkUnitId,
)
from sr_core.domain.integrity import BUDGET_ROLES, StopTrigger, recommended_portal
from sr_core.domain.iteration import (
    IterationBegun,
    IterationCompleted,
    IterationEvent,
    IterationFailed,
    IterationOutcome,
    IterationStarted,
    IterationSummaryRecorded,
)
from sr_core.domain.loop_acts import (
    ActivateLoop,
    CloseLoop,
    CreateLoop,
    LoopActivated,
    LoopClosed,
    LoopCommand,
    LoopCreated,
    LoopEvent,
    LoopPaused,
    LoopResumed,
    LoopUpdated,
    PauseLoop,
    ResumeLoop,
    StartIteration,
    StopTriggered,
    UpdateLoop,
)
from sr_core.domain.refs import ContentHash, Ref, RefKind
from sr_core.domain.stops import OpenStop, Stops

__all__ = [
    "FAILURES_MAX",
    "ActivateLoop",
    "Budgets",
    "CloseLoop",
    "CreateLoop",
    "Loop",
    "LoopActivated",
    "LoopClosed",
    "LoopCommand",
    "LoopCreated",
    "LoopEvent",
    "LoopPaused",
    "LoopPhase",
    "LoopResumed",
    "LoopUpdated",
    "PauseLoop",
    "ResumeLoop",
    "StartIteration",
    "StopTriggered",
    "UpdateLoop",
    "count_run",
    "decide",
    "evolve",
    "require_budget",
    "stop",
    "stop_for",
    "stops_due",
]

FAILURES_MAX: Final = 3
"""How many iterations may fail in a row before the loop stops (SPEC 6.4)."""


class LoopPhase(StrEnum):
    """Where a loop stands (SPEC 4.1)."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What the events so far say of one loop."""

    loop_id: LoopId
    goal: str
    phase: LoopPhase
    budgets: Budgets
    directive: Ref
    work_unit: WorkUnitId
    work_surface_id: WorkSurfaceId | None = None
    activated_at: datetime | None = None
    iterations_started: int = 0
    runs_started: int = 0
    failures_in_a_row: int = 0
    open_iteration: IterationId | None = None
    stopped: Stops = field(default_factory=Stops)
    fired: frozenset[StopTrigger] = frozenset()
    """What stopped the loop since its latest iteration started."""

    @property
    def stops(self) -> Mapping[StopTrigger, OpenStop]:
        """The open stops."""
        return self.stopped.open

    def used(self, now: datetime) -> Usage:
        """Return what is used of each bound at `now`."""
        since = now - (self.activated_at or now)
        return Usage(
            iterations=self.iterations_started,
            oracle_runs=self.runs_started,
            hours=since.total_seconds() / SECONDS_PER_HOUR,
        )


# The rules.

_ALLOWED: Final[Mapping[LoopPhase, frozenset[type[LoopCommand]]]] = MappingProxyType(
    {
        LoopPhase.CREATED: frozenset({ActivateLoop, UpdateLoop, CloseLoop}),
        LoopPhase.ACTIVE: frozenset({StartIteration, UpdateLoop, PauseLoop, CloseLoop}),
        LoopPhase.PAUSED: frozenset({ResumeLoop, UpdateLoop, CloseLoop}),
        LoopPhase.CLOSED: frozenset(),
    }
)
assert _ALLOWED.keys() == set(LoopPhase), "every phase says what it allows"


def decide(
    loop: Loop | None, command: LoopCommand
) -> tuple[LoopEvent | IterationStarted, ...]:
    """Return the events that `command` leads to; `loop` is None before the first.

    Raises:
        TransitionRefused: the loop's phase does not allow the command.
        AuthorityRequired: the actor may not give it.
        WorkSurfaceMissing: the work unit has no active work surface, and needs one.
        BudgetDecreased, MalformedInput: the update is none that can be made.
        IterationInProgress: the latest iteration has not ended.
        BudgetExhausted: nothing is left of a bound; `stop_for` records that.
        DecisionRequired, DecisionScopeMismatch, IntegrityUnresolved, StopUncured: the
            stop is not answered.

    """
    if isinstance(command, CreateLoop):
        return _create(loop, command)
    _authorise(command)
    loop = _in_allowed_phase(loop, command)
    match command:
        case ActivateLoop(now=now, rationale=rationale):
            return (
                LoopActivated(
                    loop_id=loop.loop_id, activated_at=now, rationale=rationale
                ),
            )
        case UpdateLoop():
            return _update(loop, command)
        case PauseLoop(rationale=rationale):
            return (LoopPaused(loop_id=loop.loop_id, rationale=rationale),)
        case ResumeLoop():
            return _resume(loop, command)
        case CloseLoop(rationale=rationale):
            return (LoopClosed(loop_id=loop.loop_id, rationale=rationale),)
        case StartIteration():
            return _start_iteration(loop, command)
        case _:
            assert_never(command)


def require_budget(loop: Loop, bound: Bound, *, now: datetime) -> None:
    """Raise `BudgetExhausted` unless something is left of `bound`, and of the hours.

    Whatever uses a budget up asks this: iterations and runs alike (C-LOOP-1).
    """
    require_left(loop.budgets, loop.used(now), bound, Bound.WALLCLOCK)


def stop(
    loop: Loop,
    trigger: StopTrigger,
    *,
    condition: str,
    bound: Bound | None = None,
    run_id: RunId | None = None,
    candidate_id: CandidateId | None = None,
    evidence: ContentHash | None = None,
) -> tuple[LoopEvent, ...]:
    """Return the stop that `trigger` makes.

    Nothing, if it is open already, or if there is nothing to stop: a loop that was not
    activated does nothing yet, and a closed one nothing more.
    """
    idle = {LoopPhase.CREATED, LoopPhase.CLOSED}
    if trigger in loop.stops or loop.phase in idle:
        return ()
    return (
        StopTriggered(
            loop_id=loop.loop_id,
            trigger=trigger,
            condition=condition,
            requires_decision=True,
            recommended_portal=recommended_portal(trigger),
            bound=bound,
            run_id=run_id,
            candidate_id=candidate_id,
            evidence_bundle_hash=evidence,
        ),
    )


_STOPPING: Final = frozenset(
    {
        StopTrigger.BUDGET_EXHAUSTED,
        StopTrigger.SEMANTIC_PROFILE_MISSING,
        StopTrigger.STAGE_UNKNOWN,
        StopTrigger.WORK_SURFACE_MISSING,
    }
)
"""The refusals that stop a loop: their codes are their triggers' names."""


def stop_for(loop: Loop, refusal: Refused) -> tuple[LoopEvent, ...]:
    """Return the stop that a refusal makes, if it is one that stops a loop."""
    if refusal.code not in _STOPPING:
        return ()
    spent = Bound(refusal.bound) if isinstance(refusal, BudgetExhausted) else None
    trigger = StopTrigger(refusal.code)
    return stop(loop, trigger, condition=refusal.found, bound=spent)


def stops_due(loop: Loop, *, now: datetime) -> tuple[LoopEvent, ...]:
    """Return the stops that are due after an iteration or a run has ended (C-LOOP-3)."""
    due: tuple[LoopEvent, ...] = ()
    if loop.failures_in_a_row >= FAILURES_MAX:
        why = f"{loop.failures_in_a_row} iterations failed in a row"
        due = stop(loop, StopTrigger.REPEATED_FAILURE, condition=why)
    try:
        require_left(loop.budgets, loop.used(now), Bound.WALLCLOCK)
    except BudgetExhausted as spent:
        return (*due, *stop_for(loop, spent))
    return due


def evolve(
    loop: Loop | None, event: LoopEvent | IterationEvent | DecisionRecorded
) -> Loop:
    """Fold one event into the state. Never refuses: what is recorded has happened."""
    if isinstance(event, LoopCreated):
        assert loop is None, "LoopCreated opens a loop"
        return Loop(
            loop_id=event.loop_id,
            goal=event.goal,
            phase=LoopPhase.CREATED,
            budgets=event.budgets,
            directive=event.directive_ref,
            work_unit=event.work_unit,
            work_surface_id=event.work_surface_id,
        )
    assert loop is not None, "every other event follows LoopCreated"
    match event:
        case LoopActivated(activated_at=moment):
            return replace(loop, phase=LoopPhase.ACTIVE, activated_at=moment)
        case LoopUpdated():
            goal, budgets = event.goal or loop.goal, event.budgets or loop.budgets
            return replace(loop, goal=goal, budgets=budgets)
        case LoopPaused():
            return replace(loop, phase=LoopPhase.PAUSED)
        case StopTriggered(trigger=trigger, bound=bound):
            stopped = stops.fired(loop.stopped, trigger, bound)
            fired = loop.fired | {trigger}
            return replace(loop, phase=LoopPhase.PAUSED, stopped=stopped, fired=fired)
        case LoopResumed():
            stopped = stops.lifted(loop.stopped, event.answers.values())
            return replace(
                loop, phase=LoopPhase.ACTIVE, stopped=stopped, failures_in_a_row=0
            )
        case LoopClosed():
            return replace(loop, phase=LoopPhase.CLOSED)
        case DecisionRecorded():
            return replace(
                loop, stopped=stops.weighed(loop.stopped, loop.loop_id, event)
            )
        case _:
            return _after_iteration(loop, event)


def count_run(loop: Loop) -> Loop:
    """Return `loop` after one more run of an oracle suite."""
    return replace(loop, runs_started=loop.runs_started + 1)


def _after_iteration(loop: Loop, event: IterationEvent) -> Loop:
    match event:
        case IterationStarted():
            return replace(
                loop,
                iterations_started=loop.iterations_started + 1,
                open_iteration=event.iteration_id,
                work_surface_id=event.work_surface_id,
                fired=frozenset(),
            )
        case IterationCompleted(outcome=outcome):
            return _count_outcome(loop, outcome)
        case IterationFailed():
            return _count_outcome(loop, IterationOutcome.FAILURE)
        case IterationBegun() | IterationSummaryRecorded():
            return loop
        case _:
            assert_never(event)


def _create(loop: Loop | None, command: CreateLoop) -> tuple[LoopEvent, ...]:
    if loop is not None:
        raise _refusal(loop, command)
    _require_goal(command.goal)
    if command.directive.kind is not RefKind.GOVERNED_ARTIFACT:
        raise MalformedInput(
            field="directive_ref.kind",
            found=command.directive.kind,
            expected=RefKind.GOVERNED_ARTIFACT,
        )
    if command.work_unit is not None and command.work_surface_id is None:
        raise WorkSurfaceMissing(work_unit=command.work_unit)
    return (
        LoopCreated(
            loop_id=command.loop_id,
            goal=command.goal,
            work_unit=command.work_unit or WorkUnitId(command.loop_id),
            work_surface_id=command.work_surface_id,
            budgets=command.budgets,
            directive_ref=command.directive,
        ),
    )


def _require_goal(goal: str) -> None:
    if not goal.strip():
        raise MalformedInput(
            field="goal", found=goal, expected="what the loop is to reach"
        )


def _authorise(command: LoopCommand) -> None:
    by = command.by
    if isinstance(command, StartIteration):
        by.require(ActorKind.SYSTEM, action="starting an iteration")
    elif isinstance(command, ResumeLoop):
        by.require(ActorKind.HUMAN, action="resuming a loop")
    elif by.kind is ActorKind.AGENT:
        raise AuthorityRequired(
            action=type(command).__name__,
            required="a HUMAN or the SYSTEM",
            actor=by.actor_id,
        )


def _in_allowed_phase(loop: Loop | None, command: LoopCommand) -> Loop:
    if loop is not None and type(command) in _ALLOWED[loop.phase]:
        return loop
    raise _refusal(loop, command)


def _refusal(loop: Loop | None, command: LoopCommand) -> TransitionRefused:
    allowed = _ALLOWED[loop.phase] if loop else {CreateLoop}
    return TransitionRefused(
        subject=loop.loop_id if loop else "the loop",
        phase=loop.phase if loop else "not yet created",
        attempted=type(command).__name__,
        allowed={each.__name__ for each in allowed},
    )


def _update(loop: Loop, command: UpdateLoop) -> tuple[LoopEvent, ...]:
    if command.budgets != BudgetChange():
        command.by.require(ActorKind.HUMAN, action="raising a bound")
        command.by.require_one_of(BUDGET_ROLES, action="raising a bound")
    if command.goal is not None:
        _require_goal(command.goal)
    budgets = raised(loop.budgets, command.budgets)
    goal = command.goal if command.goal != loop.goal else None
    if goal is None and budgets == loop.budgets:
        raise MalformedInput(
            field="update", found="no change", expected="a new goal, or a higher bound"
        )
    return (
        LoopUpdated(
            loop_id=loop.loop_id,
            goal=goal,
            budgets=budgets if budgets != loop.budgets else None,
        ),
    )


def _resume(loop: Loop, command: ResumeLoop) -> tuple[LoopEvent, ...]:
    if not loop.stops and command.decision_id is not None:
        raise DecisionScopeMismatch(
            decision_id=command.decision_id,
            why=f"is about no stop: {loop.loop_id} was paused by hand",
        )
    return (
        LoopResumed(
            loop_id=loop.loop_id,
            decision_id=command.decision_id,
            answers=_answers(loop, command) if loop.stops else {},
            rationale=command.rationale,
        ),
    )


def _answers(loop: Loop, command: ResumeLoop) -> Mapping[StopTrigger, DecisionId]:
    """Return the decision that answers each stop; nothing else may stand in the way."""
    answers = stops.answers(loop.stopped, loop.loop_id, command.decision_id)
    if command.standing:
        raise IntegrityUnresolved(subject=loop.loop_id, conditions=command.standing)
    stops.require_cured(loop.stopped, loop.loop_id, command.cured)
    spent = loop.stops.get(StopTrigger.BUDGET_EXHAUSTED)
    if spent is not None:
        bounds = [spent.bound] if spent.bound else [*Bound]
        require_left(loop.budgets, loop.used(command.now), *bounds)
    return answers


def _start_iteration(
    loop: Loop, command: StartIteration
) -> tuple[IterationStarted, ...]:
    if loop.open_iteration is not None:
        raise IterationInProgress(iteration_id=loop.open_iteration)
    require_budget(loop, Bound.ITERATIONS, now=command.now)
    if loop.work_surface_id is not None and command.work_surface_id is None:
        raise WorkSurfaceMissing(work_unit=loop.work_unit)
    return (
        IterationStarted(
            iteration_id=command.iteration_id,
            loop_id=loop.loop_id,
            sequence=loop.iterations_started + 1,
            work_surface_id=command.work_surface_id,
            refs=command.refs,
        ),
    )


def _count_outcome(loop: Loop, outcome: IterationOutcome) -> Loop:
    failed = outcome is IterationOutcome.FAILURE
    return replace(
        loop,
        open_iteration=None,
        failures_in_a_row=loop.failures_in_a_row + 1 if failed else 0,
    )
