"""Bodies of what humans bind."""

from __future__ import annotations

from sr_core.api.bodies.base import Body, Name, Prose


class NewDecision(Body):
    """Judge what is to become of a stopped loop."""

    loop_id: Name
    trigger: Name
    decision: Name
    rationale: Prose
