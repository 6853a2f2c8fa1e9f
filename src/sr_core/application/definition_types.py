"""The types of definition: their category, their schema, and who has to be asked.

The eleven categories are those under which people look for templates (SPEC 5.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from sr_core.domain import definition_kinds as kinds
from sr_core.domain.config_definition import TypeKey
from sr_core.domain.oracle_suite import SuiteDefinition
from sr_core.domain.procedure_template import ProcedureTemplate
from sr_core.domain.profile_definition import ProfileDefinition


class Category(StrEnum):
    """Where a type is looked for."""

    CONTEXT = "Context"
    EVIDENCE = "Evidence"
    EXCEPTIONS = "Exceptions"
    EXECUTION = "Execution"
    GATES = "Gates"
    ORACLE = "Oracle"
    PORTALS = "Portals"
    RELEASE = "Release"
    SEMANTIC_SETS = "SemanticSets"
    VERIFICATION = "Verification"
    WORK_SURFACE = "WorkSurface"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionType:
    """One type of definition.

    `named_by` is the field of the content that is its name; None where the caller gives
    a name of their own.
    """

    type_key: TypeKey
    category: Category
    title: str
    kind: type[Any]
    named_by: str | None = None
    requires_portal: bool = False

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of the content."""
        return msgspec.json.schema(self.kind)


_TYPES: Final = (
    DefinitionType(
        type_key=TypeKey.PROCEDURE_TEMPLATE,
        category=Category.WORK_SURFACE,
        title="Procedure template",
        kind=ProcedureTemplate,
        named_by="template_id",
    ),
    DefinitionType(
        type_key=TypeKey.ORACLE_SUITE,
        category=Category.ORACLE,
        title="Oracle suite",
        kind=SuiteDefinition,
        named_by="suite_id",
    ),
    DefinitionType(
        type_key=TypeKey.VERIFICATION_PROFILE,
        category=Category.VERIFICATION,
        title="Verification profile",
        kind=ProfileDefinition,
        named_by="profile_id",
        requires_portal=True,
    ),
    DefinitionType(
        type_key=TypeKey.SEMANTIC_SET,
        category=Category.SEMANTIC_SETS,
        title="Semantic set",
        kind=kinds.SemanticSetDefinition,
        named_by="semantic_set_id",
        requires_portal=True,
    ),
    DefinitionType(
        type_key=TypeKey.GATING_POLICY,
        category=Category.GATES,
        title="Gating policy",
        kind=kinds.GatingPolicy,
    ),
    DefinitionType(
        type_key=TypeKey.PORTAL_PLAYBOOK,
        category=Category.PORTALS,
        title="Portal playbook",
        kind=kinds.PortalPlaybook,
    ),
    DefinitionType(
        type_key=TypeKey.BUDGET_CONFIG,
        category=Category.EXECUTION,
        title="Budgets",
        kind=kinds.BudgetConfig,
    ),
    DefinitionType(
        type_key=TypeKey.INTERVENTION_NOTE,
        category=Category.CONTEXT,
        title="Intervention note",
        kind=kinds.NoteForm,
    ),
    DefinitionType(
        type_key=TypeKey.EVIDENCE_PACKET,
        category=Category.EVIDENCE,
        title="Evidence bundle",
        kind=kinds.EvidenceForm,
    ),
    DefinitionType(
        type_key=TypeKey.FREEZE,
        category=Category.RELEASE,
        title="Freeze",
        kind=kinds.FreezeForm,
        requires_portal=True,
    ),
    *(
        DefinitionType(
            type_key=each,
            category=Category.EXCEPTIONS,
            title=title,
            kind=kinds.ExceptionForm,
            requires_portal=True,
        )
        for each, title in (
            (TypeKey.WAIVER, "Waiver"),
            (TypeKey.DEVIATION, "Deviation"),
            (TypeKey.DEFERRAL, "Deferral"),
        )
    ),
)

TEMPLATE_TYPES: Final[Mapping[TypeKey, DefinitionType]] = MappingProxyType(
    {each.type_key: each for each in _TYPES}
)
"""The types that can be recorded as templates, by their key."""
assert {each.category for each in _TYPES} == set(Category), "no category is empty"
