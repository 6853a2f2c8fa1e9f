"""What requests about staleness may hold."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.domain.staleness import ResolutionKind, StaleReason

Depth = Annotated[int, Meta(ge=1, le=10)]
Note = Annotated[str, Meta(max_length=2_000)]
MetaText = Annotated[str, Meta(max_length=4_000)]


class NodeBody(Body):
    """A node of the graph."""

    kind: RefKind
    id: Name


class AnswerRef(Body):
    """A ref to what answers a marker; a hash that is left out is looked up."""

    kind: RefKind
    id: Name
    rel: RefRelation = RefRelation.SUPPORTED_BY
    meta: dict[str, MetaText] = msgspec.field(default_factory=dict)


class NewMark(Body):
    """Mark as stale what depends on a root; the root itself only if asked for."""

    root_ref: NodeBody
    reason_code: StaleReason = StaleReason.MANUAL_MARK
    reason_detail: Note = ""
    max_depth: Depth = 5
    include_root: bool = False


class Resolution(Body):
    """Answer a marker, for all that it makes stale or for the dependents named."""

    resolution_kind: ResolutionKind
    resolution_refs: Annotated[list[AnswerRef], Meta(max_length=100)]
    resolution_note: Note = ""
    dependents: Annotated[list[NodeBody], Meta(min_length=1, max_length=200)] | None = (
        None
    )
