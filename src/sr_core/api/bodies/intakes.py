"""Bodies of intakes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose, RefBody
from sr_core.domain.intake import WorkKind

Line = Annotated[str, Meta(min_length=1, max_length=500)]
Few = Meta(max_length=100)


class DeliverableBody(Body):
    """One thing that the work is to leave, and where."""

    name: Line
    format: Line
    path: Name
    description: Prose | None = None


class NewIntake(Body):
    """Draft what is to be made."""

    work_unit_id: Name
    title: Line
    kind: WorkKind
    objective: Line
    audience: Line
    deliverables: Annotated[list[DeliverableBody], Few] = msgspec.field(
        default_factory=list
    )
    constraints: Annotated[list[Prose], Few] = msgspec.field(default_factory=list)
    definitions: Annotated[dict[Line, Prose], Few] = msgspec.field(default_factory=dict)
    inputs: Annotated[list[RefBody], Few] = msgspec.field(default_factory=list)
    unknowns: Annotated[list[Prose], Few] = msgspec.field(default_factory=list)
    completion_criteria: Annotated[list[Prose], Few] = msgspec.field(
        default_factory=list
    )


class IntakeEdit(Body, omit_defaults=True):
    """Change a draft; what is left out stays as it is."""

    work_unit_id: Name | None = None
    title: Line | None = None
    kind: WorkKind | None = None
    objective: Line | None = None
    audience: Line | None = None
    deliverables: Annotated[list[DeliverableBody], Few] | None = None
    constraints: Annotated[list[Prose], Few] | None = None
    definitions: Annotated[dict[Line, Prose], Few] | None = None
    inputs: Annotated[list[RefBody], Few] | None = None
    unknowns: Annotated[list[Prose], Few] | None = None
    completion_criteria: Annotated[list[Prose], Few] | None = None


class Reason(Body):
    """Say why, if there is more to say than that it was done."""

    reason: Prose | None = None
