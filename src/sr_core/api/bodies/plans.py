"""Bodies of plans."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose, RefBody
from sr_core.domain.integrity import Portal
from sr_core.domain.plan import UNITS_MAX, EdgeType


class PinnedBody(Body):
    """Something named, and pinned by the hash of its content."""

    id: Name
    content_hash: Name


class UnitBody(Body):
    """One work unit of a plan."""

    work_unit_id: Name
    title: Name
    intake_ref: PinnedBody
    template_id: Name
    required_portals: Annotated[list[Portal], Meta(max_length=3)] = msgspec.field(
        default_factory=list
    )


class EdgeBody(Body):
    """One relation between two units of a plan."""

    work_unit_id: Name
    target_id: Name
    edge_type: EdgeType = EdgeType.DEPENDS_ON


class NewPlan(Body):
    """Record a plan."""

    source_ref: PinnedBody
    work_units: Annotated[list[UnitBody], Meta(max_length=UNITS_MAX)]
    edges: Annotated[list[EdgeBody], Meta(max_length=10 * UNITS_MAX)] = msgspec.field(
        default_factory=list
    )
    rationale: Annotated[str, Meta(max_length=20_000)] = ""


class PlanActivation(Body):
    """Let a plan be worked on, supported by a directive."""

    directive_ref: RefBody


class PlanCancellation(Body):
    """Give a plan up."""

    rationale: Prose
