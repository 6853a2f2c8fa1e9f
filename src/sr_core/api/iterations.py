"""Iterations (SPEC 5.2): parse, give, answer."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, SYSTEM, WORKER
from sr_core.api.bodies.iterations import (
    EndOfIteration,
    FailureOfIteration,
    NewIteration,
    StartInLoop,
    SummaryBody,
)
from sr_core.api.parsing import parse_refs
from sr_core.api.views.base import accept, show_one, show_page, shown
from sr_core.api.views.iterations import (
    IterationAccepted,
    IterationPage,
    IterationStart,
    IterationView,
    LoopRecordView,
)
from sr_core.application.loops import Loops, Recorded
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.canonical import plain, restored
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import (
    IterationId,
    LoopId,
    parse_candidate_id,
    parse_iteration_id,
    parse_loop_id,
    parse_run_id,
    parse_suite_id,
    parse_work_unit_id,
)
from sr_core.domain.iteration import BeginIteration, FailIteration, IterationPhase
from sr_core.domain.iteration_summary import IterationSummary
from sr_core.domain.refs import parse_content_hash

Phase = Annotated[IterationPhase | None, QueryParameter(name="state")]


@get("/loops/{loop_id:str}/iterations", authority=ANYONE)
async def iterations(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    phase: Phase = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> IterationPage:
    """List a loop's iterations, oldest first."""
    loop = await _known_loop(platform, parse_loop_id(loop_id))
    where: dict[str, str | None] = {"loop_id": loop, "state": phase}
    page = (limit, offset)
    return await show_page(
        platform.rows, "iterations", where, page, IterationView, IterationPage
    )


@post("/loops/{loop_id:str}/iterations", authority=SYSTEM)
async def start_in_loop(
    loop_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[StartInLoop | None] = None,
) -> IterationStart:
    """Begin the loop's next iteration."""
    said = data or StartInLoop()
    return await _start(parse_loop_id(loop_id), said, platform, asked)


