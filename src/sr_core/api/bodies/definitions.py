"""Bodies of definitions: agents, portals, oracles, profiles, templates."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose
from sr_core.api.bodies.intakes import Few, Line
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.config_definition import TypeKey
from sr_core.domain.definition_kinds import AgentStatus
from sr_core.domain.intake import WorkKind
from sr_core.domain.integrity import IntegrityCondition, Portal
from sr_core.domain.oracle_suite import Classification
from sr_core.domain.profile import FailureClass

Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class NewAgent(Body):
    """Say what an agent is."""

    id: Line
    name: Line
    actor_id: Line
    status: AgentStatus = AgentStatus.ACTIVE
    capabilities: Annotated[list[Line], Few] = msgspec.field(default_factory=list)
    current_work_unit_id: Name | None = None
    iterations_completed: Count = 0
    proposals_produced: Count = 0
    last_active_at: Line | None = None


class NewPortal(Body):
    """Say how one of the three portals is presented."""

    portal_id: Portal
    name: Line
    description: Prose
    decisions: Annotated[list[ApprovalDecision], Meta(min_length=1, max_length=3)]
    seeded: bool = True


class ExpectedOutputBody(Body):
    """A file that an oracle leaves."""

    path: Name
    content_type: Line
    required: bool = True


class NewOracleDefinition(Body):
    """Say what an oracle is and leaves."""

    oracle_id: Name
    oracle_name: Line
    description: Prose | None = None
    expected_outputs: Annotated[list[ExpectedOutputBody], Few] = msgspec.field(
        default_factory=list
    )
    classification: Classification = Classification.REQUIRED
    metadata: Annotated[dict[Line, Line], Few] = msgspec.field(default_factory=dict)


class StageBindingBody(Body):
    """The suite that judges a stage semantically."""

    stage_id: Name
    oracle_suite_id: Name


class NewSemanticProfile(Body):
    """Say which stages are judged semantically, and by which suites."""

    profile_id: Name
    name: Line
    description: Prose
    stage_bindings: Annotated[
        list[StageBindingBody], Meta(min_length=1, max_length=100)
    ]
    deliverable_kinds: Annotated[list[WorkKind], Few] = msgspec.field(
        default_factory=list
    )


class NewProfile(Body):
    """Say what has to pass before a candidate counts as verified.

    `integrity_conditions` may be left out: none can be waived, whatever is listed.
    """

    profile_id: Name
    name: Line
    description: Prose
    required_suites: Annotated[list[Name], Meta(min_length=1, max_length=32)]
    optional_suites: Annotated[list[Name], Meta(max_length=32)] = msgspec.field(
        default_factory=list
    )
    waivable_failures: Annotated[list[FailureClass], Few] = msgspec.field(
        default_factory=list
    )
    integrity_conditions: Annotated[list[IntegrityCondition], Few] | None = None
    applicable_deliverables: Annotated[list[Name], Few] = msgspec.field(
        default_factory=list
    )
    metadata: Annotated[dict[Line, Line], Few] = msgspec.field(default_factory=dict)


class NewTemplate(Body):
    """Lay down a template of any type; its schema is at ``/templates/schemas``.

    `template_id` may be left out where the content holds its own name.
    """

    content: dict[str, object]
    type_key: TypeKey = TypeKey.PROCEDURE_TEMPLATE
    template_id: Name | None = None


class NextTemplate(Body):
    """Lay down the next version of a template."""

    content: dict[str, object]
    type_key: TypeKey | None = None
