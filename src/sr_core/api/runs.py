"""Runs over HTTP (SPEC 5.3): parse, give, answer.

An outcome is never taken on trust: of a run that a runner elsewhere completes, the
declared one has to be what its evidence gives.
"""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, SYSTEM
from sr_core.api.bodies.candidates import EndOfRun, FailureOfRun, NewRun
from sr_core.api.views.base import accept, show_page, shown
from sr_core.api.views.evidence import BundlePage, BundleView
from sr_core.api.views.runs import (
    RunDetail,
    RunEnded,
    RunMade,
    RunPage,
    RunView,
    ViolationView,
)
from sr_core.application.facts import every_row
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.runs import Runs
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import (
    RunId,
    parse_candidate_id,
    parse_run_id,
    parse_suite_id,
)
from sr_core.domain.refs import parse_content_hash
from sr_core.domain.run import Execution, RunPhase
from sr_core.ports.event_store import NewEvent
from sr_core.ports.read_model import Row

Phase = Annotated[RunPhase | None, QueryParameter(name="state")]


@post("/runs", authority=SYSTEM)
async def start(
    data: JSONBody[NewRun],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> RunMade:
    """Have a suite judge a candidate.

    With execution platform the answer comes when the run has ended; with external it is
    started only, and a runner elsewhere carries it out.
    """
    runs = Runs(platform=platform)
    how = runs.start if data.execution is Execution.EXTERNAL else runs.judge
    suite_hash = data.oracle_suite_hash
    run_id = await how(
        parse_candidate_id(data.candidate_id),
        parse_suite_id(data.oracle_suite_id),
        asked,
        declared=parse_content_hash(suite_hash) if suite_hash else None,
    )
    row = await _row(platform, run_id)
    made = accept(RunMade, (), asked, **row)
    made.event_id = str(row["last_event_id"])
    return made


@get("/runs", authority=ANYONE)
async def runs(
    platform: NamedDependency[Platform],
    phase: Phase = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> RunPage:
    """List runs, oldest first."""
    where = {"state": phase.value if phase else None}
    return await show_page(
        platform.rows, "runs", where, (limit, offset), RunView, RunPage
    )


@get("/runs/{run_id:str}", authority=ANYONE)
async def run(run_id: FromPath[str], platform: NamedDependency[Platform]) -> RunDetail:
    """Return one run, with the integrity violations recorded against it."""
    key = {"run_id": parse_run_id(run_id)}
    row = await _row(platform, key["run_id"])
    found = await every_row(platform, "integrity_violations", key)
    violations = [shown(each, ViolationView) for each in found]
    return shown(row, RunDetail, integrity_violations=violations)


@get("/runs/{run_id:str}/evidence", authority=ANYONE)
async def run_evidence(
    run_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> BundlePage:
    """List the evidence that a run left."""
    identifier = parse_run_id(run_id)
    await _row(platform, identifier)
    return await show_page(
        platform.rows,
        "evidence_bundles",
        {"run_id": identifier},
        (limit, offset),
        BundleView,
        BundlePage,
        under="evidence",
    )


@post("/runs/{run_id:str}/complete", status_code=200, authority=SYSTEM)
async def complete(
    run_id: FromPath[str],
    data: JSONBody[EndOfRun],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> RunEnded:
    """End a run that was carried out elsewhere, with what its evidence gives."""
    identifier = parse_run_id(run_id)
    evidence = data.evidence_bundle_hash
    events = await Runs(platform=platform).complete(
        identifier,
        asked,
        outcome=data.outcome,
        evidence=parse_content_hash(evidence) if evidence else None,
    )
    return await _ended(platform, identifier, events, asked)


@post("/runs/{run_id:str}/fail", status_code=200, authority=SYSTEM)
async def fail(
    run_id: FromPath[str],
    data: JSONBody[FailureOfRun],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> RunEnded:
    """End a run that could not be carried out elsewhere; it judged nothing."""
    identifier = parse_run_id(run_id)
    events = await Runs(platform=platform).fail(identifier, data.reason, asked)
    return await _ended(platform, identifier, events, asked)


async def _ended(
    platform: Platform, run_id: RunId, events: tuple[NewEvent, ...], asked: Asked
) -> RunEnded:
    row = await _row(platform, run_id)
    return accept(RunEnded, events, asked, **row)


async def _row(platform: Platform, run_id: RunId) -> Row:
    row = await platform.rows.row("runs", {"run_id": run_id})
    if row is None:
        raise NotFound(kind="run", identifier=run_id)
    return row


router = Router(
    path="",
    tags=["runs"],
    route_handlers=[start, runs, run, run_evidence, complete, fail],
)
