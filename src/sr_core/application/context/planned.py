"""What a plan says of the work, while one is active for the loop's work unit."""

from __future__ import annotations

from typing import Final

from sr_core.application.context.scene import Columns, Gathered, Scene
from sr_core.domain.context import Category, Input
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.ref_builders import record_ref
from sr_core.domain.refs import RefRelation, parse_content_hash
from sr_core.domain.type_keys import PLAN_INSTANCE
from sr_core.ports.read_model import Row

_ARE_RECORDED: Final = "PlanActivated" in EVENT_TYPES
"""Whether there are plans at all; until then there is no table of them to ask."""


async def plan(scene: Scene) -> Gathered:
    """Gather the plan that is active for the work unit, if one is."""
    category = Category.PLAN
    key: Row = {"work_unit_id": scene.work_unit, "is_plan_active": True}
    rows = scene.platform.rows
    unit = await rows.row("plan_work_units", key) if _ARE_RECORDED else None
    if unit is None:
        return Gathered(category=category)
    plan_id = str(unit["plan_id"])
    recorded: Columns | None = await rows.row("plans", {"plan_id": plan_id})
    if recorded is None:
        return Gathered(category=category, due=frozenset({plan_id}))
    ref = record_ref(
        plan_id,
        RefRelation.DEPENDS_ON,
        content_hash=parse_content_hash(recorded["plan_hash"]),
        type_key=PLAN_INSTANCE,
    )
    return Gathered(
        category=category,
        inputs=(Input(ref=ref, found=ref.meta),),
        due=frozenset({plan_id}),
    )
