"""Bugs in plans and in the governor: who waits for whom, and what is really done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.application import governor as governing
from sr_core.domain import event_manager, governor, loop
from sr_core.domain.events import Ruling
from sr_core.domain.governor import DecisionType


@mutant("governor.forgets-to-append")
def governor_forgets_to_append() -> tuple[Patch, ...]:
    """The governor says that it starts an iteration, and starts none."""
    real = inside(governing.Governor, "_ruling")

    async def ruling(self: Any, dossier: Any, found: Any, *more: Any) -> Ruling:  # noqa: ANN401 - passed on as it comes
        if found.decision_type is DecisionType.START_ITERATION:
            return Ruling()
        decided: Ruling = await real(self, dossier, found, *more)
        return decided

    return (Patch(owner=governing.Governor, name="_ruling", value=ruling),)


@mutant("governor.never-starts")
def governor_never_starts() -> tuple[Patch, ...]:
    """The governor finds something against every start."""
    real = inside(governor, "evaluate")

    def evaluate(situation: governor.LoopSituation) -> governor.Evaluation:
        found: governor.Evaluation = real(
            replace(situation, pending_approvals=("something",))
        )
        return found

    return (Patch(owner=governor, name="evaluate", value=evaluate),)


@mutant("governor.never-waits")
def governor_never_waits() -> tuple[Patch, ...]:
    """An iteration starts though one is open; neither governor nor loop looks."""
    evaluating, deciding = inside(governor, "evaluate"), inside(loop, "decide")

    def evaluate(situation: governor.LoopSituation) -> governor.Evaluation:
        unhurried = replace(situation, open_iteration=None, last_started_at=None)
        found: governor.Evaluation = evaluating(unhurried)
        return found

    def decide(known: Any, command: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        if isinstance(command, loop.StartIteration):
            known = replace(known, open_iteration=None)
        return deciding(known, command)

    return (
        Patch(owner=governor, name="evaluate", value=evaluate),
        Patch(owner=loop, name="decide", value=decide),
    )


@mutant("governor.repeats-itself")
def governor_repeats_itself() -> tuple[Patch, ...]:
    """Every look at a loop is recorded, though it finds what the last one found."""
    real = inside(governor, "record")

    def record(found: Any, _: object, **more: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(found, None, **more)

    return (Patch(owner=governor, name="record", value=record),)


@mutant("governor.any-word-approves")
def governor_any_word_approves() -> tuple[Patch, ...]:
    """Whatever a human says at the portal counts as an approval, a rejection too."""
    real = inside(governing, "_pending")

    def pending(dossier: Any) -> tuple[str, ...]:  # noqa: ANN401 - passed on as it comes
        told: tuple[str, ...] = () if dossier.approvals else real(dossier)
        return told

    return (Patch(owner=governing, name="_pending", value=pending),)


@mutant("governor.never-stops")
def governor_never_stops() -> tuple[Patch, ...]:
    """The governor waits for ever where it ought to stop the loop."""
    return (Patch(owner=governor, name="_due_stop", value=lambda _: None),)


@mutant("governor.keeps-no-record")
def governor_keeps_no_record() -> tuple[Patch, ...]:
    """The governor acts, and leaves no word of why."""

    def record(*_: object, **__: object) -> tuple[()]:
        return ()

    return (Patch(owner=governor, name="record", value=record),)


@mutant("plan.ignores-dependencies")
def plan_ignores_dependencies() -> tuple[Patch, ...]:
    """A unit may be worked on though what it depends on is not done."""

    def satisfaction(*_: object) -> event_manager.Satisfaction:
        return event_manager.Satisfaction.COMPLETE

    return (Patch(owner=event_manager, name="_satisfaction", value=satisfaction),)


@mutant("plan.wants-no-surface")
def plan_wants_no_surface() -> tuple[Patch, ...]:
    """A unit may be worked on without a work surface."""
    return (
        Patch(owner=event_manager, name="_is_bound_as_planned", value=lambda _: True),
    )
