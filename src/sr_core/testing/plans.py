"""Plans that tests share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sr_core.codec.plan import hash_plan, hash_policy
from sr_core.domain import plan as plans
from sr_core.domain.ids import PlanId
from sr_core.domain.integrity import Portal
from sr_core.domain.plan import (
    ActivatePlan,
    CancelPlan,
    CompletePlan,
    Plan,
    PlanEdge,
    PlanEvent,
    PlanInstance,
    PlannedUnit,
    PolicySnapshot,
    RecordPlan,
)
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.testing.values import HUMAN, SYSTEM, ulid

PLAN_1: Final = PlanId(f"plan_{ulid(1)}")
INTAKE_1: Final = f"intake:{ulid(1)}"
INTAKE_HASH: Final = hash_bytes(b"an intake")
TEMPLATE: Final = "proc:RESEARCH-MEMO"
SUPPORTING_DIRECTIVE: Final = Ref(
    kind=RefKind.GOVERNED_ARTIFACT,
    id="SR-DIRECTIVE",
    rel=RefRelation.SUPPORTED_BY,
    meta={"content_hash": hash_bytes(b"a directive"), "version": "1.0.0"},
)


def build_unit(name: str, *, portals: tuple[Portal, ...] = ()) -> PlannedUnit:
    """Return a work unit of that name."""
    return PlannedUnit(
        work_unit_id=name,
        title=f"what {name} is about",
        intake_id=INTAKE_1,
        intake_hash=INTAKE_HASH,
        template_id=TEMPLATE,
        required_portals=portals,
    )


def build_plan(
    units: Iterable[str] = ("WU-a", "WU-b"),
    waits: Mapping[str, tuple[str, ...]] | None = None,
    *,
    portals: tuple[Portal, ...] = (),
) -> PlanInstance:
    """Return a plan of `units`, in which each waits for those that `waits` says."""
    return PlanInstance(
        plan_id=PLAN_1,
        source_id="source:brief",
        source_hash=hash_bytes(b"a brief"),
        units=tuple(build_unit(each, portals=portals) for each in units),
        edges=tuple(
            PlanEdge(unit=unit, target=target)
            for unit, targets in (waits or {}).items()
            for target in targets
        ),
        rationale="cut along the seams",
    )


def build_activation(
    instance: PlanInstance, taken: Mapping[str, PlanId] | None = None
) -> ActivatePlan:
    """Return the activation of a plan, under a policy of its own."""
    policy = PolicySnapshot(
        plan_id=instance.plan_id,
        plan_hash=hash_plan(instance),
        directive=SUPPORTING_DIRECTIVE,
    )
    return ActivatePlan(
        by=HUMAN, policy=policy, policy_hash=hash_policy(policy), taken=taken or {}
    )


def recorded_plan(instance: PlanInstance) -> tuple[Plan, PlanEvent]:
    """Return a plan as a human recorded it, and the event of that."""
    command = RecordPlan(by=HUMAN, instance=instance, plan_hash=hash_plan(instance))
    (event,) = plans.decide(None, command)
    return plans.evolve(None, event), event


def active_plan(instance: PlanInstance) -> tuple[Plan, tuple[PlanEvent, ...]]:
    """Return a plan as a human activated it, and what led there."""
    plan, recorded = recorded_plan(instance)
    (activated,) = plans.decide(plan, build_activation(instance))
    return plans.evolve(plan, activated), (recorded, activated)


def every_plan_event() -> tuple[PlanEvent, ...]:
    """Return one event of each kind that a plan has."""
    plan, led_there = active_plan(build_plan())
    cancelled = plans.decide(plan, CancelPlan(by=HUMAN, rationale="overtaken"))
    completed = plans.decide(plan, CompletePlan(by=SYSTEM))
    return (*led_there, *cancelled, *completed)
