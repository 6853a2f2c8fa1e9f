"""Type keys: the closed set of names for what a governed or recorded thing is.

A key is ``<namespace>.<name>``; three of the template registry have no namespace. A key
that is not in the set is refused, so that a misspelt one never makes a type of its own
(C-META-3).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NewType

from sr_core.domain.errors import MalformedInput

TypeKey = NewType("TypeKey", str)
"""A member of the closed set, such as ``governance.dev_directive``."""

_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "domain": (
            "candidate",
            "event",
            "evidence_bundle",
            "loop_record",
            "portal_decision",
            "work_surface",
            "work_unit",
        ),
        "record": (
            "assessment_note",
            "attachment",
            "decision",
            "decomposition_rationale",
            "deferral",
            "deviation",
            "eligibility_snapshot",
            "evaluation_note",
            "freeze",
            "intake",
            "intervention_note",
            "plan_instance",
            "procedure_instance",
            "waiver",
        ),
        "governance": (
            "acceptance_record",
            "agent_worker_contract",
            "agents",
            "arch_contract",
            "change_mgmt",
            "charter",
            "deployment_guide",
            "design_intent",
            "dev_directive",
            "event_manager_spec",
            "exceptions",
            "observability_guide",
            "plan",
            "readme",
            "semantic_oracle_spec",
            "technical_spec",
            "templates_registry",
            "types",
            "usage_guide",
            "work_surface_spec",
        ),
        "config": (
            "agent_definition",
            "gating_policy",
            "oracle_definition",
            "portal_definition",
            "portal_playbook",
            "procedure_template",
            "semantic_profile",
            "semantic_set",
            "template",
        ),
        "evidence": ("gate_packet",),
        "": ("budget_config", "oracle_suite", "verification_profile"),
    }
)

TYPE_KEYS: Final = frozenset(
    TypeKey(f"{namespace}.{name}" if namespace else name)
    for namespace, names in _NAMES.items()
    for name in names
)
"""Every type key there is."""

AGENT_DEFINITION: Final = TypeKey("config.agent_definition")
GATING_POLICY: Final = TypeKey("config.gating_policy")
DIRECTIVE: Final = TypeKey("governance.dev_directive")
ASSESSMENT_NOTE: Final = TypeKey("record.assessment_note")
EVALUATION_NOTE: Final = TypeKey("record.evaluation_note")
INTERVENTION_NOTE: Final = TypeKey("record.intervention_note")
PLAN_INSTANCE: Final = TypeKey("record.plan_instance")
ELIGIBILITY_SNAPSHOT: Final = TypeKey("record.eligibility_snapshot")
assert {
    AGENT_DEFINITION,
    GATING_POLICY,
    DIRECTIVE,
    ASSESSMENT_NOTE,
    EVALUATION_NOTE,
    INTERVENTION_NOTE,
    PLAN_INSTANCE,
    ELIGIBILITY_SNAPSHOT,
} <= TYPE_KEYS, "a key that has a name is one of the set"


def parse_type_key(text: str) -> TypeKey:
    """Return `text` as a type key, or raise `MalformedInput` naming the nearest one."""
    if text in TYPE_KEYS:
        return TypeKey(text)
    near = difflib.get_close_matches(text, sorted(TYPE_KEYS), n=1)
    raise MalformedInput(
        field="type key",
        found=text,
        expected=f"a type key such as {near[0] if near else DIRECTIVE}",
    )
