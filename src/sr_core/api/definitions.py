"""Definitions that humans lay down (SPEC 5.6): agents, portals, oracles, profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from sr_core.api.authority import ANYONE, human_with
from sr_core.api.bodies.base import Body
from sr_core.api.bodies.definitions import (
    NewAgent,
    NewOracleDefinition,
    NewPortal,
    NewSemanticProfile,
)
from sr_core.api.views.base import accept, shown
from sr_core.api.views.definitions import (
    AgentPage,
    AgentView,
    DefinitionAccepted,
    DefinitionPage,
    DefinitionView,
)
from sr_core.api.views.paging import PageNumber, PageSize, show_sheet
from sr_core.application.definitions import DefinitionBook
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.canonical import plain
from sr_core.codec.definitions import typed
from sr_core.domain.config_definition import Turn, TypeKey
from sr_core.domain.definition_kinds import (
    AgentDefinition,
    OracleDefinition,
    PortalDefinition,
    SemanticProfile,
)
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.ports.read_model import Row

STEWARD = human_with(PORTAL_ROLE[Portal.GOVERNANCE])

OfType = Annotated[TypeKey | None, QueryParameter(name="type")]


@get("/config/definitions", authority=ANYONE)
async def definitions(
    platform: NamedDependency[Platform],
    of_type: OfType = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> DefinitionPage:
    """List every version of every definition, oldest first."""
    return await show_sheet(
        platform.rows,
        "config_definitions",
        {"type_key": of_type},
        (page, page_size),
        DefinitionView,
        DefinitionPage,
    )


@get("/agents", authority=ANYONE)
async def agents(
    platform: NamedDependency[Platform],
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> AgentPage:
    """List agents, each as it was defined last."""
    found = await platform.rows.rows(
        "config_definitions",
        {"type_key": TypeKey.AGENT_DEFINITION, "is_current": True},
        limit=page_size,
        offset=(page - 1) * page_size,
    )
    return AgentPage(
        agents=[shown({**row, **_document(row)}, AgentView) for row in found.rows],
        total=found.total,
        limit=page_size,
        offset=(page - 1) * page_size,
        page=page,
        page_size=page_size,
    )


@post("/agents", authority=STEWARD)
async def define_agent(
    data: JSONBody[NewAgent],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> DefinitionAccepted:
    """Say what an agent is; a changed definition follows the one before."""
    key = TypeKey.AGENT_DEFINITION
    return await _record(key, data.id, AgentDefinition, data, platform, asked)


@post("/portals", authority=STEWARD)
async def define_portal(
    data: JSONBody[NewPortal],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> DefinitionAccepted:
    """Say how one of the three portals is presented; there are no others."""
    key = TypeKey.PORTAL_DEFINITION
    return await _record(key, data.portal_id, PortalDefinition, data, platform, asked)


@post("/oracle-definitions", authority=STEWARD)
async def define_oracle(
    data: JSONBody[NewOracleDefinition],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> DefinitionAccepted:
    """Say what an oracle is and leaves; a suite says how it is run."""
    key = TypeKey.ORACLE_DEFINITION
    return await _record(key, data.oracle_id, OracleDefinition, data, platform, asked)


@post("/semantic-profiles", authority=STEWARD)
async def define_semantic_profile(
    data: JSONBody[NewSemanticProfile],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> DefinitionAccepted:
    """Say which stages are judged semantically, and by which suites."""
    key = TypeKey.SEMANTIC_PROFILE
    return await _record(key, data.profile_id, SemanticProfile, data, platform, asked)


def _document(row: Row) -> Row:
    definition = row["definition"]
    assert isinstance(definition, Mapping), "a definition is recorded as a document"
    return definition


async def _record(
    type_key: TypeKey,
    name: str,
    kind: type[object],
    data: Body,
    platform: Platform,
    asked: Asked,
) -> DefinitionAccepted:
    definition = typed(kind, plain(data), what=type_key)
    command, events = await DefinitionBook(platform=platform).record(
        type_key, name, definition, turn=Turn.ANY, asked=asked
    )
    return accept(
        DefinitionAccepted,
        events,
        asked,
        config_id=command.config_id,
        type_key=type_key,
        name=name,
        content_hash=command.content_hash,
    )


router = Router(
    path="",
    tags=["definitions"],
    route_handlers=[
        definitions,
        agents,
        define_agent,
        define_portal,
        define_oracle,
        define_semantic_profile,
    ],
)
