"""Plans, how far they are, and the governor: parse, give, answer.

These routes go beyond SPEC 5, which names no way to record a plan or to see its eligible
set.
"""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Limit, Offset, member
from sr_core.api.authority import ANYONE, SYSTEM, human_with
from sr_core.api.bodies.base import RefBody
from sr_core.api.bodies.plans import NewPlan as NewPlanBody
from sr_core.api.bodies.plans import PlanActivation, PlanCancellation
from sr_core.api.views.base import accept, show_one, show_page, told
from sr_core.api.views.plans import (
    EligibleSet,
    EvaluationAccepted,
    GovernorDecisionPage,
    GovernorDecisionRow,
    PlanAccepted,
    PlanPage,
    PlanRow,
)
from sr_core.application.governor import CHORES, Governor
from sr_core.application.plans import NewPlan, Plans
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.canonical import plain
from sr_core.codec.plan import hash_view
from sr_core.domain.event_manager import PlanView
from sr_core.domain.ids import parse_loop_id, parse_plan_id
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.plan import PlanEdge, PlannedUnit, PlanPhase
from sr_core.domain.refs import Ref, RefKind, RefRelation, parse_content_hash

_STEWARD = human_with(PORTAL_ROLE[Portal.GOVERNANCE])


@post("/plans", authority=_STEWARD)
async def record(
    data: JSONBody[NewPlanBody],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> PlanAccepted:
    """Record a plan: its source, its work units, and which of them waits for which."""
    plan_id, plan_hash, events = await Plans(platform=platform).record(
        _parsed(data), asked
    )
    return accept(
        PlanAccepted,
        events,
        asked,
        plan_id=plan_id,
        status=PlanPhase.DRAFT,
        plan_hash=plan_hash,
    )


@get("/plans", authority=ANYONE)
async def plans(
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> PlanPage:
    """List plans, oldest first."""
    return await show_page(
        platform.rows, "plans", {}, (limit, offset), PlanRow, PlanPage
    )


@get("/plans/{plan_id:str}", authority=ANYONE)
async def read(plan_id: FromPath[str], platform: NamedDependency[Platform]) -> PlanRow:
    """Return one plan."""
    key: dict[str, str] = {"plan_id": parse_plan_id(plan_id)}
    return await show_one(platform.rows, "plans", key, PlanRow, named="plan")


@post("/plans/{plan_id:str}/activate", status_code=200, authority=_STEWARD)
async def activate(
    plan_id: FromPath[str],
    data: JSONBody[PlanActivation],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> PlanAccepted:
    """Let the plan's units be worked on, under a policy that is fixed now."""
    identifier = parse_plan_id(plan_id)
    policy_hash, events = await Plans(platform=platform).activate(
        identifier, _ref(data.directive_ref), asked
    )
    return accept(
        PlanAccepted,
        events,
        asked,
        plan_id=identifier,
        status=PlanPhase.ACTIVE,
        policy_hash=policy_hash,
    )


@post("/plans/{plan_id:str}/cancel", status_code=200, authority=_STEWARD)
async def cancel(
    plan_id: FromPath[str],
    data: JSONBody[PlanCancellation],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> PlanAccepted:
    """Give the plan up."""
    identifier = parse_plan_id(plan_id)
    events = await Plans(platform=platform).cancel(identifier, data.rationale, asked)
    return accept(
        PlanAccepted, events, asked, plan_id=identifier, status=PlanPhase.CANCELLED
    )


@get("/plans/{plan_id:str}/eligible-set", authority=ANYONE)
async def eligible_set(
    plan_id: FromPath[str], platform: NamedDependency[Platform]
) -> EligibleSet:
    """Return how far the plan is, and which of its units may be worked on."""
    return _told(await Plans(platform=platform).view(parse_plan_id(plan_id)))


@post("/loops/{loop_id:str}/evaluate", status_code=200, authority=SYSTEM)
async def evaluate(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> EvaluationAccepted:
    """Have the governor look at the loop once, and do what is to be done."""
    governor = Governor(platform=platform, chores=CHORES)
    found = await governor.evaluate(parse_loop_id(loop_id), asked)
    assert found.evaluation is not None, "a look that did not raise found something"
    return accept(
        EvaluationAccepted,
        found.recorded,
        asked,
        **plain(found.evaluation),
        iteration_id=found.iteration_id,
    )


@get("/loops/{loop_id:str}/governor-decisions", authority=ANYONE)
async def governor_decisions(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> GovernorDecisionPage:
    """List what the governor decided about the loop, oldest first."""
    return await show_page(
        platform.rows,
        "governor_decisions",
        {"loop_id": parse_loop_id(loop_id)},
        (limit, offset),
        GovernorDecisionRow,
        GovernorDecisionPage,
    )


def _parsed(data: NewPlanBody) -> NewPlan:
    return NewPlan(
        source_id=data.source_ref.id,
        source_hash=parse_content_hash(data.source_ref.content_hash),
        units=tuple(
            PlannedUnit(
                work_unit_id=each.work_unit_id,
                title=each.title,
                intake_id=each.intake_ref.id,
                intake_hash=parse_content_hash(each.intake_ref.content_hash),
                template_id=each.template_id,
                required_portals=tuple(each.required_portals),
            )
            for each in data.work_units
        ),
        edges=tuple(
            PlanEdge(
                unit=each.work_unit_id, target=each.target_id, edge_type=each.edge_type
            )
            for each in data.edges
        ),
        rationale=data.rationale,
    )


def _ref(body: RefBody) -> Ref:
    return Ref(
        kind=member(RefKind, body.kind, field="directive_ref.kind"),
        id=body.id,
        rel=member(RefRelation, body.rel, field="directive_ref.rel"),
        meta=body.meta,
    )


def _told(view: PlanView) -> EligibleSet:
    is_blocked = view.phase is PlanPhase.ACTIVE and view.is_exhausted
    units = {
        name: {
            **plain(unit),
            "stage_status": {
                stage: {
                    "status": entry.status,
                    "last_evidence_bundle_ref": entry.evidence,
                }
                for stage, entry in unit.stage_status.items()
            },
        }
        for name, unit in view.units.items()
    }
    return told(
        {
            "plan_id": view.plan_id,
            "plan_hash": view.plan_hash,
            "status": PlanPhase.BLOCKED if is_blocked else view.phase,
            "global_seq": view.position,
            "last_event_id": view.last_event_id,
            "as_of": view.as_of,
            "state_hash": hash_view(view),
            "eligible_set": view.eligible_set,
            "status_by_work_unit": units,
            "dependency_graph_snapshot": {
                "nodes": [*view.units],
                "edges": plain(view.edges),
            },
            "runlist": plain(view.runlist),
        },
        EligibleSet,
    )


router = Router(
    path="",
    tags=["plans"],
    route_handlers=[
        record,
        plans,
        read,
        activate,
        cancel,
        eligible_set,
        evaluate,
        governor_decisions,
    ],
)
