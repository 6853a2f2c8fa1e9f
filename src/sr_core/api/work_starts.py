"""Work on surfaces (SPEC 5.6): start it, go on with it, see what it starts from."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, OPERATOR
from sr_core.api.bodies.work_surfaces import Start
from sr_core.api.parsing import parse_ref
from sr_core.api.views.base import accept, shown
from sr_core.api.views.intakes import RefView
from sr_core.api.views.iterations import IterationView
from sr_core.api.views.work_surfaces import (
    IterationStartedAnswer,
    NextContext,
    SurfaceIterationPage,
    WorkStarted,
)
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.work_starts import WorkStarts
from sr_core.application.work_surfaces import WorkSurfaces
from sr_core.domain.ids import parse_work_surface_id
from sr_core.domain.loop import Budgets


@post("/work-surfaces/{work_surface_id:str}/start", status_code=200, authority=OPERATOR)
async def start(
    work_surface_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Start | None] = None,
) -> WorkStarted:
    """See that the surface has an active loop with an iteration; ask again at will."""
    identifier = parse_work_surface_id(work_surface_id)
    wanted = data or Start()
    given, bounds = wanted.directive_ref, wanted.budgets
    started = await WorkStarts(platform=platform).start(
        identifier,
        asked,
        goal=wanted.goal,
        budgets=Budgets(
            max_iterations=bounds.max_iterations,
            max_oracle_runs=bounds.max_oracle_runs,
            max_wallclock_hours=bounds.max_wallclock_hours,
        )
        if bounds
        else None,
        directive=parse_ref(given, field="directive_ref") if given else None,
    )
    return accept(
        WorkStarted,
        started.recorded,
        asked,
        work_surface_id=identifier,
        loop_id=started.loop_id,
        iteration_id=started.iteration_id,
        already_started=started.already_started,
    )


@post("/work-surfaces/{work_surface_id:str}/iterations", authority=OPERATOR)
async def iterate(
    work_surface_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IterationStartedAnswer:
    """Begin the next iteration of the surface's loop."""
    identifier = parse_work_surface_id(work_surface_id)
    begun = await WorkStarts(platform=platform).iterate(identifier, asked)
    return accept(
        IterationStartedAnswer,
        begun.recorded,
        asked,
        work_surface_id=identifier,
        loop_id=begun.loop_id,
        iteration_id=begun.iteration_id,
        iteration_number=begun.number,
    )


@get("/work-surfaces/{work_surface_id:str}/iterations", authority=ANYONE)
async def iterations(
    work_surface_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> SurfaceIterationPage:
    """List the iterations that worked on the surface, oldest first."""
    identifier = parse_work_surface_id(work_surface_id)
    await WorkSurfaces(platform=platform).known(identifier)
    found = await platform.rows.rows(
        "iterations", {"work_surface_id": identifier}, limit=limit, offset=offset
    )
    shown_rows = [shown(each, IterationView) for each in found.rows]
    return SurfaceIterationPage(
        loop_id=shown_rows[-1].loop_id if shown_rows else None,
        iterations=shown_rows,
        total=found.total,
        limit=limit,
        offset=offset,
    )


@get("/work-surfaces/{work_surface_id:str}/iteration-context", authority=ANYONE)
async def context(
    work_surface_id: FromPath[str], platform: NamedDependency[Platform]
) -> NextContext:
    """Return what the next iteration would start from."""
    identifier = parse_work_surface_id(work_surface_id)
    refs = await WorkStarts(platform=platform).context(identifier)
    return NextContext(
        work_surface_id=identifier,
        refs=[
            RefView(kind=each.kind, id=each.id, rel=each.rel, meta=dict(each.meta))
            for each in refs
        ],
    )


router = Router(
    path="",
    tags=["work surfaces"],
    route_handlers=[start, iterate, iterations, context],
)
