"""The graph in the `graph` schema: the walks are SQL functions of migration 0007."""

from __future__ import annotations

from collections.abc import Collection

from psycopg.rows import DictRow
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import (
    Pool,
    all_rows,
)
from sr_core.domain.graph import Node, Reached
from sr_core.domain.ids import StaleId
from sr_core.domain.refs import ContentHash, RefKind, RefRelation
from sr_core.ports.event_store import Position
from sr_core.ports.graph import OpenMarker


class PostgresGraph:
    """A `Graph` over the rows that `PostgresEventStore` writes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def dependents(
        self,
        root: Node,
        *,
        depth_max: int,
        not_pinning: ContentHash | None = None,
        before: Position | None = None,
    ) -> tuple[Reached, ...]:
        """See `Graph.dependents`."""
        rows = await self._rows(
            statements.WALK_DEPENDENTS,
            node=root.key,
            depth_max=depth_max,
            not_pinning=not_pinning,
            before=before,
        )
        return tuple(map(_reached, rows))

    async def dependencies(self, node: Node, *, depth_max: int) -> tuple[Reached, ...]:
        """See `Graph.dependencies`."""
        rows = await self._rows(
            statements.WALK_DEPENDENCIES, node=node.key, depth_max=depth_max
        )
        return tuple(map(_reached, rows))

    async def targets(self, node: Node, relation: RefRelation) -> tuple[Node, ...]:
        """See `Graph.targets`."""
        rows = await self._rows(
            statements.FIND_TARGETS, node=node.key, edge_type=relation
        )
        return tuple(map(_node, rows))

    async def sources(self, node: Node, relation: RefRelation) -> tuple[Node, ...]:
        """See `Graph.sources`."""
        rows = await self._rows(
            statements.FIND_SOURCES, node=node.key, edge_type=relation
        )
        return tuple(map(_node, rows))

    async def node(self, node: Node) -> Node | None:
        """See `Graph.node`."""
        rows = await self._rows(statements.FIND_NODE, node=node.key)
        return _node(rows[0]) if rows else None

    async def markers(self, nodes: Collection[Node]) -> tuple[OpenMarker, ...]:
        """See `Graph.markers`."""
        wanted = sorted(set(nodes), key=lambda node: node.key)
        rows = await self._rows(
            statements.FIND_OPEN_MARKERS,
            kinds=[each.kind for each in wanted],
            ids=[each.id for each in wanted],
        )
        return tuple(map(_marker, rows))

    async def _rows(self, statement: SQL, **values: object) -> list[DictRow]:
        return await all_rows(self._pool, statement, values)


def _node(row: DictRow) -> Node:
    return Node(kind=RefKind(row["node_type"]), id=row["label"], meta=row["meta"])


def _reached(row: DictRow) -> Reached:
    return Reached(node=_node(row), depth=row["depth"])


def _marker(row: DictRow) -> OpenMarker:
    return OpenMarker(
        stale_id=StaleId(row["stale_id"]),
        root=Node(kind=RefKind(row["root_kind"]), id=row["root_id"]),
        dependent=Node(kind=RefKind(row["dependent_kind"]), id=row["dependent_id"]),
        reason=row["reason_code"],
        position=Position(row["position"]),
        since=Position(row["caused_at"] or row["position"]),
    )
