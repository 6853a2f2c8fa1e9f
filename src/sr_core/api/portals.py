"""Suites and decisions (SPEC 5.5, 5.6): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Answer, Limit, Offset, accepted, listed, member, one
from sr_core.api.authority import ANYONE, HUMAN, human_with
from sr_core.api.bodies.oracles import NewSuite
from sr_core.api.bodies.portals import NewDecision
from sr_core.application.platform import Platform
from sr_core.application.portals import Portals
from sr_core.application.recorder import Asked
from sr_core.domain.decision import DecisionKind
from sr_core.domain.ids import (
    parse_decision_id,
    parse_loop_id,
    parse_oracle_id,
    parse_suite_id,
)
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.oracle_suite import Classification, Oracle, SuiteDefinition


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


router = Router(
    path="",
    tags=["portals"],
    route_handlers=[
        register_suite,
        suites,
        suite,
        decide,
        decision,
    ],
)
