"""Where humans bind (SPEC 5.5, 5.6): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Answer, Limit, Offset, accepted, listed, member, one
from sr_core.api.authority import ANYONE, HUMAN, human_with
from sr_core.api.bodies.oracles import NewSuite
from sr_core.api.bodies.portals import NewApproval, NewDecision, NewFreeze, NewWaiver
from sr_core.application.platform import Platform
from sr_core.application.portals import Portals
from sr_core.application.recorder import Asked
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.decision import DecisionKind
from sr_core.domain.ids import (
    parse_approval_id,
    parse_candidate_id,
    parse_decision_id,
    parse_exception_id,
    parse_freeze_id,
    parse_loop_id,
    parse_oracle_id,
    parse_suite_id,
)
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.oracle_suite import Classification, Oracle, SuiteDefinition
from sr_core.domain.refs import parse_content_hash


@post("/oracles/suites", authority=human_with("GovernanceSteward"))
async def register_suite(
    data: JSONBody[NewSuite],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Register an oracle suite; its hash is computed here."""
    definition = SuiteDefinition(
        suite_id=parse_suite_id(data.suite_id),
        oracles=tuple(
            Oracle(
                oracle_id=parse_oracle_id(each.oracle_id),
                argv=tuple(each.argv),
                report=each.report,
                classification=member(
                    Classification, each.classification, field="classification"
                ),
                timeout_s=each.timeout_s,
            )
            for each in data.oracles
        ),
    )
    suite_hash, events = await Portals(platform=platform).register_suite(
        definition, asked
    )
    return accepted(events, asked, suite_id=definition.suite_id, suite_hash=suite_hash)


@get("/oracles/suites", authority=ANYONE)
async def suites(
    platform: NamedDependency[Platform], limit: Limit = 50, offset: Offset = 0
) -> Answer:
    """List oracle suites, oldest first."""
    return await listed(platform.rows, "oracle_suites", {}, (limit, offset))


@get("/oracles/suites/{suite_id:str}", authority=ANYONE)
async def suite(suite_id: FromPath[str], platform: NamedDependency[Platform]) -> Answer:
    """Return one oracle suite."""
    key = {"suite_id": parse_suite_id(suite_id)}
    return await one(platform.rows, "oracle_suites", key, kind="oracle suite")


@post("/decisions", authority=HUMAN)
async def decide(
    data: JSONBody[NewDecision],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Record a decision about a stop of a loop."""
    decision_id, events = await Portals(platform=platform).decide(
        parse_loop_id(data.loop_id),
        member(StopTrigger, data.trigger, field="trigger"),
        member(DecisionKind, data.decision, field="decision"),
        rationale=data.rationale,
        asked=asked,
    )
    return accepted(events, asked, decision_id=decision_id)


@get("/decisions/{decision_id:str}", authority=ANYONE)
async def decision(
    decision_id: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return one decision."""
    key = {"decision_id": parse_decision_id(decision_id)}
    return await one(platform.rows, "decisions", key, kind="decision")


@post("/exceptions", authority=human_with("ExceptionReviewer"))
async def create_waiver(
    data: JSONBody[NewWaiver],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Draw up a waiver of one oracle's failure on one candidate."""
    exception_id, events = await Portals(platform=platform).create_waiver(
        parse_candidate_id(data.candidate_id),
        data.target,
        rationale=data.rationale,
        expires_at=data.expires_at,
        asked=asked,
    )
    return accepted(events, asked, exception_id=exception_id, status="CREATED")


@get("/exceptions/{exception_id:str}", authority=ANYONE)
async def exception(
    exception_id: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return one exception."""
    key = {"exception_id": parse_exception_id(exception_id)}
    return await one(platform.rows, "exceptions", key, kind="exception")


@post(
    "/exceptions/{exception_id:str}/activate",
    status_code=200,
    authority=human_with("ExceptionReviewer"),
)
async def activate_exception(
    exception_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Bring an exception into force."""
    identifier = parse_exception_id(exception_id)
    events = await Portals(platform=platform).activate_exception(identifier, asked)
    return accepted(events, asked, exception_id=identifier, status="ACTIVE")


@post(
    "/exceptions/{exception_id:str}/resolve",
    status_code=200,
    authority=human_with("ExceptionReviewer"),
)
async def resolve_exception(
    exception_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Lift an exception."""
    identifier = parse_exception_id(exception_id)
    events = await Portals(platform=platform).resolve_exception(identifier, asked)
    return accepted(events, asked, exception_id=identifier, status="RESOLVED")


@post("/approvals", authority=HUMAN)
async def approve(
    data: JSONBody[NewApproval],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Record what a human says at a portal about a candidate."""
    approval_id, events = await Portals(platform=platform).approve(
        parse_candidate_id(data.candidate_id),
        member(Portal, data.portal_id, field="portal_id"),
        member(ApprovalDecision, data.decision, field="decision"),
        evidence=tuple(parse_content_hash(each) for each in data.evidence_refs),
        exceptions_acknowledged=tuple(
            parse_exception_id(each) for each in data.exceptions_acknowledged
        ),
        rationale=data.rationale,
        asked=asked,
    )
    return accepted(events, asked, approval_id=approval_id)


@get("/approvals", authority=ANYONE)
async def approvals(
    platform: NamedDependency[Platform], limit: Limit = 50, offset: Offset = 0
) -> Answer:
    """List approvals, oldest first."""
    return await listed(platform.rows, "approvals", {}, (limit, offset))


@get("/approvals/{approval_id:str}", authority=ANYONE)
async def approval(
    approval_id: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return one approval."""
    key = {"approval_id": parse_approval_id(approval_id)}
    return await one(platform.rows, "approvals", key, kind="approval")


@post("/freeze-records", authority=human_with("ReleaseApprover"))
async def freeze(
    data: JSONBody[NewFreeze],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Fix a candidate as shippable; what it rests on is computed here."""
    freeze_id, events = await Portals(platform=platform).freeze(
        parse_candidate_id(data.candidate_id),
        parse_approval_id(data.release_approval_id),
        baseline_id=data.baseline_id,
        asked=asked,
    )
    return accepted(events, asked, freeze_id=freeze_id)


@get("/freeze-records/{freeze_id:str}", authority=ANYONE)
async def freeze_record(
    freeze_id: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return one freeze record."""
    key = {"freeze_id": parse_freeze_id(freeze_id)}
    return await one(platform.rows, "freeze_records", key, kind="freeze record")


router = Router(
    path="",
    tags=["portals"],
    route_handlers=[
        register_suite,
        suites,
        suite,
        decide,
        decision,
        create_waiver,
        exception,
        activate_exception,
        resolve_exception,
        approve,
        approvals,
        approval,
        freeze,
        freeze_record,
    ],
)
