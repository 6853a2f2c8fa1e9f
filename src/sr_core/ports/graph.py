"""The dependency graph, as the log makes it: walks over it, and the markers on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from sr_core.domain.graph import Node, Reached
from sr_core.domain.ids import StaleId
from sr_core.domain.refs import ContentHash, RefRelation
from sr_core.ports.event_store import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMarker:
    """A marker that still makes `dependent` stale.

    `position` is that of its event, `since` that of what caused it: the same for one that
    was set by hand.
    """

    stale_id: StaleId
    root: Node
    dependent: Node
    reason: str
    position: Position
    since: Position


class Graph(Protocol):
    """Nodes, edges and markers. A walk follows `depends_on` and nothing else.

    Every walk ends, whatever cycles there are, and comes to each node once, over the
    fewest edges; it never comes to where it began. The nodes that it returns are in the
    order of depth, then of key, and hold what a ref to them has to.
    """

    async def dependents(
        self,
        root: Node,
        *,
        depth_max: int,
        not_pinning: ContentHash | None = None,
        before: Position | None = None,
    ) -> tuple[Reached, ...]:
        """Return what depends on `root`, over at most `depth_max` edges.

        `not_pinning` leaves out who pins `root` by that hash, and what is reached only
        through them. `before` leaves out edges made at that position or later.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def dependencies(self, node: Node, *, depth_max: int) -> tuple[Reached, ...]:
        """Return what `node` depends on, over at most `depth_max` edges.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def targets(self, node: Node, relation: RefRelation) -> tuple[Node, ...]:
        """Return the nodes that `node` has an edge of `relation` to, by key.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def sources(self, node: Node, relation: RefRelation) -> tuple[Node, ...]:
        """Return the nodes that have an edge of `relation` to `node`, by key.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def node(self, node: Node) -> Node | None:
        """Return `node` with what a ref to it has to hold; None if nothing names it.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def markers(self, nodes: Collection[Node]) -> tuple[OpenMarker, ...]:
        """Return the open markers that make any of `nodes` stale, oldest first.

        Raises:
            Unavailable: no answer in time.

        """
        ...
