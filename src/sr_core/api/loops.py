"""Loops and iterations (SPEC 5.2): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import (
    Answer,
    Limit,
    Offset,
    State,
    accepted,
    listed,
    member,
    one,
)
from sr_core.api.authority import ANYONE, HUMAN, OPERATOR, SYSTEM, WORKER
from sr_core.api.bodies.loops import EndOfIteration, NewIteration, NewLoop, Resume
from sr_core.application.loops import Loops
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.ids import (
    LoopId,
    parse_decision_id,
    parse_iteration_id,
    parse_loop_id,
)
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.loop import ActivateLoop, Budgets, CloseLoop, LoopCommand, PauseLoop
from sr_core.domain.refs import Ref, RefKind, RefRelation


@post("/loops", authority=ANYONE)
async def create(
    data: JSONBody[NewLoop],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Open a loop, under the directive that its ref pins by hash and version."""
    directive = Ref(
        kind=member(RefKind, data.directive_ref.kind, field="directive_ref.kind"),
        id=data.directive_ref.id,
        rel=member(RefRelation, data.directive_ref.rel, field="directive_ref.rel"),
        meta=data.directive_ref.meta,
    )
    budgets = Budgets(
        max_iterations=data.budgets.max_iterations,
        max_oracle_runs=data.budgets.max_oracle_runs,
    )
    loop_id, events = await Loops(platform=platform).create(
        asked, goal=data.goal, budgets=budgets, directive=directive
    )
    return accepted(events, asked, loop_id=loop_id, state="CREATED")


@get("/loops", authority=ANYONE)
async def loops(
    platform: NamedDependency[Platform],
    phase: State = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Answer:
    """List loops, oldest first."""
    return await listed(platform.rows, "loops", {"state": phase}, (limit, offset))


@get("/loops/{loop_id:str}", authority=ANYONE)
async def read(loop_id: FromPath[str], platform: NamedDependency[Platform]) -> Answer:
    """Return one loop, with the stop triggers that fired."""
    key = {"loop_id": parse_loop_id(loop_id)}
    loop = await one(platform.rows, "loops", key, kind="loop")
    stops = await listed(platform.rows, "loop_stop_triggers", key, (200, 0))
    return {**loop, "stop_triggers_fired": stops["loop_stop_triggers"]}


@post("/loops/{loop_id:str}/activate", status_code=200, authority=OPERATOR)
async def activate(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Let iterations start."""
    return await _give(loop_id, ActivateLoop(by=asked.by), platform, asked)


@post("/loops/{loop_id:str}/pause", status_code=200, authority=OPERATOR)
async def pause(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Hold the loop."""
    return await _give(loop_id, PauseLoop(by=asked.by), platform, asked)


@post("/loops/{loop_id:str}/close", status_code=200, authority=OPERATOR)
async def close(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """End the loop for good."""
    return await _give(loop_id, CloseLoop(by=asked.by), platform, asked)


@post("/loops/{loop_id:str}/resume", status_code=200, authority=HUMAN)
async def resume(
    loop_id: FromPath[str],
    data: JSONBody[Resume],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Let the loop go on; after a stop trigger, on the strength of a decision."""
    identifier = parse_loop_id(loop_id)
    decision = parse_decision_id(data.decision_id) if data.decision_id else None
    events = await Loops(platform=platform).resume(identifier, decision, asked)
    return accepted(events, asked, loop_id=identifier)


@get("/loops/{loop_id:str}/iterations", authority=ANYONE)
async def iterations(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> Answer:
    """List a loop's iterations, oldest first."""
    key = {"loop_id": parse_loop_id(loop_id)}
    return await listed(platform.rows, "iterations", key, (limit, offset))


@post("/loops/{loop_id:str}/iterations", authority=SYSTEM)
async def start_in_loop(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Begin the loop's next iteration."""
    return await _start(parse_loop_id(loop_id), platform, asked)


@post("/iterations", authority=SYSTEM)
async def start(
    data: JSONBody[NewIteration],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Begin the next iteration of the loop that the body names."""
    return await _start(parse_loop_id(data.loop_id), platform, asked)


@get("/iterations/{iteration_id:str}", authority=ANYONE)
async def iteration(
    iteration_id: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return one iteration, with the refs that it started from."""
    key = {"iteration_id": parse_iteration_id(iteration_id)}
    return await one(platform.rows, "iterations", key, kind="iteration")


@post("/iterations/{iteration_id:str}/complete", status_code=200, authority=WORKER)
async def complete(
    iteration_id: FromPath[str],
    data: JSONBody[EndOfIteration],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """End an iteration."""
    identifier = parse_iteration_id(iteration_id)
    events = await Loops(platform=platform).complete_iteration(
        identifier,
        outcome=member(IterationOutcome, data.outcome, field="outcome"),
        summary=data.summary,
        asked=asked,
    )
    return accepted(events, asked, iteration_id=identifier, state="COMPLETED")


async def _give(
    loop_id: str, command: LoopCommand, platform: Platform, asked: Asked
) -> Answer:
    identifier = parse_loop_id(loop_id)
    events = await Loops(platform=platform).give(identifier, command, asked)
    return accepted(events, asked, loop_id=identifier)


async def _start(loop_id: LoopId, platform: Platform, asked: Asked) -> Answer:
    started, events = await Loops(platform=platform).start_iteration(loop_id, asked)
    return accepted(
        events, asked, iteration_id=started, loop_id=loop_id, state="STARTED"
    )


router = Router(
    path="",
    tags=["loops"],
    route_handlers=[
        create,
        loops,
        read,
        activate,
        pause,
        close,
        resume,
        iterations,
        start_in_loop,
        start,
        iteration,
        complete,
    ],
)
