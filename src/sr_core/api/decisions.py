"""Decisions (SPEC 5.5): parse, give, answer."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, HUMAN
from sr_core.api.bodies.decisions import NewDecision, ScopeBody
from sr_core.api.parsing import parse_refs
from sr_core.api.views.base import accept, show_one, show_page
from sr_core.api.views.decisions import DecisionAccepted, DecisionPage, DecisionView
from sr_core.application.decisions import Decisions
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.decision import DecisionScope, RecordDecision, which_way
from sr_core.domain.ids import (
    parse_candidate_id,
    parse_decision_id,
    parse_exception_id,
    parse_iteration_id,
    parse_loop_id,
    parse_run_id,
    parse_suite_id,
    parse_work_surface_id,
    parse_work_unit_id,
)
from sr_core.domain.refs import parse_content_hash

OfLoop = Annotated[str | None, QueryParameter(name="loop_id")]


@post("/decisions", authority=HUMAN)
async def decide(
    data: JSONBody[NewDecision],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> DecisionAccepted:
    """Record a decision: about a stop of a loop, or about anything else in scope."""
    command = RecordDecision(
        by=asked.by,
        decision_id=parse_decision_id(platform.ids.fresh("dec")),
        trigger=data.trigger,
        scope=_scope(data.scope),
        decision=data.decision,
        kind=data.kind,
        rationale=data.rationale,
        subjects=parse_refs(data.subject_refs, field="subject_refs"),
        evidence=tuple(parse_content_hash(each) for each in data.evidence_refs),
        exceptions_acknowledged=tuple(
            parse_exception_id(each) for each in data.exceptions_acknowledged
        ),
        is_precedent=data.is_precedent,
        applicability=data.applicability,
    )
    events = await Decisions(platform=platform).record(command, asked)
    return accept(
        DecisionAccepted,
        events,
        asked,
        decision_id=command.decision_id,
        kind=which_way(data.decision, data.kind),
    )


@get("/decisions", authority=ANYONE)
async def decisions(
    platform: NamedDependency[Platform],
    loop_id: OfLoop = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> DecisionPage:
    """List decisions, oldest first; those about one loop, if it is named."""
    where = {"loop_id": parse_loop_id(loop_id) if loop_id else None}
    page = (limit, offset)
    return await show_page(
        platform.rows, "decisions", dict(where), page, DecisionView, DecisionPage
    )


@get("/decisions/{decision_id:str}", authority=ANYONE)
async def decision(
    decision_id: FromPath[str], platform: NamedDependency[Platform]
) -> DecisionView:
    """Return one decision."""
    key = {"decision_id": str(parse_decision_id(decision_id))}
    return await show_one(
        platform.rows, "decisions", key, DecisionView, named="decision"
    )


def _scope(body: ScopeBody) -> DecisionScope:
    return DecisionScope(
        loop_id=parse_loop_id(body.loop_id) if body.loop_id else None,
        iteration_id=parse_iteration_id(body.iteration_id)
        if body.iteration_id
        else None,
        candidate_id=parse_candidate_id(body.candidate_id)
        if body.candidate_id
        else None,
        run_id=parse_run_id(body.run_id) if body.run_id else None,
        work_unit_id=parse_work_unit_id(body.work_unit_id)
        if body.work_unit_id
        else None,
        work_surface_id=parse_work_surface_id(body.work_surface_id)
        if body.work_surface_id
        else None,
        oracle_suite_id=parse_suite_id(body.oracle_suite_id)
        if body.oracle_suite_id
        else None,
        exception_id=parse_exception_id(body.exception_id)
        if body.exception_id
        else None,
    )


router = Router(
    path="", tags=["decisions"], route_handlers=[decide, decisions, decision]
)
