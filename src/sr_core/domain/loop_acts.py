"""What is asked of a loop, and what happens to it: its commands and its events.

The rules that lead from one to the other are in `sr_core.domain.loop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from sr_core.domain.actors import Actor
from sr_core.domain.budget import Bound, BudgetChange, Budgets
from sr_core.domain.ids import (
    CandidateId,
    DecisionId,
    IterationId,
    LoopId,
    RunId,
    WorkSurfaceId,
    WorkUnitId,
)
from sr_core.domain.integrity import IntegrityCondition, Portal, StopTrigger
from sr_core.domain.ref_builders import (
    NO_REFS,
    bundle_ref,
    candidate_ref,
    decision_ref,
    loop_ref,
    run_ref,
    work_surface_ref,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation

# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLoop:
    """Open a loop with a goal and bounds, under a directive.

    A `work_unit` that is given has an active work surface, which is looked up.
    """

    by: Actor
    loop_id: LoopId
    goal: str
    budgets: Budgets
    directive: Ref
    work_unit: WorkUnitId | None = None
    work_surface_id: WorkSurfaceId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateLoop:
    """Let iterations start; the hours of the budget count from `now`."""

    by: Actor
    now: datetime
    rationale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateLoop:
    """Change the goal, or raise bounds."""

    by: Actor
    goal: str | None = None
    budgets: BudgetChange = field(default_factory=BudgetChange)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseLoop:
    """Hold the loop, by hand."""

    by: Actor
    rationale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeLoop:
    """Go on; after a stop trigger, on the strength of a decision (SPEC 6.9)."""

    by: Actor
    now: datetime
    decision_id: DecisionId | None
    standing: frozenset[IntegrityCondition] = frozenset()
    """The integrity conditions that stand against the loop's candidates."""
    cured: frozenset[StopTrigger] = frozenset()
    """The other triggers whose cause was looked at and is gone."""
    rationale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLoop:
    """End the loop for good."""

    by: Actor
    rationale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartIteration:
    """Begin one fresh-context attempt over exactly these refs (C-CTX-1, C-CTX-2)."""

    by: Actor
    now: datetime
    iteration_id: IterationId
    refs: tuple[Ref, ...]
    work_surface_id: WorkSurfaceId | None = None
    """The active surface of the loop's work unit, as it was looked up."""


LoopCommand: TypeAlias = (
    CreateLoop
    | ActivateLoop
    | UpdateLoop
    | PauseLoop
    | ResumeLoop
    | CloseLoop
    | StartIteration
)


# Events: what has happened.


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCreated:
    """A loop was opened."""

    loop_id: LoopId
    goal: str
    work_unit: WorkUnitId
    work_surface_id: WorkSurfaceId | None
    budgets: Budgets
    directive_ref: Ref

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        if self.work_surface_id is None:
            return (self.directive_ref,)
        surface = work_surface_ref(self.work_surface_id, RefRelation.DEPENDS_ON)
        return (self.directive_ref, surface)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopActivated:
    """Iterations may start."""

    refs = NO_REFS

    loop_id: LoopId
    activated_at: datetime
    rationale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopUpdated:
    """The goal or the bounds are new; what is None stayed as it was."""

    refs = NO_REFS

    loop_id: LoopId
    goal: str | None
    budgets: Budgets | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPaused:
    """Someone holds the loop."""

    refs = NO_REFS

    loop_id: LoopId
    rationale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTriggered:
    """The line was stopped; what gave offence is named, where one thing did."""

    loop_id: LoopId
    trigger: StopTrigger
    condition: str
    requires_decision: bool
    recommended_portal: Portal
    bound: Bound | None = None
    run_id: RunId | None = None
    candidate_id: CandidateId | None = None
    evidence_bundle_hash: ContentHash | None = None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        refs = [loop_ref(self.loop_id)]
        if self.run_id is not None:
            refs.append(run_ref(self.run_id))
        if self.candidate_id is not None:
            refs.append(candidate_ref(self.candidate_id, RefRelation.ABOUT))
        if self.evidence_bundle_hash is not None:
            refs.append(bundle_ref(self.evidence_bundle_hash, RefRelation.ABOUT))
        return tuple(refs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResumed:
    """The loop goes on, each stop by the decision that answers it."""

    loop_id: LoopId
    decision_id: DecisionId | None
    answers: Mapping[StopTrigger, DecisionId]
    rationale: str | None = None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return tuple(
            decision_ref(each, RefRelation.DEPENDS_ON)
            for each in sorted(set(self.answers.values()))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopClosed:
    """The loop ended for good."""

    refs = NO_REFS

    loop_id: LoopId
    rationale: str | None = None


LoopEvent: TypeAlias = (
    LoopCreated
    | LoopActivated
    | LoopUpdated
    | LoopPaused
    | StopTriggered
    | LoopResumed
    | LoopClosed
)
