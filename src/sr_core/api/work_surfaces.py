"""Work surfaces (SPEC 5.6): bind, read, take through their stages, archive."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from sr_core.api.authority import ANYONE, OPERATOR
from sr_core.api.bodies.intakes import Reason
from sr_core.api.bodies.work_surfaces import GateBody, NewWorkSurface, StageCompletion
from sr_core.api.templates import show_template
from sr_core.api.views.base import accept, show_one, shown
from sr_core.api.views.paging import PageNumber, PageSize, show_sheet
from sr_core.api.views.work_surfaces import (
    ApprovalStatus,
    BundlePage,
    BundleView,
    Compatibility,
    CompatibleTemplates,
    ProcedureInstance,
    StageApprovalView,
    StageCompletedAnswer,
    StageView,
    WorkSurfaceAccepted,
    WorkSurfacePage,
    WorkSurfaceView,
)
from sr_core.application.definitions import DefinitionBook
from sr_core.application.intakes import Intakes
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.template_list import TemplateList
from sr_core.application.work_surfaces import WorkSurfaces
from sr_core.codec.canonical import plain
from sr_core.codec.definitions import typed
from sr_core.domain.config_definition import TypeKey
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import (
    ExceptionId,
    WorkSurfaceId,
    parse_intake_id,
    parse_oracle_id,
    parse_stage_id,
    parse_staged_unit_id,
    parse_template_id,
    parse_work_surface_id,
)
from sr_core.domain.procedure_template import ProcedureTemplate
from sr_core.domain.refs import parse_content_hash
from sr_core.domain.stage_gate import ClaimedGate
from sr_core.domain.work_surface import approval_lacking, why_incompatible
from sr_core.domain.work_unit import StageApproval, SurfacePhase
from sr_core.ports.event_store import NewEvent
from sr_core.ports.read_model import Row


@post("/work-surfaces", authority=OPERATOR)
async def bind(
    data: JSONBody[NewWorkSurface],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> WorkSurfaceAccepted:
    """Bind an active intake to a procedure, and enter its first stage."""
    work_surface_id, events = await WorkSurfaces(platform=platform).bind(
        parse_staged_unit_id(data.work_unit_id),
        parse_intake_id(data.intake_id),
        parse_template_id(data.template_id),
        params=data.params,
        asked=asked,
    )
    return await _accepted(work_surface_id, events, platform, asked)


@get("/work-surfaces", authority=ANYONE)
async def surfaces(
    platform: NamedDependency[Platform],
    status: FromQuery[SurfacePhase | None] = None,
    work_unit_id: FromQuery[str | None] = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> WorkSurfacePage:
    """List work surfaces, oldest first."""
    where = {"status": status, "work_unit_id": work_unit_id}
    return await show_sheet(
        platform.rows,
        "work_surfaces",
        {**where},
        (page, page_size),
        WorkSurfaceView,
        WorkSurfacePage,
    )


@get("/work-surfaces/by-work-unit/{work_unit_id:str}", authority=ANYONE)
async def by_work_unit(
    work_unit_id: FromPath[str], platform: NamedDependency[Platform]
) -> WorkSurfaceView:
    """Return the active work surface of a work unit."""
    key = {
        "work_unit_id": str(parse_staged_unit_id(work_unit_id)),
        "status": SurfacePhase.ACTIVE.value,
    }
    row = await platform.rows.row("work_surfaces", {**key})
    if row is None:
        raise NotFound(kind="active work surface of", identifier=work_unit_id)
    return shown(row, WorkSurfaceView)


@get("/work-surfaces/compatibility", authority=ANYONE)
async def compatibility(
    intake_id: FromQuery[str],
    template_id: FromQuery[str],
    platform: NamedDependency[Platform],
) -> Compatibility:
    """Tell whether work of the intake's kind can follow the procedure."""
    intake = await Intakes(platform=platform).known(parse_intake_id(intake_id))
    template = await DefinitionBook(platform=platform).template(
        parse_template_id(template_id)
    )
    why = why_incompatible(intake, template)
    return Compatibility(
        intake_id=intake_id,
        template_id=template_id,
        is_compatible=why is None,
        reasons=[f"{intake_id} {why}"] if why else [],
    )


@get("/work-surfaces/compatible-templates", authority=ANYONE)
async def compatible_templates(
    intake_id: FromQuery[str], platform: NamedDependency[Platform]
) -> CompatibleTemplates:
    """List the procedures that work of the intake's kind can follow."""
    intake = await Intakes(platform=platform).known(parse_intake_id(intake_id))
    known = await TemplateList(platform=platform).all(
        type_key=TypeKey.PROCEDURE_TEMPLATE
    )
    fitting = [
        show_template(each)
        for each in known
        if not why_incompatible(
            intake, typed(ProcedureTemplate, each.content, what=each.template_id)
        )
    ]
    return CompatibleTemplates(
        intake_id=intake_id, templates=fitting, total=len(fitting)
    )


@get("/work-surfaces/{work_surface_id:str}", authority=ANYONE)
async def read(
    work_surface_id: FromPath[str], platform: NamedDependency[Platform]
) -> WorkSurfaceView:
    """Return one work surface."""
    key = {"work_surface_id": str(parse_work_surface_id(work_surface_id))}
    return await show_one(
        platform.rows, "work_surfaces", key, WorkSurfaceView, named="work surface"
    )


