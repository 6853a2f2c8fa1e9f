"""The graph's nodes and edges: one derivation for every event there is (SPEC 12.4).

The node of what an event is about has an edge to the target of each of its refs. Nothing
here knows any event by name, but for exceptions, whose kind only their creation tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from sr_core.application.projections.common import Occasion
from sr_core.domain.events import DomainEvent, StreamKind, refs_of, subject_of
from sr_core.domain.graph import Edge, Node, edges_of, node_of
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.ports.read_model import EnsureRow, Row, RowChange

_KIND_OF_STREAM: Final[Mapping[StreamKind, RefKind]] = {
    StreamKind.APPROVAL: RefKind.APPROVAL,
    StreamKind.CANDIDATE: RefKind.CANDIDATE,
    StreamKind.DECISION: RefKind.DECISION,
    StreamKind.FREEZE: RefKind.FREEZE,
    StreamKind.INTAKE: RefKind.INTAKE,
    StreamKind.ITERATION: RefKind.ITERATION,
    StreamKind.LOOP: RefKind.LOOP,
    StreamKind.ORACLE_SUITE: RefKind.ORACLE_SUITE,
    StreamKind.RUN: RefKind.RUN,
    StreamKind.WORK_SURFACE: RefKind.WORK_SURFACE,
}
_KIND_OF_PREFIX: Final[Mapping[str, RefKind]] = {"rec": RefKind.RECORD}
_KIND_OF_CREATION: Final[Mapping[str, RefKind]] = {
    "DeferralCreated": RefKind.DEFERRAL,
    "DeviationCreated": RefKind.DEVIATION,
    "WaiverCreated": RefKind.WAIVER,
}


def changes(event: DomainEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the nodes and edges that the refs of `event` make."""
    refs = refs_of(event)
    return linked(_subject_node(event, refs), refs, on)


def linked(
    source: Node | None, refs: Iterable[Ref], on: Occasion
) -> tuple[RowChange, ...]:
    """Return the nodes and edges that `refs` make, said of what `source` is."""
    refs = tuple(refs)
    nodes = {each.key: each for each in map(node_of, refs)}
    if source is not None and (source.meta or source.key not in nodes):
        nodes[source.key] = source
    edges = {} if source is None else _last_said(edges_of(source, refs))
    return (
        *(change for each in nodes.values() for change in _node(each, on)),
        *(change for each in edges.values() for change in _edge(each, on)),
    )


def subject_node(event: DomainEvent) -> Node | None:
    """Return the node of what `event` is about; None if it is about no single one.

    A ref that says so itself comes first: it also holds the subject's hash.
    """
    return _subject_node(event, refs_of(event))


def _subject_node(event: DomainEvent, refs: Iterable[Ref]) -> Node | None:
    subject = subject_of(event)
    identifier = getattr(event, subject.field) if subject.field else None
    for ref in refs:
        if ref.rel is RefRelation.ABOUT and identifier in (None, ref.id):
            return node_of(ref)
    kind = (
        _KIND_OF_STREAM.get(subject.kind)
        or _KIND_OF_PREFIX.get(subject.prefix)
        or _KIND_OF_CREATION.get(type(event).__name__)
    )
    if kind is None or identifier is None:
        return None
    return Node(kind=kind, id=identifier)


def edge_id(edge: Edge) -> str:
    """Return the one name of the edge between these nodes of this relation."""
    return _edge_id(edge.source.key, edge.relation, edge.target.key)


@lru_cache(maxsize=4096)
def _edge_id(source: str, relation: str, target: str) -> str:
    """Return the name; many events in a row say the same edge again."""
    ends = (hash_bytes(source.encode()), hash_bytes(target.encode()))
    return hash_bytes(f"{ends[0]} {relation} {ends[1]}".encode())


def _last_said(edges: tuple[Edge, ...]) -> dict[str, Edge]:
    return {edge_id(each): each for each in edges}


def _node(node: Node, on: Occasion) -> Iterator[RowChange]:
    row: Row = {
        "node_id": node.key,
        "node_type": node.kind,
        "label": node.id,
        "created_at": on.at,
        "meta": dict(node.meta),
    }
    yield EnsureRow(
        table="graph.nodes",
        row=row,
        key=("node_id",),
        renewed=("meta",),
        unless_empty="meta",
    )


def _edge(edge: Edge, on: Occasion) -> Iterator[RowChange]:
    identifier = edge_id(edge)
    row: Row = {
        "edge_id": identifier,
        "src_id": edge.source.key,
        "dst_id": edge.target.key,
        "edge_type": edge.relation,
        "created_at": on.at,
        "pinned_hash": edge.pinned,
        "meta": dict(edge.meta),
    }
    yield EnsureRow(
        table="graph.edges",
        row=row,
        key=("edge_id",),
        renewed=("pinned_hash", "meta"),
        unless_empty="meta",
    )
