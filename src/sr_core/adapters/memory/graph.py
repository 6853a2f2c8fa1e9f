"""Walks over the graph's rows in memory; the yardstick for the other adapter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.domain.graph import Node, Reached
from sr_core.domain.ids import StaleId
from sr_core.domain.refs import ContentHash, RefKind, RefRelation
from sr_core.ports.event_store import Position
from sr_core.ports.graph import OpenMarker
from sr_core.ports.read_model import Row

_Step = Callable[[str, int], Iterable[str]]
"""Gives the nodes one edge on from a node; the number is the depth they are met at."""


class MemoryGraph:
    """A `Graph` over what a `MemoryReadModel` holds."""

    def __init__(self, rows: MemoryReadModel) -> None:
        self._rows = rows

    async def dependents(
        self,
        root: Node,
        *,
        depth_max: int,
        not_pinning: ContentHash | None = None,
        before: Position | None = None,
    ) -> tuple[Reached, ...]:
        """See `Graph.dependents`."""
        edges = await self._edges(RefRelation.DEPENDS_ON)

        def step(key: str, depth: int) -> Iterable[str]:
            for edge in edges:
                made = edge["last_global_seq"] if depth == 1 else edge["position"]
                is_new = before is not None and made >= before
                is_pinned = (
                    depth == 1
                    and not_pinning is not None
                    and edge["pinned_hash"] == not_pinning
                )
                if edge["dst_id"] == key and not is_new and not is_pinned:
                    yield edge["src_id"]

        return await self._walk(root.key, step, depth_max)

    async def dependencies(self, node: Node, *, depth_max: int) -> tuple[Reached, ...]:
        """See `Graph.dependencies`."""
        edges = await self._edges(RefRelation.DEPENDS_ON)

        def step(key: str, _: int) -> Iterable[str]:
            return (each["dst_id"] for each in edges if each["src_id"] == key)

        return await self._walk(node.key, step, depth_max)

    async def targets(self, node: Node, relation: RefRelation) -> tuple[Node, ...]:
        """See `Graph.targets`."""
        edges = await self._edges(relation)
        return await self._nodes(
            each["dst_id"] for each in edges if each["src_id"] == node.key
        )

    async def sources(self, node: Node, relation: RefRelation) -> tuple[Node, ...]:
        """See `Graph.sources`."""
        edges = await self._edges(relation)
        return await self._nodes(
            each["src_id"] for each in edges if each["dst_id"] == node.key
        )

    async def node(self, node: Node) -> Node | None:
        """See `Graph.node`."""
        return next(iter(await self._nodes([node.key])), None)

    async def markers(self, nodes: Collection[Node]) -> tuple[OpenMarker, ...]:
        """See `Graph.markers`."""
        wanted = {(each.kind, each.id) for each in nodes}
        found = [
            _marker(row)
            for row in await self._table("stale_nodes")
            if row["resolved_at"] is None
            and (row["dependent_kind"], row["dependent_id"]) in wanted
        ]
        return tuple(sorted(found, key=_age))

    async def _walk(
        self, start: str, step: _Step, depth_max: int
    ) -> tuple[Reached, ...]:
        depths: dict[str, int] = {}
        frontier = {start}
        for depth in range(1, depth_max + 1):
            met = {key for each in frontier for key in step(each, depth)}
            frontier = met - depths.keys() - {start}
            depths.update(dict.fromkeys(frontier, depth))
        nodes = {each.key: each for each in await self._nodes(depths)}
        return tuple(
            Reached(node=nodes[key], depth=depth)
            for key, depth in sorted(depths.items(), key=lambda item: item[::-1])
        )

    async def _edges(self, relation: RefRelation) -> list[dict[str, Any]]:
        return [
            each for each in await self._table("edges") if each["edge_type"] == relation
        ]

    async def _nodes(self, keys: Iterable[str]) -> tuple[Node, ...]:
        wanted = set(keys)
        rows = await self._table("nodes")
        found = [_node(row) for row in rows if row["node_id"] in wanted]
        return tuple(sorted(found, key=lambda node: node.key))

    async def _table(self, name: str) -> list[dict[str, Any]]:
        page = await self._rows.rows(f"graph.{name}", {}, limit=sys.maxsize)
        return [dict(row) for row in page.rows]


def _node(row: dict[str, Any]) -> Node:
    return Node(kind=RefKind(row["node_type"]), id=row["label"], meta=row["meta"])


def _marker(row: Row) -> OpenMarker:
    said: dict[str, Any] = dict(row)
    return OpenMarker(
        stale_id=StaleId(said["stale_id"]),
        root=Node(kind=RefKind(said["root_kind"]), id=said["root_id"]),
        dependent=Node(kind=RefKind(said["dependent_kind"]), id=said["dependent_id"]),
        reason=said["reason_code"],
        position=Position(said["position"]),
        since=Position(said["caused_at"] or said["position"]),
    )


def _age(marker: OpenMarker) -> tuple[int, str, str]:
    return (marker.position, marker.stale_id, marker.dependent.key)
