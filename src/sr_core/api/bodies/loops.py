"""Bodies of loops."""

from __future__ import annotations

import msgspec

from sr_core.api.bodies.base import Body, BudgetNumber, Name, Prose, RefBody


class BudgetsBody(Body):
    """Bounds of a loop; those left out have their defaults."""

    max_iterations: BudgetNumber = 5
    max_oracle_runs: BudgetNumber = 25
    max_wallclock_hours: BudgetNumber = 16


class NewLoop(Body):
    """Open a loop; over staged work, if it names a work unit."""

    goal: Prose
    directive_ref: RefBody
    work_unit: Name | None = None
    budgets: BudgetsBody = msgspec.field(default_factory=BudgetsBody)


class BudgetsChange(Body):
    """Bounds to raise; those left out stay as they are."""

    max_iterations: BudgetNumber | None = None
    max_oracle_runs: BudgetNumber | None = None
    max_wallclock_hours: BudgetNumber | None = None


class LoopChange(Body):
    """A new goal, or higher bounds, or both."""

    goal: Prose | None = None
    budgets: BudgetsChange = msgspec.field(default_factory=BudgetsChange)


class Lifecycle(Body):
    """Why a loop is activated, paused or closed."""

    rationale: Prose | None = None


class Resume(Body):
    """Let a loop go on; after a stop trigger, by a decision."""

    decision_id: Name | None = None
    rationale: Prose | None = None
