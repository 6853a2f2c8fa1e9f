"""Bodies of work surfaces."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose, RefBody
from sr_core.api.bodies.intakes import Few, Line
from sr_core.api.bodies.loops import BudgetsBody
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.stage_gate import GateStatus

Param = str | int | float | bool


class NewWorkSurface(Body):
    """Bind an intake to a procedure."""

    work_unit_id: Name
    intake_id: Name
    template_id: Name
    params: Annotated[dict[Line, Param], Meta(max_length=64)] = msgspec.field(
        default_factory=dict
    )


class OracleWordBody(Body):
    """What one oracle is said to have said."""

    oracle_id: Name
    status: ResultStatus
    evidence_ref: Name | None = None


class GateBody(Body):
    """What the evidence is said to give; it is computed, and has to be the same."""

    status: GateStatus
    oracle_results: Annotated[list[OracleWordBody], Few] = msgspec.field(
        default_factory=list
    )
    waiver_refs: Annotated[list[Name], Few] | None = None


class StageCompletion(Body):
    """Leave a stage on the strength of a bundle."""

    evidence_bundle_ref: Name
    gate_result: GateBody | None = None
    notes: Prose | None = None


class Start(Body):
    """How the surface's loop is opened; what is left out follows from the surface.

    The goal is the intake's objective, and the directive the one in force.
    """

    goal: Prose | None = None
    budgets: BudgetsBody | None = None
    directive_ref: RefBody | None = None
