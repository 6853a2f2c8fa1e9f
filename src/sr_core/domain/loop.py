"""The loop: one bounded piece of governed work, from its goal to its close.

    CREATED --activate--> ACTIVE --pause or stop trigger--> PAUSED
                            ^                                  |
                            +-------------- resume ------------+
    any phase but CLOSED --close--> CLOSED

A pause by hand is lifted by hand. A stop trigger needs a human decision about that very
stop; one with an integrity condition behind it also needs the condition cured.

`decide` answers a command with events, or raises why not. `evolve` folds one event into
the state. Both are pure: time and fresh identifiers come in with the command.

Clauses: SPEC 4.1 (phases), C-LOOP-1 (budgets), C-LOOP-3 (stop triggers), C-DEC-1,
C-CTX-2 (iterations are started by the system).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.decision import DecisionKind, DecisionRecorded
from sr_core.domain.errors import (
    AuthorityRequired,
    BudgetExhausted,
    DecisionRequired,
    DecisionScopeMismatch,
    IntegrityUnresolved,
    IterationInProgress,
    MalformedInput,
    Refused,
    TransitionRefused,
)
from sr_core.domain.ids import DecisionId, IterationId, LoopId
from sr_core.domain.integrity import (
    IntegrityCondition,
    Portal,
    StopTrigger,
    recommended_portal,
)
from sr_core.domain.iteration import (
    IterationCompleted,
    IterationOutcome,
    IterationStarted,
)
from sr_core.domain.ref_builders import NO_REFS, decision_ref, loop_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation

FAILURES_MAX: Final = 3
"""How many iterations may fail in a row before the loop stops (SPEC 6.4)."""


class LoopPhase(StrEnum):
    """Where a loop stands (SPEC 4.1)."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The bounds of a loop, each at least one (C-LOOP-1)."""

    max_iterations: int = 5
    max_oracle_runs: int = 25

    def __post_init__(self) -> None:
        for name in ("max_iterations", "max_oracle_runs"):
            if getattr(self, name) < 1:
                raise MalformedInput(
                    field=f"budgets.{name}",
                    found=getattr(self, name),
                    expected="a whole number from 1 up",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What the events so far say of one loop.

    `stops` holds the open stop triggers, each with the decisions to go on that were
    recorded since it fired.
    """

    loop_id: LoopId
    goal: str
    phase: LoopPhase
    budgets: Budgets
    directive: Ref
    iterations_started: int = 0
    runs_started: int = 0
    failures_in_a_row: int = 0
    open_iteration: IterationId | None = None
    stops: Mapping[StopTrigger, frozenset[DecisionId]] = field(default_factory=dict)


# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLoop:
    """Open a loop with a goal and bounds, under a directive."""

    by: Actor
    loop_id: LoopId
    goal: str
    budgets: Budgets
    directive: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateLoop:
    """Let iterations start."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseLoop:
    """Hold the loop, by hand."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeLoop:
    """Go on; after a stop trigger, on the strength of a decision (SPEC 6.9)."""

    by: Actor
    decision_id: DecisionId | None
    standing: frozenset[IntegrityCondition] = frozenset()
    """The integrity conditions that stand against the loop's candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLoop:
    """End the loop for good."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class StartIteration:
    """Begin one fresh-context attempt over exactly these refs (C-CTX-1, C-CTX-2)."""

    by: Actor
    iteration_id: IterationId
    refs: tuple[Ref, ...]


LoopCommand: TypeAlias = (
    CreateLoop | ActivateLoop | PauseLoop | ResumeLoop | CloseLoop | StartIteration
)


# Events: what has happened.


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCreated:
    """A loop was opened."""

    loop_id: LoopId
    goal: str
    budgets: Budgets
    directive_ref: Ref

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (self.directive_ref,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopActivated:
    """Iterations may start."""

    refs = NO_REFS

    loop_id: LoopId


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPaused:
    """Someone holds the loop."""

    refs = NO_REFS

    loop_id: LoopId


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTriggered:
    """The line was stopped."""

    loop_id: LoopId
    trigger: StopTrigger
    condition: str
    requires_decision: bool
    recommended_portal: Portal

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (loop_ref(self.loop_id),)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResumed:
    """The loop goes on, after a stop by the decision named."""

    loop_id: LoopId
    decision_id: DecisionId | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        if self.decision_id is None:
            return NO_REFS
        return (decision_ref(self.decision_id, RefRelation.DEPENDS_ON),)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopClosed:
    """The loop ended for good."""

    refs = NO_REFS

    loop_id: LoopId


LoopEvent: TypeAlias = (
    LoopCreated | LoopActivated | LoopPaused | StopTriggered | LoopResumed | LoopClosed
)


# The rules.

_ALLOWED: Final[Mapping[LoopPhase, frozenset[type[LoopCommand]]]] = MappingProxyType(
    {
        LoopPhase.CREATED: frozenset({ActivateLoop, CloseLoop}),
        LoopPhase.ACTIVE: frozenset({StartIteration, PauseLoop, CloseLoop}),
        LoopPhase.PAUSED: frozenset({ResumeLoop, CloseLoop}),
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
        IterationInProgress: the latest iteration has not ended.
        BudgetExhausted: the loop has no iteration left; `stop` records that.
        DecisionRequired, DecisionScopeMismatch, IntegrityUnresolved: the stop is not
            answered.

    """
    if isinstance(command, CreateLoop):
        return _create(loop, command)
    _authorise(command)
    loop = _in_allowed_phase(loop, command)
    match command:
        case ActivateLoop():
            return (LoopActivated(loop_id=loop.loop_id),)
        case PauseLoop():
            return (LoopPaused(loop_id=loop.loop_id),)
        case ResumeLoop():
            return _resume(loop, command)
        case CloseLoop():
            return (LoopClosed(loop_id=loop.loop_id),)
        case StartIteration():
            return _start_iteration(loop, command)
        case _:
            assert_never(command)


def stop(loop: Loop, trigger: StopTrigger, *, condition: str) -> tuple[LoopEvent, ...]:
    """Return the stop that `trigger` makes; nothing if it is open, or the loop closed."""
    if trigger in loop.stops or loop.phase is LoopPhase.CLOSED:
        return ()
    return (
        StopTriggered(
            loop_id=loop.loop_id,
            trigger=trigger,
            condition=condition,
            requires_decision=True,
            recommended_portal=recommended_portal(trigger),
        ),
    )


def stop_for(loop: Loop, refusal: Refused) -> tuple[LoopEvent, ...]:
    """Return the stop that a refusal makes; only an exhausted budget makes one."""
    if isinstance(refusal, BudgetExhausted):
        return stop(loop, StopTrigger.BUDGET_EXHAUSTED, condition=refusal.found)
    return ()


def stop_after_failures(loop: Loop) -> tuple[LoopEvent, ...]:
    """Return the stop that is due when too many iterations failed in a row."""
    if loop.failures_in_a_row < FAILURES_MAX:
        return ()
    return stop(
        loop,
        StopTrigger.REPEATED_FAILURE,
        condition=f"{loop.failures_in_a_row} iterations failed in a row",
    )


def evolve(
    loop: Loop | None,
    event: LoopEvent | IterationStarted | IterationCompleted | DecisionRecorded,
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
        )
    assert loop is not None, "every other event follows LoopCreated"
    match event:
        case LoopActivated():
            return replace(loop, phase=LoopPhase.ACTIVE)
        case LoopPaused():
            return replace(loop, phase=LoopPhase.PAUSED)
        case StopTriggered(trigger=trigger):
            stops = {**loop.stops, trigger: frozenset[DecisionId]()}
            return replace(loop, phase=LoopPhase.PAUSED, stops=stops)
        case LoopResumed():
            return replace(loop, phase=LoopPhase.ACTIVE, stops={}, failures_in_a_row=0)
        case LoopClosed():
            return replace(loop, phase=LoopPhase.CLOSED)
        case IterationStarted():
            return replace(
                loop,
                iterations_started=loop.iterations_started + 1,
                open_iteration=event.iteration_id,
            )
        case IterationCompleted():
            return _count_outcome(loop, event)
        case DecisionRecorded():
            return _weigh(loop, event)
        case _:
            assert_never(event)


def count_run(loop: Loop) -> Loop:
    """Return `loop` after one more run of an oracle suite."""
    return replace(loop, runs_started=loop.runs_started + 1)


def _create(loop: Loop | None, command: CreateLoop) -> tuple[LoopEvent, ...]:
    if loop is not None:
        raise _refusal(loop, command)
    if not command.goal.strip():
        raise MalformedInput(
            field="goal", found=command.goal, expected="what the loop is to reach"
        )
    if command.directive.kind is not RefKind.GOVERNED_ARTIFACT:
        raise MalformedInput(
            field="directive_ref.kind",
            found=command.directive.kind,
            expected=RefKind.GOVERNED_ARTIFACT,
        )
    return (
        LoopCreated(
            loop_id=command.loop_id,
            goal=command.goal,
            budgets=command.budgets,
            directive_ref=command.directive,
        ),
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


def _resume(loop: Loop, command: ResumeLoop) -> tuple[LoopEvent, ...]:
    if loop.stops:
        _require_decision(loop, command.decision_id)
        if command.standing:
            raise IntegrityUnresolved(subject=loop.loop_id, conditions=command.standing)
    elif command.decision_id is not None:
        raise DecisionScopeMismatch(
            decision_id=command.decision_id,
            why=f"is about no stop: {loop.loop_id} was paused by hand",
        )
    return (LoopResumed(loop_id=loop.loop_id, decision_id=command.decision_id),)


def _require_decision(loop: Loop, decision_id: DecisionId | None) -> None:
    """Raise unless every open stop has its decision, and `decision_id` is one of them."""
    undecided = sorted(each for each, decided in loop.stops.items() if not decided)
    if decision_id is None:
        raise DecisionRequired(loop_id=loop.loop_id, trigger=", ".join(loop.stops))
    if not any(decision_id in decided for decided in loop.stops.values()):
        raise DecisionScopeMismatch(
            decision_id=decision_id,
            why=f"is no decision to go on about {', '.join(loop.stops)}, recorded for "
            f"{loop.loop_id} since it stopped",
        )
    if undecided:
        raise DecisionRequired(loop_id=loop.loop_id, trigger=", ".join(undecided))


def _start_iteration(
    loop: Loop, command: StartIteration
) -> tuple[IterationStarted, ...]:
    if loop.open_iteration is not None:
        raise IterationInProgress(iteration_id=loop.open_iteration)
    if loop.iterations_started >= loop.budgets.max_iterations:
        raise BudgetExhausted(
            bound="max_iterations",
            used=loop.iterations_started,
            limit=loop.budgets.max_iterations,
        )
    return (
        IterationStarted(
            iteration_id=command.iteration_id,
            loop_id=loop.loop_id,
            sequence=loop.iterations_started + 1,
            refs=command.refs,
        ),
    )


def _count_outcome(loop: Loop, event: IterationCompleted) -> Loop:
    failed = event.outcome is IterationOutcome.FAILURE
    return replace(
        loop,
        open_iteration=None,
        failures_in_a_row=loop.failures_in_a_row + 1 if failed else 0,
    )


def _weigh(loop: Loop, event: DecisionRecorded) -> Loop:
    """Count a decision to go on towards the stop that it is about, if that is open."""
    if event.decision is DecisionKind.REJECTED or event.trigger not in loop.stops:
        return loop
    decided = loop.stops[event.trigger] | {event.decision_id}
    return replace(loop, stops={**loop.stops, event.trigger: decided})
