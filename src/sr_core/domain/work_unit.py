"""The work unit: all of its work surfaces, folded from the unit's one history.

A work unit has one active surface at most, so all of a unit's surfaces are decided over
one history; what humans say of a stage is part of it. The rules are in
`sr_core.domain.work_surface`.

Clauses: SPEC 4.6 (phases of surfaces and stages), C-TB-3 (stage approvals).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from typing import assert_never

from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import StageId, WorkSurfaceId, WorkUnitId
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import RequestType
from sr_core.domain.refs import Ref, RefKind
from sr_core.domain.stage_gate import PinnedSuite
from sr_core.domain.work_surface_events import (
    IntakeRef,
    StageCompleted,
    StageEntered,
    StagePhase,
    TemplateRef,
    WorkSurfaceArchived,
    WorkSurfaceBound,
    WorkSurfaceCompleted,
    WorkSurfaceEvent,
)


class SurfacePhase(StrEnum):
    """Where a work surface stands (SPEC 4.6)."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageApproval:
    """The latest word of a human on a stage, said while the surface was in it."""

    approval_id: str
    portal_id: Portal
    request_type: RequestType
    decision: ApprovalDecision
    evidence_refs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSurface:
    """What the events so far say of one work surface."""

    work_surface_id: WorkSurfaceId
    work_unit_id: WorkUnitId
    intake_ref: IntakeRef
    template_ref: TemplateRef
    current_stage_id: StageId
    stages: Mapping[StageId, StagePhase]
    suites: tuple[PinnedSuite, ...] = ()
    """Those of the current stage, as they were registered when it was entered."""
    phase: SurfacePhase = SurfacePhase.ACTIVE
    approvals: Mapping[StageId, StageApproval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnit:
    """All surfaces of one work unit, in the order in which they were bound."""

    surfaces: Mapping[WorkSurfaceId, WorkSurface] = field(default_factory=dict)

    @property
    def active(self) -> WorkSurface | None:
        """The surface that work is done on, if there is one."""
        return next(
            (s for s in self.surfaces.values() if s.phase is SurfacePhase.ACTIVE), None
        )

    def surface(self, work_surface_id: WorkSurfaceId) -> WorkSurface:
        """Return the surface, or raise `NotFound`."""
        if work_surface_id in self.surfaces:
            return self.surfaces[work_surface_id]
        raise NotFound(kind="work surface", identifier=work_surface_id)


def evolve(unit: WorkUnit, event: WorkSurfaceEvent | ApprovalRecorded) -> WorkUnit:
    """Fold one event into the state. Never refuses: what is recorded has happened."""
    if isinstance(event, ApprovalRecorded):
        return _weigh(unit, event)
    if isinstance(event, WorkSurfaceBound):
        surface = _bound(event)
    else:
        surface = _moved(unit.surfaces[event.work_surface_id], event)
    return WorkUnit(surfaces={**unit.surfaces, event.work_surface_id: surface})


def fold(
    events: Iterable[WorkSurfaceEvent | ApprovalRecorded], onto: WorkUnit | None = None
) -> WorkUnit:
    """Return the work unit after `events`, in order."""
    return reduce(evolve, events, onto or WorkUnit())


def _bound(event: WorkSurfaceBound) -> WorkSurface:
    return WorkSurface(
        work_surface_id=event.work_surface_id,
        work_unit_id=event.work_unit_id,
        intake_ref=event.intake_ref,
        template_ref=event.template_ref,
        current_stage_id=event.initial_stage_id,
        stages=event.stage_status,
        suites=event.oracle_suites,
    )


def _moved(
    surface: WorkSurface,
    event: StageEntered | StageCompleted | WorkSurfaceCompleted | WorkSurfaceArchived,
) -> WorkSurface:
    match event:
        case StageEntered():
            return replace(
                surface,
                current_stage_id=event.stage_id,
                suites=event.oracle_suites,
                stages=event.stage_status,
            )
        case StageCompleted():
            return replace(surface, stages=event.stage_status)
        case WorkSurfaceCompleted():
            return replace(surface, phase=SurfacePhase.COMPLETED)
        case WorkSurfaceArchived():
            return replace(
                surface, phase=SurfacePhase.ARCHIVED, stages=event.stage_status
            )
        case _:
            assert_never(event)


def heard(
    unit: WorkUnit,
    work_surface_id: WorkSurfaceId,
    stage_id: StageId,
    said: StageApproval,
) -> WorkUnit:
    """Count a human's word on a stage that work is in; the latest word holds."""
    surface = unit.surfaces.get(work_surface_id)
    if surface is None or surface.stages.get(stage_id) is not StagePhase.ENTERED:
        return unit
    told = replace(surface, approvals={**surface.approvals, stage_id: said})
    return WorkUnit(surfaces={**unit.surfaces, work_surface_id: told})


def heard_at(unit: WorkUnit, refs: Iterable[Ref], said: StageApproval) -> WorkUnit:
    """Count a human's word on every stage that `refs` name.

    A stage is named by itself, in its meta the surface; or by the surface, in its meta
    the stage.
    """
    for each in refs:
        if each.kind is RefKind.WORK_SURFACE and "stage_id" in each.meta:
            stage_id = StageId(each.meta["stage_id"])
            unit = heard(unit, WorkSurfaceId(each.id), stage_id, said)
        elif each.kind is RefKind.PROCEDURE_STAGE and "work_surface_id" in each.meta:
            surface_id = WorkSurfaceId(each.meta["work_surface_id"])
            unit = heard(unit, surface_id, StageId(each.id), said)
    return unit


def _weigh(unit: WorkUnit, event: ApprovalRecorded) -> WorkUnit:
    said = StageApproval(
        approval_id=event.approval_id,
        portal_id=event.portal_id,
        request_type=event.request_type,
        decision=event.decision,
        evidence_refs=tuple(event.evidence_refs),
    )
    return heard_at(unit, event.refs, said)
