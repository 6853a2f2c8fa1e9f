"""What answers say of plans, of how far they are, and of the governor."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.event_ledger import StageStatus
from sr_core.domain.event_manager import BlockKind, CoarseStatus, Satisfaction
from sr_core.domain.governor import (
    DecisionType,
    Failure,
    Outcome,
    Precondition,
)
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.plan import EdgeType, PlanPhase


class UnitView(msgspec.Struct, kw_only=True):
    """One work unit as it was planned."""

    work_unit_id: str
    title: str
    intake_id: str
    intake_hash: str
    template_id: str
    required_portals: list[Portal]


class EdgeView(msgspec.Struct, kw_only=True):
    """One relation between two units."""

    unit: str
    target: str
    edge_type: EdgeType


class DirectiveView(msgspec.Struct, kw_only=True):
    """The directive that a policy rests on."""

    kind: str
    id: str
    rel: str
    meta: dict[str, str]


class PolicyView(msgspec.Struct, kw_only=True):
    """The rules under which the plan is carried out."""

    plan_id: str
    plan_hash: str
    directive: DirectiveView
    deferral_satisfies: bool


class PlanRow(View, kw_only=True):
    """One plan."""

    plan_id: str
    plan_hash: str
    source_id: str
    source_hash: str
    status: PlanPhase
    work_units: list[UnitView]
    edges: list[EdgeView]
    rationale: str
    policy: PolicyView | None = None
    policy_hash: str | None = None
    recorded_by_kind: str
    recorded_by_id: str
    recorded_at: datetime
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled_because: str | None = None


class PlanPage(Page, kw_only=True):
    """Some of the plans."""

    plans: list[PlanRow]


class PlanAccepted(Accepted, kw_only=True):
    """A plan was changed."""

    plan_id: str
    status: PlanPhase
    plan_hash: str | None = None
    policy_hash: str | None = None


class StageView(msgspec.Struct, kw_only=True):
    """One stage of a unit."""

    status: StageStatus
    last_evidence_bundle_ref: str | None


class BlockView(msgspec.Struct, kw_only=True):
    """One thing that is in the way."""

    kind: BlockKind
    detail: str


class UnitStatusView(msgspec.Struct, kw_only=True):
    """How far one unit is."""

    work_unit_id: str
    coarse_status: CoarseStatus
    current_stage_id: str | None
    stage_status: dict[str, StageView]
    has_work_surface: bool
    deps_satisfied: bool
    block_reasons: list[BlockView]
    staleness_markers: list[str]
    last_iteration_id: str | None
    last_candidate_id: str | None
    last_evidence_bundle_id: str | None


class DependencyView(msgspec.Struct, kw_only=True):
    """One unit that waits for another, and how that stands."""

    unit: str
    target: str
    satisfaction: Satisfaction


class DependencySnapshot(msgspec.Struct, kw_only=True):
    """The plan's dependencies, as they stand."""

    nodes: list[str]
    edges: list[DependencyView]


class EligibleSet(msgspec.Struct, kw_only=True):
    """How far a plan is, by the log up to `global_seq`; `state_hash` is over all of it."""

    plan_id: str
    plan_hash: str
    status: PlanPhase
    global_seq: int
    last_event_id: str | None
    as_of: datetime | None
    state_hash: str
    eligible_set: list[str]
    status_by_work_unit: dict[str, UnitStatusView]
    dependency_graph_snapshot: DependencySnapshot
    runlist: dict[CoarseStatus, list[str]]


class CheckedView(msgspec.Struct, kw_only=True):
    """One precondition, as it was found."""

    precondition: Precondition
    holds: bool
    detail: str


class GovernorDecisionRow(View, kw_only=True):
    """One decision of the governor."""

    decision_id: str
    loop_id: str
    decision_type: DecisionType
    outcome: Outcome
    failure: Failure | None = None
    stop: StopTrigger | None = None
    preconditions: list[CheckedView]
    rationale: str
    decided_by_kind: str
    decided_by_id: str
    decided_at: datetime


class GovernorDecisionPage(Page, kw_only=True):
    """Some of the governor's decisions about a loop."""

    governor_decisions: list[GovernorDecisionRow]


class EvaluationAccepted(Accepted, kw_only=True):
    """The governor looked at a loop; where nothing changed, nothing was recorded."""

    loop_id: str
    decision_type: DecisionType
    outcome: Outcome
    failure: Failure | None
    stop: StopTrigger | None
    preconditions: list[CheckedView]
    rationale: str
    iteration_id: str | None
