"""Bugs in loops, iterations and decisions: bounds, phases, stops, what is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.application import loops
from sr_core.domain import decision, iteration, loop, stops
from sr_core.domain.budget import Bound, BudgetChange, Budgets
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import DecisionId, LoopId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import IterationOutcome

_NEVER: Final = 1_000_000


@mutant("loop.bound-falls")
def loop_bound_falls() -> tuple[Patch, ...]:
    """A bound may be lowered."""

    def changed(budgets: Budgets, change: BudgetChange) -> Budgets:
        wanted = {
            str(bound): limit
            for bound in Bound
            if (limit := getattr(change, bound)) is not None
        }
        return replace(budgets, **wanted)

    return (Patch(owner=loop, name="raised", value=changed),)


@mutant("loop.bounds-nothing")
def loop_bounds_nothing() -> tuple[Patch, ...]:
    """No bound is ever reached."""

    def allow(*_: object) -> None:
        return None

    return (Patch(owner=loop, name="require_left", value=allow),)


@mutant("loop.starts-in-any-phase")
def loop_starts_in_any_phase() -> tuple[Patch, ...]:
    """An iteration starts whatever the loop's phase."""
    return _allowing(*loop.LoopPhase, command=loop.StartIteration)


@mutant("loop.allows-nothing")
def loop_allows_nothing() -> tuple[Patch, ...]:
    """No phase allows anything."""
    nothing = dict.fromkeys(loop.LoopPhase, frozenset[type[loop.LoopCommand]]())
    return (Patch(owner=loop, name="_ALLOWED", value=nothing),)


