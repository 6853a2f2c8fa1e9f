"""The iteration: one fresh-context attempt over a recorded set of inputs.

    STARTED --begin--> RUNNING --complete--> COMPLETED (outcome SUCCESS or FAILURE)
       |                  |
       +----complete------+---fail---------> FAILED    (its worker is gone)

`begin` may be left out: a worker that says nothing in between completes from STARTED.
What starts an iteration is the loop's business, since the loop bounds them
(`sr_core.domain.loop`). Who completes one leaves its summary with it.

Clauses: SPEC 4.2 (phases), C-CTX-1 (the refs are all of the context), C-LOOP-2 (a
summary is left).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired, MalformedInput, TransitionRefused
from sr_core.domain.ids import IterationId, LoopId, WorkSurfaceId
from sr_core.domain.iteration_summary import IterationSummary
from sr_core.domain.ref_builders import iteration_ref, loop_ref
from sr_core.domain.refs import Ref, RefRelation


class IterationPhase(StrEnum):
    """Where an iteration stands (SPEC 4.2)."""

    STARTED = "STARTED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @property
    def is_open(self) -> bool:
        """Whether its end is still to come."""
        return bool(_ALLOWED[self])


class IterationOutcome(StrEnum):
    """How an iteration ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginIteration:
    """Say that the work is under way."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteIteration:
    """End the attempt, say how it went, and leave its summary."""

    by: Actor
    outcome: IterationOutcome
    summary: IterationSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class FailIteration:
    """End an attempt whose worker will not end it; it counts as a failure."""

    by: Actor
    reason: str


IterationCommand: TypeAlias = BeginIteration | CompleteIteration | FailIteration


# Events: what has happened.


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationStarted:
    """An attempt began; `refs` is all of its context."""

    iteration_id: IterationId
    loop_id: LoopId
    sequence: int
    work_surface_id: WorkSurfaceId | None = None
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationBegun:
    """Its worker is at it."""

    iteration_id: IterationId
    loop_id: LoopId

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationCompleted:
    """The attempt ended."""

    iteration_id: IterationId
    loop_id: LoopId
    outcome: IterationOutcome

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationSummaryRecorded:
    """Who ended the attempt said what was done in it (C-LOOP-2)."""

    iteration_id: IterationId
    loop_id: LoopId
    summary: IterationSummary

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationFailed:
    """The attempt ended, and nobody was left to say how it went."""

    iteration_id: IterationId
    loop_id: LoopId
    reason: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self)


IterationEvent: TypeAlias = (
    IterationStarted
    | IterationBegun
    | IterationCompleted
    | IterationSummaryRecorded
    | IterationFailed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """What the events so far say of one iteration."""

    iteration_id: IterationId
    loop_id: LoopId
    sequence: int
    work_surface_id: WorkSurfaceId | None = None
    phase: IterationPhase = IterationPhase.STARTED
    outcome: IterationOutcome | None = None
    summary: IterationSummary | None = None


# The rules.

_ALLOWED: Final[Mapping[IterationPhase, frozenset[type[IterationCommand]]]] = (
    MappingProxyType(
        {
            IterationPhase.STARTED: frozenset(
                {BeginIteration, CompleteIteration, FailIteration}
            ),
            IterationPhase.RUNNING: frozenset({CompleteIteration, FailIteration}),
            IterationPhase.COMPLETED: frozenset(),
            IterationPhase.FAILED: frozenset(),
        }
    )
)
assert _ALLOWED.keys() == set(IterationPhase), "every phase says what it allows"


def decide(
    iteration: Iteration, command: IterationCommand
) -> tuple[IterationEvent, ...]:
    """Return what `command` makes of `iteration`.

    Raises:
        AuthorityRequired: a human gives it; the worker or the system does. Only the
            system fails an iteration.
        TransitionRefused: the iteration's phase does not allow it.
        MalformedInput: the summary is another iteration's, or no reason is given.

    """
    _authorise(command)
    if type(command) not in _ALLOWED[iteration.phase]:
        raise TransitionRefused(
            subject=iteration.iteration_id,
            phase=iteration.phase,
            attempted=type(command).__name__,
            allowed={each.__name__ for each in _ALLOWED[iteration.phase]},
        )
    match command:
        case BeginIteration():
            return (
                IterationBegun(
                    iteration_id=iteration.iteration_id, loop_id=iteration.loop_id
                ),
            )
        case CompleteIteration():
            return _complete(iteration, command)
        case FailIteration():
            return _fail(iteration, command)
        case _:
            assert_never(command)


def started(event: IterationStarted) -> Iteration:
    """Return the iteration that `event` starts."""
    return Iteration(
        iteration_id=event.iteration_id,
        loop_id=event.loop_id,
        sequence=event.sequence,
        work_surface_id=event.work_surface_id,
    )


def evolve(iteration: Iteration, event: IterationEvent) -> Iteration:
    """Fold one event into the state. Never refuses: what is recorded has happened."""
    match event:
        case IterationStarted():
            message = "an iteration is started once"
            raise AssertionError(message)
        case IterationBegun():
            return replace(iteration, phase=IterationPhase.RUNNING)
        case IterationCompleted():
            phase = IterationPhase.COMPLETED
            return replace(iteration, phase=phase, outcome=event.outcome)
        case IterationSummaryRecorded():
            return replace(iteration, summary=event.summary)
        case IterationFailed():
            failure = IterationOutcome.FAILURE
            return replace(iteration, phase=IterationPhase.FAILED, outcome=failure)
        case _:
            assert_never(event)


def _authorise(command: IterationCommand) -> None:
    if isinstance(command, FailIteration):
        command.by.require(ActorKind.SYSTEM, action="failing an iteration")
    elif command.by.kind is ActorKind.HUMAN:
        raise AuthorityRequired(
            action=type(command).__name__,
            required="the iteration's worker or the SYSTEM",
            actor=str(command.by),
        )


def _complete(
    iteration: Iteration, command: CompleteIteration
) -> tuple[IterationEvent, ...]:
    named = (command.summary.iteration_id, command.summary.loop_id)
    if named != (iteration.iteration_id, iteration.loop_id):
        raise MalformedInput(
            field="summary.iteration_id and summary.loop_id",
            found=named,
            expected=f"{iteration.iteration_id} and {iteration.loop_id}",
        )
    return (
        IterationCompleted(
            iteration_id=iteration.iteration_id,
            loop_id=iteration.loop_id,
            outcome=command.outcome,
        ),
        IterationSummaryRecorded(
            iteration_id=iteration.iteration_id,
            loop_id=iteration.loop_id,
            summary=command.summary,
        ),
    )


def _fail(iteration: Iteration, command: FailIteration) -> tuple[IterationEvent, ...]:
    if not command.reason.strip():
        raise MalformedInput(
            field="reason", found=command.reason, expected="why it will not end"
        )
    return (
        IterationFailed(
            iteration_id=iteration.iteration_id,
            loop_id=iteration.loop_id,
            reason=command.reason,
        ),
    )


def _about(
    event: IterationBegun
    | IterationCompleted
    | IterationSummaryRecorded
    | IterationFailed,
) -> tuple[Ref, ...]:
    return (
        iteration_ref(event.iteration_id, RefRelation.ABOUT),
        loop_ref(event.loop_id),
    )
