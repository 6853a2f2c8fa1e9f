"""What a plan says of the work, while one is active for the loop's work unit."""

from __future__ import annotations

from sr_core.application.context.scene import Columns, Gathered, Scene
from sr_core.codec.plan import hash_view
from sr_core.domain.context import Category, Input
from sr_core.domain.event_manager import view
from sr_core.domain.ids import PlanId, parse_plan_id
from sr_core.domain.ref_builders import plan_ref, record_ref
from sr_core.domain.refs import RefRelation, parse_content_hash
from sr_core.domain.type_keys import ELIGIBILITY_SNAPSHOT
from sr_core.ports.read_model import Row


async def plan(scene: Scene) -> Gathered:
    """Gather the plan that is active for the work unit, if one is."""
    category = Category.PLAN
    plan_id = await _active(scene)
    if plan_id is None:
        return Gathered(category=category)
    recorded: Columns | None = await scene.platform.rows.row(
        "plans", {"plan_id": plan_id}
    )
    if recorded is None:
        return Gathered(category=category, due=frozenset({plan_id}))
    plan_hash = parse_content_hash(recorded["plan_hash"])
    ref = plan_ref(plan_id, plan_hash, RefRelation.DEPENDS_ON)
    return Gathered(
        category=category,
        inputs=(Input(ref=ref, found=ref.meta),),
        due=frozenset({plan_id}),
    )


async def eligibility(scene: Scene) -> Gathered:
    """Gather how far that plan is by the log: the snapshot that names what is eligible.

    It has the name of its plan and of the position up to which the log was read.
    """
    category = Category.ELIGIBILITY
    plan_id = await _active(scene)
    if plan_id is None:
        return Gathered(category=category)
    ledger = await scene.platform.follower.ledger(scene.platform.recorder.store)
    known = ledger.plans.get(plan_id)
    if known is None:
        return Gathered(category=category, due=frozenset({f"of {plan_id}"}))
    ref = record_ref(
        f"{plan_id}@{ledger.position}",
        RefRelation.SUPPORTED_BY,
        content_hash=hash_view(view(ledger, known)),
        type_key=ELIGIBILITY_SNAPSHOT,
    )
    return Gathered(
        category=category,
        inputs=(Input(ref=ref, found=ref.meta),),
        due=frozenset({ref.id}),
    )


async def _active(scene: Scene) -> PlanId | None:
    key: Row = {"work_unit_id": scene.work_unit, "is_plan_active": True}
    unit = await scene.platform.rows.row("plan_work_units", key)
    return parse_plan_id(str(unit["plan_id"])) if unit is not None else None
