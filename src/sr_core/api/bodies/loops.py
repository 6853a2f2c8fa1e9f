"""Bodies of loops, iterations and decisions."""

from __future__ import annotations

import msgspec

from sr_core.api.bodies.base import Body, BudgetNumber, Name, Prose, RefBody


class BudgetsBody(Body):
    """Bounds of a loop; those left out have their defaults."""

    max_iterations: BudgetNumber = 5
    max_oracle_runs: BudgetNumber = 25


class NewLoop(Body):
    """Open a loop."""

    goal: Prose
    directive_ref: RefBody
    budgets: BudgetsBody = msgspec.field(default_factory=BudgetsBody)


class Resume(Body):
    """Let a loop go on."""

    decision_id: Name | None = None


class NewIteration(Body):
    """Begin the next iteration of a loop."""

    loop_id: Name


class EndOfIteration(Body):
    """End an iteration."""

    outcome: Name
    summary: Prose
