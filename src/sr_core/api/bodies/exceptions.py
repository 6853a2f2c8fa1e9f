"""Bodies of governed exceptions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose
from sr_core.api.bodies.refs import TypedRef, TypedRefs
from sr_core.domain.exception_scope import ExceptionKind, ScopeKind

Moment = Annotated[datetime, Meta(tz=True)]


class ScopeBody(Body):
    """What bounds an exception; its kind follows from what it names, if left out."""

    scope_kind: ScopeKind | None = None
    loop_id: Name | None = None
    candidate_id: Name | None = None
    oracle_id: Name | None = None
    baseline_id: Name | None = None
    work_unit_id: Name | None = None
    artifact_refs: TypedRefs = msgspec.field(default_factory=list)


class NewWaiver(Body):
    """Ask that a required oracle's failure be accepted, within bounds, for a time.

    The suite and the runs follow from the scope; what is given has to agree.
    """

    scope: ScopeBody
    oracle_id: Name
    gate_id: Name
    rationale: Prose
    target_description: Prose
    risk: Prose
    mitigation: Prose
    resolution_criteria: Prose
    expires_at: Moment
    oracle_suite_id: Name | None = None
    oracle_suite_hash: Name | None = None
    run_ids: Annotated[list[Name], Meta(max_length=64)] | None = None
    applies_to: Name | None = None


class NewException(Body):
    """Ask for an exception; each kind owes fields of its own (SPEC 6.5)."""

    kind: ExceptionKind
    scope: ScopeBody
    rationale: Prose
    target_description: Prose
    expires_at: Moment
    applies_to: Name | None = None
    risk: Prose | None = None
    mitigation: Prose | None = None
    resolution_criteria: Prose | None = None
    oracle_id: Name | None = None
    oracle_suite_id: Name | None = None
    oracle_suite_hash: Name | None = None
    run_ids: Annotated[list[Name], Meta(max_length=64)] | None = None
    gate_id: Name | None = None
    requirement_ref: Name | None = None
    subject_ref: TypedRef | None = None
    target_date: Moment | None = None
    target_deliverable: Name | None = None
    compensating_controls: Prose | None = None


class Resolution(Body):
    """Lift an exception."""

    resolution_notes: Prose | None = None
