"""What is told of work surfaces and their stages."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.api.views.definitions import TemplateView
from sr_core.api.views.intakes import RefView
from sr_core.api.views.iterations import IterationView
from sr_core.api.views.paging import Sheet
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import Portal
from sr_core.domain.oracle_suite import Classification
from sr_core.domain.portal import RequestType
from sr_core.domain.procedure_template import StageRequest
from sr_core.domain.stage_gate import GateStatus
from sr_core.domain.work_surface_events import StagePhase
from sr_core.domain.work_unit import SurfacePhase


class PinnedSuiteView(msgspec.Struct, kw_only=True):
    """A suite of a stage, as it was registered when the stage was entered."""

    suite_id: str
    suite_hash: str


class WorkSurfaceView(View, kw_only=True):
    """One work surface."""

    work_surface_id: str
    work_unit_id: str
    intake_id: str
    intake_content_hash: str
    template_id: str
    template_hash: str
    current_stage_id: str
    stage_ids: list[str]
    """In the order in which they are passed."""
    stage_status: dict[str, StagePhase]
    current_oracle_suites: list[PinnedSuiteView]
    params: dict[str, str | int | float | bool]
    content_hash: str
    status: SurfacePhase
    bound_by_kind: str
    bound_by_id: str
    bound_at: datetime
    completed_at: datetime | None = None
    archived_by_kind: str | None = None
    archived_by_id: str | None = None
    archived_at: datetime | None = None
    archive_reason: str | None = None


class WorkSurfacePage(Sheet, kw_only=True):
    """Some of the work surfaces, oldest first."""

    work_surfaces: list[WorkSurfaceView]


class WorkSurfaceAccepted(Accepted, kw_only=True):
    """A work surface as a command left it."""

    work_surface_id: str
    work_unit_id: str
    status: SurfacePhase
    current_stage_id: str


class StageCompletedAnswer(Accepted, kw_only=True):
    """What comes after a stage that was completed."""

    work_surface_id: str
    completed_stage_id: str
    next_stage_id: str | None
    is_terminal: bool
    work_surface_status: SurfacePhase


class Compatibility(msgspec.Struct, kw_only=True):
    """Whether work of an intake's kind can follow a procedure, and why not."""

    intake_id: str
    template_id: str
    is_compatible: bool
    reasons: list[str]


class CompatibleTemplates(msgspec.Struct, kw_only=True):
    """The procedures that work of an intake's kind can follow."""

    intake_id: str
    templates: list[TemplateView]
    total: int


class StageApprovalView(msgspec.Struct, kw_only=True):
    """What a human said last of a stage."""

    approval_id: str
    portal_id: Portal
    request_type: RequestType
    decision: ApprovalDecision
    evidence_refs: list[str]


class ApprovalStatus(msgspec.Struct, kw_only=True):
    """Whether a stage needs a human's approval, and has it."""

    work_surface_id: str
    stage_id: str
    requires_approval: bool
    portal_id: Portal | None
    request_type: StageRequest | None
    is_approved: bool
    why_not: str | None
    approval: StageApprovalView | None


class OracleWordView(msgspec.Struct, kw_only=True):
    """What one oracle said."""

    oracle_id: str
    classification: Classification
    status: ResultStatus
    evidence_ref: str


class GateView(msgspec.Struct, kw_only=True):
    """What the evidence of a stage gave."""

    status: GateStatus
    oracle_results: list[OracleWordView]
    waiver_refs: list[str]


class StageView(View, kw_only=True):
    """A stage that a surface has come to."""

    stage_id: str
    status: StagePhase
    oracle_suites: list[PinnedSuiteView]
    entered_at: datetime
    completed_at: datetime | None = None
    evidence_bundle_ref: str | None = None
    gate_result: GateView | None = None
    iteration_count: int


class ProcedureInstance(msgspec.Struct, kw_only=True):
    """A procedure as one surface goes through it."""

    type_key: str
    work_surface_id: str
    work_unit_id: str
    template_id: str
    template_hash: str
    current_stage_id: str
    status: SurfacePhase
    stages: list[StageView]


class NextContext(msgspec.Struct, kw_only=True):
    """What the next iteration would start from."""

    work_surface_id: str
    refs: list[RefView]


class BundleView(View, kw_only=True):
    """A bundle about a candidate of the surface's loops."""

    content_hash: str
    bundle_id: str
    run_id: str
    candidate_id: str
    oracle_suite_id: str
    oracle_suite_hash: str
    verdict: str
    artifact_count: int
    recorded_at: datetime


class BundlePage(msgspec.Struct, kw_only=True):
    """The bundles about candidates of a surface's loops."""

    work_surface_id: str
    evidence: list[BundleView]
    total: int


class SurfaceIterationPage(Page, kw_only=True):
    """Some of the iterations of a surface's loop, oldest first."""

    loop_id: str | None
    iterations: list[IterationView]


class WorkStarted(Accepted, kw_only=True):
    """The loop and iteration that the work is in."""

    work_surface_id: str
    loop_id: str
    iteration_id: str
    already_started: bool


class IterationStartedAnswer(Accepted, kw_only=True):
    """One more iteration of a surface's loop."""

    work_surface_id: str
    loop_id: str
    iteration_id: str
    iteration_number: int
