"""The rows of plans, of the units that they hold, and of the governor's decisions."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.governor import GovernorEvent
from sr_core.domain.plan import (
    PlanActivated,
    PlanCancelled,
    PlanCompleted,
    PlanEvent,
    PlanInstanceRecorded,
    PlanPhase,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: PlanEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case PlanInstanceRecorded():
            return _recorded(event, on)
        case PlanActivated():
            values: Row = {
                "status": PlanPhase.ACTIVE,
                "policy": plain(event.policy),
                "policy_hash": event.policy_hash,
                "activated_at": on.at,
            }
            return _plan(event.plan_id, values, is_active=True)
        case PlanCancelled(rationale=rationale):
            values = {
                "status": PlanPhase.CANCELLED,
                "cancelled_because": rationale,
                "ended_at": on.at,
            }
            return _plan(event.plan_id, values, is_active=False)
        case PlanCompleted():
            values = {"status": PlanPhase.COMPLETED, "ended_at": on.at}
            return _plan(event.plan_id, values, is_active=False)
        case _:
            assert_never(event)


def governor_changes(event: GovernorEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row of a decision of the governor."""
    row = {**plain(event), **by_columns("decided", on), "decided_at": on.at}
    return (InsertRow(table="governor_decisions", row=row),)


def _recorded(event: PlanInstanceRecorded, on: Occasion) -> tuple[RowChange, ...]:
    instance = event.instance
    plan = InsertRow(
        table="plans",
        row={
            "plan_id": event.plan_id,
            "plan_hash": event.plan_hash,
            "source_id": instance.source_id,
            "source_hash": instance.source_hash,
            "status": PlanPhase.DRAFT,
            "work_units": plain(instance.units),
            "edges": plain(instance.edges),
            "rationale": instance.rationale,
            **by_columns("recorded", on),
            "recorded_at": on.at,
        },
    )
    units = (
        InsertRow(
            table="plan_work_units",
            row={
                "plan_id": event.plan_id,
                "work_unit_id": each.work_unit_id,
                "is_plan_active": False,
            },
        )
        for each in instance.units
    )
    return (plan, *units)


def _plan(plan_id: str, values: Row, *, is_active: bool) -> tuple[RowChange, ...]:
    where: Row = {"plan_id": plan_id}
    return (
        UpdateRows(table="plans", where=where, values=values),
        UpdateRows(
            table="plan_work_units",
            where=where,
            values={"is_plan_active": is_active},
        ),
    )