@post("/iterations", authority=SYSTEM)
async def start(
    data: JSONBody[NewIteration],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IterationStart:
    """Begin the next iteration of the loop that the body names."""
    return await _start(parse_loop_id(data.loop_id), data, platform, asked)


@get("/iterations/{iteration_id:str}", authority=ANYONE)
async def iteration(
    iteration_id: FromPath[str], platform: NamedDependency[Platform]
) -> IterationView:
    """Return one iteration, with the refs that it started from."""
    key = {"iteration_id": parse_iteration_id(iteration_id)}
    return await show_one(
        platform.rows, "iterations", dict(key), IterationView, named="iteration"
    )


@get("/iterations/{iteration_id:str}/loop-record", authority=ANYONE)
async def loop_record(
    iteration_id: FromPath[str], platform: NamedDependency[Platform]
) -> LoopRecordView:
    """Return the record that the iteration left."""
    identifier = parse_iteration_id(iteration_id)
    row = await platform.rows.row("iterations", {"iteration_id": identifier})
    if row is None or row.get("summary") is None:
        raise NotFound(kind="loop record of iteration", identifier=identifier)
    return shown(row, LoopRecordView, type_key="domain.loop_record")


@post("/iterations/{iteration_id:str}/begin", status_code=200, authority=WORKER)
async def begin(
    iteration_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IterationAccepted:
    """Say that the work is under way."""
    identifier = parse_iteration_id(iteration_id)
    command = BeginIteration(by=asked.by)
    events = await Loops(platform=platform).give_iteration(identifier, command, asked)
    return await _accepted(platform, identifier, events, asked)


@post("/iterations/{iteration_id:str}/fail", status_code=200, authority=SYSTEM)
async def fail(
    iteration_id: FromPath[str],
    data: JSONBody[FailureOfIteration],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IterationAccepted:
    """End an iteration whose worker will not end it."""
    identifier = parse_iteration_id(iteration_id)
    command = FailIteration(by=asked.by, reason=data.reason)
    events = await Loops(platform=platform).give_iteration(identifier, command, asked)
    return await _accepted(platform, identifier, events, asked)


@post("/iterations/{iteration_id:str}/complete", status_code=200, authority=WORKER)
async def complete(
    iteration_id: FromPath[str],
    data: JSONBody[EndOfIteration],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IterationAccepted:
    """End an iteration and leave its summary."""
    identifier = parse_iteration_id(iteration_id)
    return await _complete(identifier, data, platform, asked)


@post(
    "/loops/{loop_id:str}/iterations/{iteration_id:str}/complete",
    status_code=200,
    authority=WORKER,
)
async def complete_in_loop(
    loop_id: FromPath[str],
    iteration_id: FromPath[str],
    data: JSONBody[EndOfIteration],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IterationAccepted:
    """End an iteration of the loop that the path names, and leave its summary."""
    loop, identifier = parse_loop_id(loop_id), parse_iteration_id(iteration_id)
    if await platform.loop_of("iter", identifier, kind="iteration") != loop:
        raise NotFound(kind=f"iteration of {loop}", identifier=identifier)
    return await _complete(identifier, data, platform, asked)


async def _start(
    loop_id: LoopId, said: StartInLoop, platform: Platform, asked: Asked
) -> IterationStart:
    unit = parse_work_unit_id(said.work_unit_id) if said.work_unit_id else None
    refs = parse_refs(said.refs, field="refs")
    started = await Loops(platform=platform).start(
        loop_id, asked, work_unit=unit, refs=refs
    )
    return accept(
        IterationStart,
        started.recorded,
        asked,
        iteration_id=started.iteration_id,
        loop_id=loop_id,
        state=IterationPhase.STARTED,
        pending_hooks=list(started.pending_hooks),
    )


async def _complete(
    iteration_id: IterationId, said: EndOfIteration, platform: Platform, asked: Asked
) -> IterationAccepted:
    loop_id = await platform.loop_of("iter", iteration_id, kind="iteration")
    summary = (
        said.summary
        if isinstance(said.summary, str)
        else _summary(said.summary, iteration_id, loop_id)
    )
    events = await Loops(platform=platform).complete_iteration(
        iteration_id, outcome=said.outcome, summary=summary, asked=asked
    )
    return await _accepted(platform, iteration_id, events, asked)


def _summary(
    body: SummaryBody, iteration_id: IterationId, loop_id: LoopId
) -> IterationSummary:
    """Return the summary that `body` tells; its identifiers are parsed one by one."""
    for each in body.candidates_produced:
        parse_candidate_id(each)
    for each in body.runs_executed:
        parse_run_id(each)
    for result in body.outcomes.oracle_results:
        parse_run_id(result.run_id)
        parse_suite_id(result.oracle_suite_id)
        for each in result.evidence_refs:
            parse_content_hash(each)
    told = {
        **plain(body),
        "iteration_id": body.iteration_id or iteration_id,
        "loop_id": body.loop_id or loop_id,
    }
    return restored(IterationSummary, told, what="summary")


async def _accepted(
    platform: Platform, iteration_id: IterationId, events: Recorded, asked: Asked
) -> IterationAccepted:
    row = await platform.rows.row("iterations", {"iteration_id": iteration_id})
    assert row is not None, "what was just recorded has its row"
    return accept(
        IterationAccepted,
        events,
        asked,
        iteration_id=iteration_id,
        loop_id=row["loop_id"],
        state=row["state"],
    )


async def _known_loop(platform: Platform, loop_id: LoopId) -> LoopId:
    if await platform.rows.row("loops", {"loop_id": loop_id}) is None:
        raise NotFound(kind="loop", identifier=loop_id)
    return loop_id


router = Router(
    path="",
    tags=["iterations"],
    route_handlers=[
        iterations,
        start_in_loop,
        start,
        iteration,
        loop_record,
        begin,
        fail,
        complete,
        complete_in_loop,
    ],
)
