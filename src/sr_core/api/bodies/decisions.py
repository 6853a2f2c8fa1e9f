"""Bodies of decisions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose, RefBody
from sr_core.domain.decision import DecisionKind
from sr_core.domain.integrity import StopTrigger

_Few = Meta(max_length=200)


class ScopeBody(Body):
    """What a decision is about; at least one of these."""

    loop_id: Name | None = None
    iteration_id: Name | None = None
    candidate_id: Name | None = None
    run_id: Name | None = None
    work_unit_id: Name | None = None
    work_surface_id: Name | None = None
    oracle_suite_id: Name | None = None
    exception_id: Name | None = None


class NewDecision(Body):
    """Judge, within a scope, and say why.

    Which way it goes is said by `kind`, or by the first word of `decision`. The
    exceptions that were in force are named, or an empty list is given.
    """

    scope: ScopeBody
    decision: Prose
    rationale: Prose
    exceptions_acknowledged: Annotated[list[Name], _Few]
    trigger: StopTrigger | None = None
    kind: DecisionKind | None = None
    subject_refs: Annotated[list[RefBody], _Few] = msgspec.field(default_factory=list)
    evidence_refs: Annotated[list[Name], _Few] = msgspec.field(default_factory=list)
    is_precedent: bool = False
    applicability: Prose | None = None
