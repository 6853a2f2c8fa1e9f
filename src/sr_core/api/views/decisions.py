"""How decisions are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.decision import DecisionKind, DecisionScope
from sr_core.domain.integrity import StopTrigger


class DecisionView(View, kw_only=True):
    """A decision as it was made."""

    decision_id: str
    trigger: StopTrigger | None = None
    scope: DecisionScope
    decision: str
    kind: DecisionKind
    rationale: str
    subject_refs: list[dict[str, Any]]
    evidence_refs: list[str]
    exceptions_acknowledged: list[str]
    is_precedent: bool
    applicability: str | None = None
    refs: list[dict[str, Any]]
    decided_by_kind: ActorKind
    decided_by_id: str
    decided_at: datetime


class DecisionPage(Page, kw_only=True):
    """Some of the decisions."""

    decisions: list[DecisionView]


class DecisionAccepted(Accepted, kw_only=True):
    """A decision was recorded; `kind` is what it was taken for."""

    decision_id: str
    kind: DecisionKind