@post(
    "/work-surfaces/{work_surface_id:str}/stages/{stage_id:str}/complete",
    status_code=200,
    authority=OPERATOR,
)
async def complete_stage(
    work_surface_id: FromPath[str],
    stage_id: FromPath[str],
    data: JSONBody[StageCompletion],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> StageCompletedAnswer:
    """Leave a stage, if the evidence that is read now lets it pass."""
    identifier, stage = parse_work_surface_id(work_surface_id), parse_stage_id(stage_id)
    use = WorkSurfaces(platform=platform)
    events = await use.complete_stage(
        identifier,
        stage,
        parse_content_hash(data.evidence_bundle_ref),
        claimed=_claimed(data.gate_result),
        notes=data.notes,
        asked=asked,
    )
    surface = await use.known(identifier)
    following = (await use.template_of(surface)).after(stage)
    return accept(
        StageCompletedAnswer,
        events,
        asked,
        work_surface_id=identifier,
        completed_stage_id=stage,
        next_stage_id=following,
        is_terminal=following is None,
        work_surface_status=surface.phase,
    )


@get(
    "/work-surfaces/{work_surface_id:str}/stages/{stage_id:str}/approval-status",
    authority=ANYONE,
)
async def approval_status(
    work_surface_id: FromPath[str],
    stage_id: FromPath[str],
    platform: NamedDependency[Platform],
) -> ApprovalStatus:
    """Tell whether a stage needs a human's approval, and has it."""
    use = WorkSurfaces(platform=platform)
    surface = await use.known(parse_work_surface_id(work_surface_id))
    stage = (await use.template_of(surface)).stage(parse_stage_id(stage_id))
    why = approval_lacking(surface, stage, None)
    return ApprovalStatus(
        work_surface_id=surface.work_surface_id,
        stage_id=stage.stage_id,
        requires_approval=stage.requires_approval,
        portal_id=stage.portal_id,
        request_type=stage.request_type,
        is_approved=stage.requires_approval and why is None,
        why_not=why,
        approval=_approval(surface.approvals.get(stage.stage_id)),
    )


@get("/work-surfaces/{work_surface_id:str}/evidence", authority=ANYONE)
async def evidence(
    work_surface_id: FromPath[str], platform: NamedDependency[Platform]
) -> BundlePage:
    """List the bundles about candidates of the surface's loops, oldest first."""
    identifier = parse_work_surface_id(work_surface_id)
    await WorkSurfaces(platform=platform).known(identifier)
    found: list[Row] = []
    for loop in await _rows(platform, "loops", {"work_surface_id": identifier}):
        candidates = await _rows(platform, "candidates", {"loop_id": loop["loop_id"]})
        for each in candidates:
            key: Row = {"candidate_id": each["candidate_id"]}
            found += await _rows(platform, "evidence_bundles", key)
    return BundlePage(
        work_surface_id=identifier,
        evidence=[shown(each, BundleView) for each in found],
        total=len(found),
    )


@post(
    "/work-surfaces/{work_surface_id:str}/archive", status_code=200, authority=OPERATOR
)
async def archive(
    work_surface_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Reason | None] = None,
) -> WorkSurfaceAccepted:
    """Take the surface out of use, so that another can be bound."""
    identifier = parse_work_surface_id(work_surface_id)
    reason = data.reason if data is not None else None
    events = await WorkSurfaces(platform=platform).archive(identifier, reason, asked)
    return await _accepted(identifier, events, platform, asked)


@get("/procedure-instances/{work_surface_id:str}", authority=ANYONE)
async def procedure_instance(
    work_surface_id: FromPath[str], platform: NamedDependency[Platform]
) -> ProcedureInstance:
    """Return the procedure as the surface goes through it, stage by stage."""
    identifier = parse_work_surface_id(work_surface_id)
    surface = await WorkSurfaces(platform=platform).known(identifier)
    stages = await _rows(
        platform, "work_surface_stage_history", {"work_surface_id": identifier}
    )
    return ProcedureInstance(
        type_key="record.procedure_instance",
        work_surface_id=identifier,
        work_unit_id=surface.work_unit_id,
        template_id=surface.template_ref.id,
        template_hash=surface.template_ref.content_hash,
        current_stage_id=surface.current_stage_id,
        status=surface.phase,
        stages=[shown(each, StageView) for each in stages],
    )


def _claimed(body: GateBody | None) -> ClaimedGate | None:
    if body is None:
        return None
    waivers = body.waiver_refs
    return ClaimedGate(
        status=body.status,
        oracle_results={
            parse_oracle_id(each.oracle_id): each.status for each in body.oracle_results
        },
        waiver_refs=None
        if waivers is None
        else frozenset(ExceptionId(each) for each in waivers),
    )


def _approval(said: StageApproval | None) -> StageApprovalView | None:
    if said is None:
        return None
    return StageApprovalView(**plain(said))


async def _rows(platform: Platform, table: str, where: Row) -> list[Row]:
    """Return every row that equals `where`, oldest first."""
    rows: list[Row] = []
    while True:
        page = await platform.rows.rows(table, where, limit=200, offset=len(rows))
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return rows


async def _accepted(
    work_surface_id: WorkSurfaceId,
    events: tuple[NewEvent, ...],
    platform: Platform,
    asked: Asked,
) -> WorkSurfaceAccepted:
    surface = await WorkSurfaces(platform=platform).known(work_surface_id)
    return accept(
        WorkSurfaceAccepted,
        events,
        asked,
        work_surface_id=work_surface_id,
        work_unit_id=surface.work_unit_id,
        status=surface.phase,
        current_stage_id=surface.current_stage_id,
    )


router = Router(
    path="",
    tags=["work surfaces"],
    route_handlers=[
        bind,
        surfaces,
        by_work_unit,
        compatibility,
        compatible_templates,
        read,
        complete_stage,
        approval_status,
        evidence,
        archive,
        procedure_instance,
    ],
)
