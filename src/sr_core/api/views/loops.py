"""How loops are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.loop import LoopPhase


class BudgetsView(msgspec.Struct, kw_only=True):
    """The bounds of a loop."""

    max_iterations: int
    max_oracle_runs: int
    max_wallclock_hours: int


class UsageView(msgspec.Struct, kw_only=True):
    """What is used of the bounds; hours run from activation to close, or to now."""

    iterations: int
    oracle_runs: int
    wallclock_hours: float


class CreatorView(msgspec.Struct, kw_only=True):
    """Who opened a loop."""

    actor_kind: ActorKind
    actor_id: str


class StopView(msgspec.Struct, kw_only=True):
    """A stop trigger that fired, and the decision that answered it."""

    trigger_code: StopTrigger
    condition: str
    fired_at: datetime
    recommended_portal: Portal
    resolved: bool
    resolved_at: datetime | None = None
    decision_id: str | None = None
    bound: str | None = None
    run_id: str | None = None
    candidate_id: str | None = None
    evidence_bundle_hash: str | None = None


class LoopView(View, kw_only=True):
    """A loop, its bounds, and what stopped it."""

    loop_id: str
    goal: str
    work_unit: str
    work_surface_id: str | None = None
    state: LoopPhase
    budgets: BudgetsView
    usage: UsageView
    directive_ref: dict[str, Any]
    created_by: CreatorView
    created_at: datetime
    activated_at: datetime | None = None
    paused_at: datetime | None = None
    closed_at: datetime | None = None
    iteration_count: int
    run_count: int
    consecutive_failures: int
    requires_decision: bool
    last_stop_trigger: StopTrigger | None = None
    last_recommended_portal: Portal | None = None
    stop_triggers_fired: list[StopView]


class LoopPage(Page, kw_only=True):
    """Some of the loops."""

    loops: list[LoopView]


class LoopAccepted(Accepted, kw_only=True):
    """A command to a loop was carried out; `state` is the one that it came to."""

    loop_id: str
    state: LoopPhase
    work_surface_id: str | None = None
