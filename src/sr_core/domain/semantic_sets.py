"""The semantic sets that come with the platform, and the suite that applies them.

Clauses: SPEC 7.9 (INTAKE-ADMISSIBILITY), SPEC 7.4 (its oracles).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sr_core.domain.ids import SuiteId, parse_suite_id
from sr_core.domain.oracle_suite import Classification
from sr_core.domain.semantic import (
    ConstraintType,
    DecisionRule,
    SemanticAxis,
    SemanticConstraint,
    SemanticSet,
    Severity,
)

SEMANTIC_SUITE: Final = SuiteId("suite:SR-SUITE-SEMANTIC")

_ALIASES: Final[Mapping[str, SuiteId]] = MappingProxyType(
    {
        "SR-SUITE-SEMANTIC": SEMANTIC_SUITE,
        "suite:sr-semantic-v1": SEMANTIC_SUITE,
        "oracle.suite.intake_admissibility.v1": SEMANTIC_SUITE,
    }
)
"""Other names of the suite that older documents use; one is kept (SPEC A 21)."""


def parse_semantic_suite_id(text: str) -> SuiteId:
    """Return the suite that `text` names, by its own name if it is an alias."""
    return _ALIASES.get(text) or parse_suite_id(text)


INTAKE_ADMISSIBILITY: Final = SemanticSet(
    semantic_set_id="semantic_set:INTAKE-ADMISSIBILITY",
    schema_version="1",
    name="Intake admissibility",
    description="Whether an intake says enough, and says it well enough, to work on",
    axes=(
        SemanticAxis(
            axis_id="schema_compliance",
            name="Schema compliance",
            description="every field that an intake needs is there and of its form",
            weight=1.0,
            required=True,
            min_coverage=1.0,
            max_residual=0.0,
        ),
        SemanticAxis(
            axis_id="traceability_coverage",
            name="Traceability coverage",
            description="each statement is borne out by words of the source",
            weight=0.8,
            required=True,
            min_coverage=0.8,
        ),
        SemanticAxis(
            axis_id="contradiction_free",
            name="Freedom from contradiction",
            description="no two statements rule each other out",
            weight=1.0,
            required=True,
            max_residual=0.0,
        ),
        SemanticAxis(
            axis_id="ambiguity_bounded",
            name="Bounded ambiguity",
            description="what is said vaguely is listed among the unknowns",
            weight=0.6,
            required=False,
            min_coverage=0.7,
        ),
        SemanticAxis(
            axis_id="privacy_safe",
            name="Privacy",
            description="nothing identifies a person",
            weight=1.0,
            required=True,
            min_coverage=1.0,
            max_residual=0.0,
        ),
        SemanticAxis(
            axis_id="term_map_aligned",
            name="Alignment of terms",
            description="each defined term is used as the term map has it",
            weight=0.7,
            required=False,
            min_coverage=0.8,
        ),
    ),
    constraints=(
        SemanticConstraint(
            constraint_id="required_fields_present",
            description="every field that an intake needs is there",
            constraint_type=ConstraintType.REQUIRED,
            severity=Severity.ERROR,
        ),
        SemanticConstraint(
            constraint_id="deliverables_have_paths",
            description="each deliverable says where it will lie",
            constraint_type=ConstraintType.REQUIRED,
            severity=Severity.ERROR,
        ),
        SemanticConstraint(
            constraint_id="no_contradictions",
            description="two statements that rule each other out",
            constraint_type=ConstraintType.PROHIBITED,
            severity=Severity.ERROR,
        ),
        SemanticConstraint(
            constraint_id="ambiguities_inventoried",
            description="a vague statement is named among the unknowns",
            constraint_type=ConstraintType.REQUIRED,
            severity=Severity.WARNING,
        ),
        SemanticConstraint(
            constraint_id="no_pii_in_public",
            description="what identifies a person",
            constraint_type=ConstraintType.PROHIBITED,
            severity=Severity.ERROR,
        ),
        SemanticConstraint(
            constraint_id="terms_used_consistently",
            description="a defined term goes by one name",
            constraint_type=ConstraintType.PREFERRED,
            severity=Severity.WARNING,
        ),
    ),
    decision_rule=DecisionRule(
        rule_id="intake_admissibility_v1",
        max_residual_norm=0.2,
        min_coverage=0.85,
        max_error_violations=0,
        max_warning_violations=3,
    ),
    applicable_stages=("stage:VALIDATE",),
    version="1.0.0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisOracle:
    """The oracle that measures one axis, and how its word counts."""

    name: str
    axis_id: str
    classification: Classification
    timeout_s: float = 120


INTAKE_ORACLES: Final[tuple[AxisOracle, ...]] = (
    AxisOracle(
        name="schema_compliance",
        axis_id="schema_compliance",
        classification=Classification.REQUIRED,
    ),
    AxisOracle(
        name="traceability",
        axis_id="traceability_coverage",
        classification=Classification.REQUIRED,
    ),
    AxisOracle(
        name="contradiction",
        axis_id="contradiction_free",
        classification=Classification.REQUIRED,
        timeout_s=180,
    ),
    AxisOracle(
        name="privacy",
        axis_id="privacy_safe",
        classification=Classification.REQUIRED,
    ),
    AxisOracle(
        name="ambiguity",
        axis_id="ambiguity_bounded",
        classification=Classification.ADVISORY,
    ),
    AxisOracle(
        name="term_map",
        axis_id="term_map_aligned",
        classification=Classification.ADVISORY,
    ),
)
assert {each.axis_id for each in INTAKE_ORACLES} == {
    each.axis_id for each in INTAKE_ADMISSIBILITY.axes
}, "every axis has its oracle"
