"""The iteration: one fresh-context attempt over a recorded set of inputs.

    STARTED --complete--> COMPLETED (outcome SUCCESS or FAILURE)

What starts one is the loop's business, since the loop bounds them (`sr_core.domain.loop`).
Clauses: C-CTX-1 (the refs are all of the context), C-LOOP-2 (a summary is left).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired, TransitionRefused
from sr_core.domain.ids import IterationId, LoopId
from sr_core.domain.ref_builders import iteration_ref, loop_ref
from sr_core.domain.refs import Ref, RefRelation


class IterationPhase(StrEnum):
    """Where an iteration stands (SPEC 4.2)."""

    STARTED = "STARTED"
    COMPLETED = "COMPLETED"


class IterationOutcome(StrEnum):
    """How an iteration ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationStarted:
    """An attempt began; `refs` is all of its context."""

    iteration_id: IterationId
    loop_id: LoopId
    sequence: int
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationCompleted:
    """The attempt ended."""

    iteration_id: IterationId
    loop_id: LoopId
    outcome: IterationOutcome
    summary: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            iteration_ref(self.iteration_id, RefRelation.ABOUT),
            loop_ref(self.loop_id),
        )


IterationEvent: TypeAlias = IterationStarted | IterationCompleted


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteIteration:
    """End the attempt and say how it went."""

    by: Actor
    outcome: IterationOutcome
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """What the events so far say of one iteration."""

    iteration_id: IterationId
    loop_id: LoopId
    sequence: int
    phase: IterationPhase = IterationPhase.STARTED


def decide(
    iteration: Iteration, command: CompleteIteration
) -> tuple[IterationCompleted, ...]:
    """Return the end of `iteration`.

    Raises:
        AuthorityRequired: a human gives it; the worker or the system completes.
        TransitionRefused: it has ended already.

    """
    if command.by.kind is ActorKind.HUMAN:
        raise AuthorityRequired(
            action="completing an iteration",
            required="its worker or the SYSTEM",
            actor=command.by.actor_id,
        )
    if iteration.phase is not IterationPhase.STARTED:
        raise TransitionRefused(
            subject=iteration.iteration_id,
            phase=iteration.phase,
            attempted="CompleteIteration",
            allowed=(),
        )
    return (
        IterationCompleted(
            iteration_id=iteration.iteration_id,
            loop_id=iteration.loop_id,
            outcome=command.outcome,
            summary=command.summary,
        ),
    )


def begun(event: IterationStarted) -> Iteration:
    """Return the iteration that `event` begins."""
    return Iteration(
        iteration_id=event.iteration_id,
        loop_id=event.loop_id,
        sequence=event.sequence,
    )


def ended(iteration: Iteration) -> Iteration:
    """Return `iteration` after its end."""
    return replace(iteration, phase=IterationPhase.COMPLETED)
