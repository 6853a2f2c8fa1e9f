"""The dependency graph: what rests on what, as the refs of all events say (SPEC 12.4).

    dependent --depends_on--> dependency       walked backwards for impact
    claim     --supported_by--> evidence       provenance; never walked

A node is what a ref points at or what an event is about, named by its kind and
identifier together, so its kind is known from the first mention on. Edges lead from an
event's subject to the targets of its refs; between two nodes there is one of each
relation. One that pins its target by hash holds the hash that was said last.

Clauses: C-EVT-5 (typed refs), C-EVT-6 (impact), G-GRAPH-SEMANTICS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing in the graph; two with the same kind and identifier are one.

    `meta` is what a ref to it has to hold, such as its hash.
    """

    kind: RefKind
    id: str
    meta: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """Its name in the graph's tables, such as ``Loop/loop_01J...``."""
        return self.kind + "/" + self.id

    def ref(self, relation: RefRelation) -> Ref:
        """Return a ref to it.

        Raises:
            MalformedInput: `meta` lacks what a ref of this kind has to hold.

        """
        return Ref(kind=self.kind, id=self.id, rel=relation, meta=self.meta)

    @property
    def is_pinned(self) -> bool:
        """Whether `meta` holds all that a ref of this kind has to."""
        try:
            self.ref(RefRelation.ABOUT)
        except MalformedInput:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One relation between two nodes."""

    source: Node
    target: Node
    relation: RefRelation
    meta: Mapping[str, str]

    @property
    def pinned(self) -> ContentHash | None:
        """The hash by which the target is pinned, if it is."""
        return pinned_by(self.meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A node that a walk came to, and over how many edges at the least."""

    node: Node
    depth: int


def pinned_by(meta: Mapping[str, str]) -> ContentHash | None:
    """Return the hash that a ref's `meta` pins its target by, if any."""
    found = meta.get("suite_hash") or meta.get("content_hash")
    return ContentHash(found) if found else None


def node_of(ref: Ref) -> Node:
    """Return the node that `ref` points at."""
    return Node(kind=ref.kind, id=ref.id, meta=ref.meta)


def edges_of(source: Node, refs: Iterable[Ref]) -> tuple[Edge, ...]:
    """Return the edges that `refs` of what `source` is make; none leads back to itself."""
    return tuple(
        Edge(source=source, target=target, relation=ref.rel, meta=ref.meta)
        for ref in refs
        if (target := node_of(ref)) != source
    )
