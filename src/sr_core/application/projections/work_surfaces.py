"""The rows of work surfaces, and of each stage that they have come to."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.ids import WorkSurfaceId
from sr_core.domain.work_surface_events import (
    StageCompleted,
    StageEntered,
    StagePhase,
    WorkSurfaceArchived,
    WorkSurfaceBound,
    WorkSurfaceCompleted,
    WorkSurfaceEvent,
)
from sr_core.domain.work_unit import SurfacePhase
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows

STAGES = "work_surface_stage_history"


def changes(event: WorkSurfaceEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case WorkSurfaceBound():
            return (_bound(event, on),)
        case StageEntered():
            return _entered(event, on)
        case StageCompleted():
            return _completed(event, on)
        case WorkSurfaceCompleted():
            values: Row = {"status": SurfacePhase.COMPLETED, "completed_at": on.at}
            return (_change(event.work_surface_id, values),)
        case WorkSurfaceArchived():
            return _archived(event, on)
        case _:
            assert_never(event)


def count_in_stage(work_surface_id: WorkSurfaceId | None) -> tuple[RowChange, ...]:
    """Return the change that counts an iteration in the stage that the surface is in."""
    if work_surface_id is None:
        return ()
    where: Row = {
        "work_surface_id": work_surface_id,
        "status": StagePhase.ENTERED,
    }
    return (UpdateRows(table=STAGES, where=where, increments={"iteration_count": 1}),)


def _bound(event: WorkSurfaceBound, on: Occasion) -> InsertRow:
    return InsertRow(
        table="work_surfaces",
        row={
            "work_surface_id": event.work_surface_id,
            "work_unit_id": event.work_unit_id,
            "intake_id": event.intake_ref.id,
            "intake_content_hash": event.intake_ref.content_hash,
            "template_id": event.template_ref.id,
            "template_hash": event.template_ref.content_hash,
            "current_stage_id": event.initial_stage_id,
            "stage_ids": plain(event.stage_ids),
            "stage_status": plain(event.stage_status),
            "current_oracle_suites": plain(event.oracle_suites),
            "params": plain(event.params),
            "content_hash": event.content_hash,
            "status": SurfacePhase.ACTIVE,
            "bound_at": on.at,
            **by_columns("bound", on),
        },
    )


def _entered(event: StageEntered, on: Occasion) -> tuple[RowChange, ...]:
    suites = plain(event.oracle_suites)
    values: Row = {
        "current_stage_id": event.stage_id,
        "current_oracle_suites": suites,
        "stage_status": plain(event.stage_status),
    }
    entered = InsertRow(
        table=STAGES,
        row={
            "id": f"{event.work_surface_id}/{event.stage_id}",
            "work_surface_id": event.work_surface_id,
            "stage_id": event.stage_id,
            "status": StagePhase.ENTERED,
            "oracle_suites": suites,
            "entered_at": on.at,
            "iteration_count": 0,
            "event_id": on.event_id,
            "recorded_at": on.at,
        },
    )
    return (entered, _change(event.work_surface_id, values))


def _completed(event: StageCompleted, on: Occasion) -> tuple[RowChange, ...]:
    completed = UpdateRows(
        table=STAGES,
        where={"work_surface_id": event.work_surface_id, "stage_id": event.stage_id},
        values={
            "status": StagePhase.COMPLETED,
            "completed_at": on.at,
            "evidence_bundle_ref": event.evidence_bundle_ref,
            "gate_result": plain(event.gate_result),
            "event_id": on.event_id,
        },
    )
    values: Row = {"stage_status": plain(event.stage_status)}
    return (completed, _change(event.work_surface_id, values))


def _archived(event: WorkSurfaceArchived, on: Occasion) -> tuple[RowChange, ...]:
    values: Row = {
        "status": SurfacePhase.ARCHIVED,
        "archived_at": on.at,
        "archive_reason": event.reason,
        "stage_status": plain(event.stage_status),
        **by_columns("archived", on),
    }
    left = UpdateRows(
        table=STAGES,
        where={
            "work_surface_id": event.work_surface_id,
            "status": StagePhase.ENTERED,
        },
        values={"status": StagePhase.SKIPPED, "event_id": on.event_id},
        may_match_none=True,  # a completed surface has left its last stage
    )
    return (left, _change(event.work_surface_id, values))


def _change(work_surface_id: WorkSurfaceId, values: Row) -> UpdateRows:
    return UpdateRows(
        table="work_surfaces",
        where={"work_surface_id": work_surface_id},
        values=values,
    )
