"""What answers about staleness hold."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.integrity import Portal
from sr_core.domain.refs import RefKind
from sr_core.domain.staleness import ReEvaluation, ResolutionKind, StaleReason


class NodeView(msgspec.Struct, kw_only=True):
    """A node of the graph."""

    kind: RefKind
    id: str


class MarkerView(View):
    """A marker, as far as it is about one dependent."""

    stale_id: str
    root_kind: RefKind
    root_id: str
    dependent_kind: RefKind
    dependent_id: str
    reason_code: StaleReason
    reason_detail: str
    caused_by: str | None
    marked_at: datetime
    marked_by_kind: str
    marked_by_id: str
    re_evaluation: ReEvaluation | None
    recommended_portal: Portal | None
    resolved_at: datetime | None
    resolution_kind: ResolutionKind | None
    resolution_event_id: str | None


class MarkerPage(Page):
    """Some of the markers, oldest first."""

    markers: list[MarkerView]


class DependentPage(Page):
    """Some of what is stale because of one root, oldest marker first."""

    root: NodeView
    dependents: list[MarkerView]


class Marked(Accepted):
    """The markers that a mark by hand has set, and what they make stale."""

    stale_ids: list[str]
    dependents_marked: list[NodeView]


class Resolved(Accepted):
    """A marker that was answered."""

    stale_id: str
    resolution_kind: ResolutionKind
