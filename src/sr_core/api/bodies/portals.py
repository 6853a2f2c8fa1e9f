"""Bodies of what humans bind."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose


class NewDecision(Body):
    """Judge what is to become of a stopped loop."""

    loop_id: Name
    trigger: Name
    decision: Name
    rationale: Prose


class NewWaiver(Body):
    """Ask that an oracle's failure be accepted for a candidate, for a time."""

    candidate_id: Name
    target: Name
    rationale: Prose
    expires_at: Annotated[datetime, Meta(tz=True)]


class NewApproval(Body):
    """Say at a portal what is to become of a candidate."""

    portal_id: Name
    decision: Name
    candidate_id: Name
    evidence_refs: list[str]
    exceptions_acknowledged: list[str]
    rationale: str = ""


class NewFreeze(Body):
    """Fix a candidate as shippable."""

    baseline_id: Name
    candidate_id: Name
    release_approval_id: Name