@mutant("loop.records-empty-updates")
def loop_records_empty_updates() -> tuple[Patch, ...]:
    """An update that changes nothing is recorded all the same."""
    real = inside(loop, "_update")

    def update(known: loop.Loop, command: loop.UpdateLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        try:
            return real(known, command)
        except MalformedInput:
            nothing = loop.LoopUpdated(loop_id=known.loop_id, goal=None, budgets=None)
            return (nothing,)

    return (Patch(owner=loop, name="_update", value=update),)


@mutant("loop.outlives-its-close")
def loop_outlives_its_close() -> tuple[Patch, ...]:
    """A closed loop can be activated and changed."""
    closed = loop.LoopPhase.CLOSED
    allowed = dict(inside(loop, "_ALLOWED"))
    allowed[closed] = frozenset({loop.ActivateLoop, loop.UpdateLoop})
    return (Patch(owner=loop, name="_ALLOWED", value=allowed),)


@mutant("loop.stops-before-in-progress")
def loop_stops_before_in_progress() -> tuple[Patch, ...]:
    """Bounds are looked at before the iteration that is still open."""
    real = inside(loop, "_start_iteration")

    def start(known: loop.Loop, command: loop.StartIteration) -> Any:  # noqa: ANN401 - passed on as it comes
        loop.require_budget(known, Bound.ITERATIONS, now=command.now)
        return real(known, command)

    return (Patch(owner=loop, name="_start_iteration", value=start),)


@mutant("iteration.miscounted")
def iteration_miscounted() -> tuple[Patch, ...]:
    """Iterations are numbered from zero."""
    real = inside(loop, "_start_iteration")

    def start(known: loop.Loop, command: loop.StartIteration) -> Any:  # noqa: ANN401 - passed on as it comes
        (started,) = real(known, command)
        return (replace(started, sequence=started.sequence - 1),)

    return (Patch(owner=loop, name="_start_iteration", value=start),)


@mutant("loop.any-decision-resumes")
def loop_any_decision_resumes() -> tuple[Patch, ...]:
    """Any decision about the loop lifts its stops: older, refusing, about another."""
    real = inside(stops, "answers")

    def answers(
        known: stops.Stops, loop_id: LoopId, decision_id: DecisionId | None
    ) -> Mapping[StopTrigger, DecisionId]:
        if decision_id is not None and decision_id in known.heard:
            return dict.fromkeys(known.open, decision_id)
        return real(known, loop_id, decision_id)

    return (Patch(owner=stops, name="answers", value=answers),)


@mutant("loop.resumes-without-a-raise")
def loop_resumes_without_a_raise() -> tuple[Patch, ...]:
    """A decision lifts an exhausted bound, though nobody raised it."""
    real = inside(loop, "_answers")

    def answers(known: loop.Loop, command: loop.ResumeLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        plenty = Budgets(
            max_iterations=_NEVER, max_oracle_runs=_NEVER, max_wallclock_hours=_NEVER
        )
        return real(replace(known, budgets=plenty), command)

    return (Patch(owner=loop, name="_answers", value=answers),)


@mutant("loop.never-answered")
def loop_never_answered() -> tuple[Patch, ...]:
    """Decisions are recorded, and count for nothing."""

    def weighed(known: stops.Stops, *_: object) -> stops.Stops:
        return known

    return (Patch(owner=stops, name="weighed", value=weighed),)


@mutant("loop.resume-forgets-decision")
def loop_resume_forgets_decision() -> tuple[Patch, ...]:
    """A resumption does not refer to the decision that it rests on."""
    return (Patch(owner=loop.LoopResumed, name="refs", value=()),)


@mutant("loop.failures-never-stop")
def loop_failures_never_stop() -> tuple[Patch, ...]:
    """However many iterations fail in a row, the loop goes on."""
    return (Patch(owner=loop, name="FAILURES_MAX", value=_NEVER),)


@mutant("loop.remembers-failures")
def loop_remembers_failures() -> tuple[Patch, ...]:
    """A resumed loop goes on counting the failures from before its stop."""
    real = inside(loop, "evolve")

    def evolve(known: Any, event: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        after = real(known, event)
        if isinstance(event, loop.LoopResumed):
            return replace(after, failures_in_a_row=known.failures_in_a_row)
        return after

    return (Patch(owner=loop, name="evolve", value=evolve),)


@mutant("loop.success-resets-nothing")
def loop_success_resets_nothing() -> tuple[Patch, ...]:
    """A success does not break a row of failures."""
    real = inside(loop, "_count_outcome")

    def count(known: loop.Loop, outcome: IterationOutcome) -> loop.Loop:
        after: loop.Loop = real(known, outcome)
        if outcome is IterationOutcome.SUCCESS:
            return replace(after, failures_in_a_row=known.failures_in_a_row)
        return after

    return (Patch(owner=loop, name="_count_outcome", value=count),)


@mutant("iteration.claims-not-checked")
def iteration_claims_not_checked() -> tuple[Patch, ...]:
    """What a summary claims is not held against the log."""

    def believe(*_: object) -> None:
        return None

    return (Patch(owner=loops, name="require_true", value=believe),)


@mutant("iteration.leaves-no-summary")
def iteration_leaves_no_summary() -> tuple[Patch, ...]:
    """An iteration ends, and nothing is left of what was done in it."""
    real = inside(iteration, "_complete")

    def complete(*args: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(*args)[:1]

    return (Patch(owner=iteration, name="_complete", value=complete),)


@mutant("decision.always-yes")
def decision_always_yes() -> tuple[Patch, ...]:
    """Whatever a decision's text says, it is taken for a yes."""

    def which_way(*_: object) -> decision.DecisionKind:
        return decision.DecisionKind.PROCEED

    return (Patch(owner=decision, name="which_way", value=which_way),)


def _allowing(
    *phases: loop.LoopPhase, command: type[loop.LoopCommand]
) -> tuple[Patch, ...]:
    """Return the patch by which each of `phases` allows the command too."""
    allowed = dict(inside(loop, "_ALLOWED"))
    for each in phases:
        allowed[each] |= {command}
    return (Patch(owner=loop, name="_ALLOWED", value=allowed),)
