"""Oracle suites over HTTP (SPEC 5.6, 7.4): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, human_with
from sr_core.api.bodies.oracles import NewBase, NewSuite, SuiteBody
from sr_core.api.views.base import accept, shown
from sr_core.api.views.oracles import (
    SuiteDefined,
    SuiteDetail,
    SuitePage,
    SuiteVersionView,
    SuiteView,
    suite_columns,
)
from sr_core.application.facts import every_row
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.suites import Suites
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import parse_approval_id, parse_suite_id
from sr_core.domain.integrity import PORTAL_ROLE, Portal

_STEWARD = human_with(PORTAL_ROLE[Portal.GOVERNANCE])


@post("/oracles/suites", authority=_STEWARD)
async def register(
    data: JSONBody[NewSuite],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> SuiteDefined:
    """Register an oracle suite; its hash is computed here."""
    definition = data.definition(data.suite_id)
    suite_hash, events = await Suites(platform=platform).register(definition, asked)
    return accept(
        SuiteDefined, events, asked, suite_id=data.suite_id, suite_hash=suite_hash
    )


@put("/oracles/suites/{suite_id:str}", authority=_STEWARD)
async def update(
    suite_id: FromPath[str],
    data: JSONBody[SuiteBody],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> SuiteDefined:
    """Define a suite anew that has not judged yet, without asking less of anyone."""
    definition = data.definition(suite_id)
    suite_hash, events = await Suites(platform=platform).update(definition, asked)
    return accept(SuiteDefined, events, asked, suite_id=suite_id, suite_hash=suite_hash)


@post("/oracles/suites/{suite_id:str}/rebase", status_code=200, authority=_STEWARD)
async def rebase(
    suite_id: FromPath[str],
    data: JSONBody[NewBase],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> SuiteDefined:
    """Decide that a suite is another one; all that it has judged is computed anew."""
    suite_hash, events = await Suites(platform=platform).rebase(
        data.definition(suite_id),
        rationale=data.rationale,
        approval_id=parse_approval_id(data.approval_id) if data.approval_id else None,
        asked=asked,
    )
    return accept(SuiteDefined, events, asked, suite_id=suite_id, suite_hash=suite_hash)


@get("/oracles/suites", authority=ANYONE)
async def suites(
    platform: NamedDependency[Platform], limit: Limit = 50, offset: Offset = 0
) -> SuitePage:
    """List oracle suites, oldest first."""
    page = await platform.rows.rows("oracle_suites", {}, limit=limit, offset=offset)
    return SuitePage(
        oracle_suites=[
            shown(each, SuiteView, **suite_columns(each)) for each in page.rows
        ],
        total=page.total,
        limit=limit,
        offset=offset,
    )


@get("/oracles/suites/{suite_id:str}", authority=ANYONE)
async def suite(
    suite_id: FromPath[str], platform: NamedDependency[Platform]
) -> SuiteDetail:
    """Return one oracle suite, with every definition that it ever had."""
    key = {"suite_id": parse_suite_id(suite_id)}
    row = await platform.rows.row("oracle_suites", key)
    if row is None:
        raise NotFound(kind="oracle suite", identifier=suite_id)
    versions = await every_row(platform, "oracle_suite_versions", key)
    return shown(
        row,
        SuiteDetail,
        **suite_columns(row),
        versions=[shown(each, SuiteVersionView) for each in versions],
    )


router = Router(
    path="",
    tags=["oracle suites"],
    route_handlers=[register, update, rebase, suites, suite],
)
