"""Loops (SPEC 5.2): parse, give, answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Router, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, HUMAN, OPERATOR
from sr_core.api.bodies.loops import Lifecycle, LoopChange, NewLoop, Resume
from sr_core.api.parsing import parse_ref
from sr_core.api.views.base import accept, shown
from sr_core.api.views.loops import LoopAccepted, LoopPage, LoopView
from sr_core.application.loops import Loops, Recorded
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.budget import SECONDS_PER_HOUR, BudgetChange
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import (
    LoopId,
    parse_decision_id,
    parse_loop_id,
    parse_work_unit_id,
)
from sr_core.domain.loop import Budgets, CloseLoop, LoopPhase, PauseLoop, UpdateLoop
from sr_core.ports.read_model import Row

Phase = Annotated[LoopPhase | None, QueryParameter(name="state")]


@post("/loops", authority=ANYONE)
async def create(
    data: JSONBody[NewLoop],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> LoopAccepted:
    """Open a loop, under the directive that its ref pins by hash and version."""
    budgets = Budgets(
        max_iterations=data.budgets.max_iterations,
        max_oracle_runs=data.budgets.max_oracle_runs,
        max_wallclock_hours=data.budgets.max_wallclock_hours,
    )
    loop_id, events = await Loops(platform=platform).create(
        asked,
        goal=data.goal,
        budgets=budgets,
        directive=parse_ref(data.directive_ref, field="directive_ref"),
        work_unit=parse_work_unit_id(data.work_unit) if data.work_unit else None,
    )
    return await _accepted(platform, loop_id, events, asked)


@get("/loops", authority=ANYONE)
async def loops(
    platform: NamedDependency[Platform],
    phase: Phase = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> LoopPage:
    """List loops, oldest first."""
    where = {"state": phase} if phase else {}
    found = await platform.rows.rows("loops", where, limit=limit, offset=offset)
    told = [await _told(platform, row) for row in found.rows]
    return LoopPage(loops=told, total=found.total, limit=limit, offset=offset)


@get("/loops/{loop_id:str}", authority=ANYONE)
async def read(loop_id: FromPath[str], platform: NamedDependency[Platform]) -> LoopView:
    """Return one loop, with its usage and the stop triggers that fired."""
    return await _told(platform, await _row(platform, parse_loop_id(loop_id)))


@patch("/loops/{loop_id:str}", authority=OPERATOR)
async def update(
    loop_id: FromPath[str],
    data: JSONBody[LoopChange],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> LoopAccepted:
    """Change the goal, or raise bounds, which only a human who may can."""
    identifier = parse_loop_id(loop_id)
    change = BudgetChange(
        max_iterations=data.budgets.max_iterations,
        max_oracle_runs=data.budgets.max_oracle_runs,
        max_wallclock_hours=data.budgets.max_wallclock_hours,
    )
    command = UpdateLoop(by=asked.by, goal=data.goal, budgets=change)
    events = await Loops(platform=platform).give(identifier, command, asked)
    return await _accepted(platform, identifier, events, asked)


@post("/loops/{loop_id:str}/activate", status_code=200, authority=OPERATOR)
async def activate(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Lifecycle | None] = None,
) -> LoopAccepted:
    """Let iterations start."""
    identifier = parse_loop_id(loop_id)
    events = await Loops(platform=platform).activate(
        identifier, asked, rationale=data.rationale if data else None
    )
    return await _accepted(platform, identifier, events, asked)


@post("/loops/{loop_id:str}/pause", status_code=200, authority=OPERATOR)
async def pause(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Lifecycle | None] = None,
) -> LoopAccepted:
    """Hold the loop."""
    identifier = parse_loop_id(loop_id)
    command = PauseLoop(by=asked.by, rationale=data.rationale if data else None)
    events = await Loops(platform=platform).give(identifier, command, asked)
    return await _accepted(platform, identifier, events, asked)


@post("/loops/{loop_id:str}/close", status_code=200, authority=OPERATOR)
async def close(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Lifecycle | None] = None,
) -> LoopAccepted:
    """End the loop for good."""
    identifier = parse_loop_id(loop_id)
    command = CloseLoop(by=asked.by, rationale=data.rationale if data else None)
    events = await Loops(platform=platform).give(identifier, command, asked)
    return await _accepted(platform, identifier, events, asked)


@post("/loops/{loop_id:str}/resume", status_code=200, authority=HUMAN)
async def resume(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Resume | None] = None,
) -> LoopAccepted:
    """Let the loop go on; after a stop trigger, on the strength of a decision."""
    identifier = parse_loop_id(loop_id)
    said = data or Resume()
    decision = parse_decision_id(said.decision_id) if said.decision_id else None
    events = await Loops(platform=platform).resume(
        identifier, decision, asked, rationale=said.rationale
    )
    return await _accepted(platform, identifier, events, asked)


async def _accepted(
    platform: Platform, loop_id: LoopId, events: Recorded, asked: Asked
) -> LoopAccepted:
    row = await _row(platform, loop_id)
    return accept(
        LoopAccepted,
        events,
        asked,
        loop_id=loop_id,
        state=row["state"],
        work_surface_id=row["work_surface_id"],
    )


async def _row(platform: Platform, loop_id: LoopId) -> Row:
    row = await platform.rows.row("loops", {"loop_id": loop_id})
    if row is None:
        raise NotFound(kind="loop", identifier=loop_id)
    return row


async def _told(platform: Platform, row: Row) -> LoopView:
    used = {
        "iterations": row["iteration_count"],
        "oracle_runs": row["run_count"],
        "wallclock_hours": _hours(row, platform.clock.now()),
    }
    made_by = {
        "actor_kind": row["created_by_kind"],
        "actor_id": row["created_by_id"],
    }
    stops = await _stops(platform, row) if row["stop_count"] else []
    return shown(
        row, LoopView, usage=used, created_by=made_by, stop_triggers_fired=stops
    )


async def _stops(platform: Platform, row: Row) -> list[Row]:
    """Return every stop that fired, oldest first; as many as there were."""
    count = row["stop_count"]
    assert isinstance(count, int), "stops are counted"
    found = await platform.rows.rows(
        "loop_stop_triggers", {"loop_id": row["loop_id"]}, limit=count
    )
    return [
        {
            **each,
            "trigger_code": each["trigger"],
            "fired_at": each["occurred_at"],
            "resolved": each.get("resolved_at") is not None,
        }
        for each in found.rows
    ]


def _hours(row: Row, now: datetime) -> float:
    since, until = row.get("activated_at"), row.get("closed_at") or now
    if since is None:
        return 0.0
    assert isinstance(since, datetime), "moments are moments"
    assert isinstance(until, datetime), "and so is the last"
    return (until - since).total_seconds() / SECONDS_PER_HOUR


router = Router(
    path="",
    tags=["loops"],
    route_handlers=[create, loops, read, update, activate, pause, close, resume],
)
