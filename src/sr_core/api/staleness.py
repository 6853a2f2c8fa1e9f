"""Staleness (SPEC 5.6, 12.4): parse, give, answer."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, OPERATOR
from sr_core.api.bodies.staleness import NewMark, NodeBody, Resolution
from sr_core.api.views.base import accept, shown
from sr_core.api.views.staleness import (
    DependentPage,
    Marked,
    MarkerPage,
    MarkerView,
    NodeView,
    Resolved,
)
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.staleness import Stale
from sr_core.domain.graph import Node
from sr_core.domain.ids import parse_stale_id
from sr_core.domain.refs import RefKind

_TABLE = "graph.stale_nodes"

RootId = Annotated[str, QueryParameter(min_length=1, max_length=512)]
OpenOnly = Annotated[bool, QueryParameter(name="unresolved")]
StaleKey = Annotated[str | None, QueryParameter(name="stale_id", max_length=512)]


@post("/staleness/mark", authority=ANYONE, status_code=200)
async def mark(
    data: JSONBody[NewMark],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Marked:
    """Mark as stale what depends on a root, over at most `max_depth` edges.

    A root that nothing depends on leaves nothing to mark: nothing is recorded, and both
    lists are empty.
    """
    marked = await Stale(platform=platform).mark(
        _node(data.root_ref),
        data.reason_code,
        detail=data.reason_detail,
        depth_max=data.max_depth,
        includes_root=data.include_root,
        asked=asked,
    )
    return accept(
        Marked,
        marked.events,
        asked,
        stale_ids=marked.stale_ids,
        dependents_marked=[_told(each) for each in marked.dependents],
    )


@get("/staleness/dependents", authority=ANYONE)
async def dependents(
    root_kind: FromQuery[RefKind],
    root_id: RootId,
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> DependentPage:
    """List what is stale because of a root, and not resolved."""
    where = {"root_kind": root_kind, "root_id": root_id, "resolved_at": None}
    found = await platform.rows.rows(_TABLE, where, limit=limit, offset=offset)
    return DependentPage(
        root=NodeView(kind=root_kind, id=root_id),
        dependents=[shown(each, MarkerView) for each in found.rows],
        total=found.total,
        limit=limit,
        offset=offset,
    )


@get("/staleness", authority=ANYONE)
async def markers(
    platform: NamedDependency[Platform],
    unresolved: OpenOnly = False,  # noqa: FBT002 - a query parameter has no other form
    stale_id: StaleKey = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> MarkerPage:
    """List markers, oldest first: a row for each dependent."""
    where: dict[str, str | None] = {"resolved_at": None} if unresolved else {}
    if stale_id is not None:
        where["stale_id"] = parse_stale_id(stale_id)
    found = await platform.rows.rows(_TABLE, where, limit=limit, offset=offset)
    return MarkerPage(
        markers=[shown(each, MarkerView) for each in found.rows],
        total=found.total,
        limit=limit,
        offset=offset,
    )


@post("/staleness/{stale_id:str}/resolve", authority=OPERATOR, status_code=200)
async def resolve(
    stale_id: FromPath[str],
    data: JSONBody[Resolution],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Resolved:
    """Answer a marker: MECHANICAL is the system's, DECISION a human's."""
    identifier = parse_stale_id(stale_id)
    stale = Stale(platform=platform)
    refs = [
        await stale.completed(each.kind, each.id, each.rel, each.meta)
        for each in data.resolution_refs
    ]
    events = await stale.resolve(
        identifier,
        data.resolution_kind,
        refs,
        note=data.resolution_note,
        dependents=_asked_for(data),
        asked=asked,
    )
    return accept(
        Resolved,
        events,
        asked,
        stale_id=identifier,
        resolution_kind=data.resolution_kind,
    )


def _asked_for(data: Resolution) -> frozenset[Node] | None:
    if data.dependents is None:
        return None
    return frozenset(_node(each) for each in data.dependents)


def _node(body: NodeBody) -> Node:
    return Node(kind=body.kind, id=body.id)


def _told(node: Node) -> NodeView:
    return NodeView(kind=node.kind, id=node.id)


router = Router(
    path="",
    tags=["staleness"],
    route_handlers=[mark, dependents, markers, resolve],
)
