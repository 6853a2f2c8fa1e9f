"""What happens to work surfaces: bound, through their stages, to their end (SPEC 2.3).

What leads to each event, and what follows from it, is in `sr_core.domain.work_surface`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain.ids import (
    IntakeId,
    StageId,
    TemplateId,
    WorkSurfaceId,
    WorkUnitId,
)
from sr_core.domain.ref_builders import (
    bundle_ref,
    exception_ref,
    intake_ref,
    stage_ref,
    suite_ref,
    template_ref,
    work_surface_ref,
)
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation
from sr_core.domain.stage_gate import GateResult, PinnedSuite

Param: TypeAlias = str | int | float | bool


class StagePhase(StrEnum):
    """Where a stage of a surface stands (SPEC 4.6)."""

    PENDING = "pending"
    ENTERED = "entered"
    COMPLETED = "completed"
    SKIPPED = "skipped"


StageStatus: TypeAlias = Mapping[StageId, StagePhase]
"""Where every stage of a surface stands, after the event that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRef:
    """An intake, fixed by the hash of its content."""

    id: IntakeId
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRef:
    """A procedure template, fixed by the hash of its definition."""

    id: TemplateId
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSurfaceBound:
    """An intake and a procedure were bound for a work unit."""

    work_surface_id: WorkSurfaceId
    work_unit_id: WorkUnitId
    intake_ref: IntakeRef
    template_ref: TemplateRef
    initial_stage_id: StageId
    stage_ids: tuple[StageId, ...]
    """All stages, in the order in which they are passed."""
    stage_status: StageStatus
    oracle_suites: tuple[PinnedSuite, ...]
    content_hash: ContentHash
    params: Mapping[str, Param]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What is bound, each pinned by its hash."""
        intake, template = self.intake_ref, self.template_ref
        return (
            intake_ref(intake.id, intake.content_hash, RefRelation.DEPENDS_ON),
            template_ref(template.id, template.content_hash, self.initial_stage_id),
            *_suite_refs(self.oracle_suites),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEntered:
    """Work came to a stage, whose suites are pinned from now on."""

    work_surface_id: WorkSurfaceId
    stage_id: StageId
    previous_stage_id: StageId | None
    oracle_suites: tuple[PinnedSuite, ...]
    stage_status: StageStatus

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The surface, its stage, and the suites that judge it."""
        return (
            *_about(self.work_surface_id, self.stage_id),
            *_suite_refs(self.oracle_suites),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCompleted:
    """The evidence let a stage pass."""

    work_surface_id: WorkSurfaceId
    stage_id: StageId
    evidence_bundle_ref: ContentHash
    gate_result: GateResult
    next_stage_id: StageId | None
    stage_status: StageStatus
    notes: str | None = None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The stage, all evidence that its gate rests on, and the waivers it used."""
        words = self.gate_result.oracle_results
        bundles = dict.fromkeys(
            [self.evidence_bundle_ref, *(each.evidence_ref for each in words)]
        )
        return (
            *_about(self.work_surface_id, self.stage_id),
            *(bundle_ref(each, RefRelation.SUPPORTED_BY) for each in bundles),
            *(
                exception_ref(each, RefRelation.ACKNOWLEDGES, kind=RefKind.WAIVER)
                for each in self.gate_result.waiver_refs
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSurfaceCompleted:
    """The last stage passed."""

    work_surface_id: WorkSurfaceId
    final_stage_id: StageId
    evidence_bundle_ref: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The last stage, and the evidence that let it pass."""
        return (
            *_about(self.work_surface_id, self.final_stage_id),
            bundle_ref(self.evidence_bundle_ref, RefRelation.SUPPORTED_BY),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSurfaceArchived:
    """The surface was taken out of use."""

    work_surface_id: WorkSurfaceId
    reason: str | None
    stage_status: StageStatus

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The surface."""
        return (work_surface_ref(self.work_surface_id, RefRelation.ABOUT),)


WorkSurfaceEvent: TypeAlias = (
    WorkSurfaceBound
    | StageEntered
    | StageCompleted
    | WorkSurfaceCompleted
    | WorkSurfaceArchived
)


def _about(work_surface_id: WorkSurfaceId, stage_id: StageId) -> tuple[Ref, Ref]:
    return (
        work_surface_ref(work_surface_id, RefRelation.ABOUT),
        stage_ref(stage_id, work_surface_id, RefRelation.ABOUT),
    )


def _suite_refs(suites: Iterable[PinnedSuite]) -> tuple[Ref, ...]:
    return tuple(
        suite_ref(each.suite_id, each.suite_hash, RefRelation.DEPENDS_ON)
        for each in suites
    )
