"""What each type of definition holds; `config_definition` says how one is laid down.

Profiles and procedure templates have modules of their own. Bounds hold here as anywhere:
a definition that exists is a valid one (SPEC 5.6, 6.8, 7.1, 7.9).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.bounds import (
    require_count,
    require_distinct,
    require_line,
    require_path,
    require_prose,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import (
    OracleId,
    ProfileId,
    StageId,
    SuiteId,
    WorkUnitId,
    parse_oracle_id,
    parse_profile_id,
    parse_stage_id,
    parse_suite_id,
    parse_work_unit_id,
)
from sr_core.domain.intake import WorkKind
from sr_core.domain.integrity import Portal
from sr_core.domain.oracle_suite import Classification
from sr_core.domain.procedure_template import RequiredOutput

ENTRIES_MAX: Final = 100
_SEMANTIC_SET: Final = re.compile(r"semantic_set:[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class AgentStatus(StrEnum):
    """Whether an agent takes on work."""

    ACTIVE = "active"
    IDLE = "idle"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDefinition:
    """One agent: what it is called, as whom it acts, and what it can do."""

    id: str
    name: str
    actor_id: str
    status: AgentStatus = AgentStatus.ACTIVE
    capabilities: tuple[str, ...] = ()
    current_work_unit_id: WorkUnitId | None = None
    iterations_completed: int = 0
    proposals_produced: int = 0
    last_active_at: str | None = None

    def __post_init__(self) -> None:
        for name in ("id", "name", "actor_id"):
            require_line(getattr(self, name), field=name)
        _require_lines(self.capabilities, field="capabilities")
        if self.current_work_unit_id is not None:
            parse_work_unit_id(self.current_work_unit_id)
        for name in ("iterations_completed", "proposals_produced"):
            _require_number(getattr(self, name), field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalDefinition:
    """How one of the three portals is presented; there are no others (SPEC 7.1)."""

    portal_id: Portal
    name: str
    description: str
    decisions: tuple[ApprovalDecision, ...]
    seeded: bool = True

    def __post_init__(self) -> None:
        require_line(self.name, field="name")
        require_prose(self.description, field="description")
        require_count(
            self.decisions, field="decisions", most=len(ApprovalDecision), least=1
        )
        require_distinct(self.decisions, field="decisions")
        if not self.seeded:
            raise MalformedInput(
                field="seeded", found=self.seeded, expected="true: every portal is"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOutput:
    """A file that an oracle leaves."""

    path: str
    content_type: str
    required: bool = True

    def __post_init__(self) -> None:
        require_path(self.path, field="expected_outputs.path")
        require_line(self.content_type, field="expected_outputs.content_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleDefinition:
    """What an oracle is and leaves; a suite says how it is run."""

    oracle_id: OracleId
    oracle_name: str
    description: str | None = None
    expected_outputs: tuple[ExpectedOutput, ...] = ()
    classification: Classification = Classification.REQUIRED
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parse_oracle_id(self.oracle_id)
        require_line(self.oracle_name, field="oracle_name")
        if self.description is not None:
            require_prose(self.description, field="description")
        require_count(self.expected_outputs, field="expected_outputs", most=ENTRIES_MAX)
        require_distinct(
            [each.path for each in self.expected_outputs], field="expected_outputs.path"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageBinding:
    """The suite that judges a stage semantically."""

    stage_id: StageId
    oracle_suite_id: SuiteId

    def __post_init__(self) -> None:
        parse_stage_id(self.stage_id)
        parse_suite_id(self.oracle_suite_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticProfile:
    """Which stages are judged semantically, and by which suites."""

    profile_id: ProfileId
    name: str
    description: str
    stage_bindings: tuple[StageBinding, ...]
    deliverable_kinds: tuple[WorkKind, ...] = ()

    def __post_init__(self) -> None:
        parse_profile_id(self.profile_id)
        require_line(self.name, field="name")
        require_prose(self.description, field="description")
        require_count(
            self.stage_bindings, field="stage_bindings", most=ENTRIES_MAX, least=1
        )
        require_distinct(
            [f"{each.stage_id} {each.oracle_suite_id}" for each in self.stage_bindings],
            field="stage_bindings",
        )
        require_distinct(self.deliverable_kinds, field="deliverable_kinds")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """The bounds of loops for some deliverables (C-LOOP-1)."""

    max_iterations: int
    max_oracle_runs: int
    max_wallclock_hours: int
    applicable_deliverables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("max_iterations", "max_oracle_runs", "max_wallclock_hours"):
            _require_number(getattr(self, name), field=name, least=1)
        _require_lines(self.applicable_deliverables, field="applicable_deliverables")


class HookMode(StrEnum):
    """How a judgement that is not there yet holds work up (SPEC 6.8)."""

    SOFT = "soft"
    HARD = "hard"
    HYBRID = "hybrid"


class Hook(StrEnum):
    """Where a human's judgement is asked for (SPEC 6.8)."""

    ASSESSMENT_ON_VALIDATION = "assessment_on_validation"
    CLOSEOUT = "closeout"
    EVALUATION_ON_VERIFICATION = "evaluation_on_verification"
    PLAN_REVIEW = "plan_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatingPolicy:
    """How each hook holds work up; those left out are hybrid."""

    hooks: Mapping[Hook, HookMode]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPlaybook:
    """What is done at a portal, in which order, and what comes of it (SPEC 7.1)."""

    portal_id: Portal
    request_types: tuple[str, ...]
    preconditions: tuple[str, ...] = ()
    evidence_review_checklist: tuple[str, ...] = ()
    decision_procedure: str = ""
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_count(
            self.request_types, field="request_types", most=ENTRIES_MAX, least=1
        )
        for name in ("request_types", "preconditions", "evidence_review_checklist"):
            _require_lines(getattr(self, name), field=name)
        _require_lines(self.outputs, field="outputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticAxis:
    """One direction in which meaning is measured (SPEC 7.9)."""

    axis_id: str
    name: str
    weight: float
    required: bool
    description: str = ""
    min_coverage: float | None = None
    max_residual: float | None = None

    def __post_init__(self) -> None:
        require_line(self.axis_id, field="axes.axis_id")
        require_line(self.name, field="axes.name")
        if not self.weight > 0:
            raise MalformedInput(
                field=f"axes.{self.axis_id}.weight",
                found=self.weight,
                expected="a number above 0",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticRule:
    """When measured meaning passes (SPEC 7.9)."""

    rule_id: str
    max_residual_norm: float
    min_coverage: float
    max_error_violations: int = 0
    max_warning_violations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSetDefinition:
    """What meaning is measured against; its shape as others declare it (SPEC 7.9)."""

    semantic_set_id: str
    name: str
    description: str
    axes: tuple[SemanticAxis, ...]
    decision_rule: SemanticRule
    applicable_stages: tuple[StageId, ...] = ()
    version: str = "1.0.0"

    def __post_init__(self) -> None:
        if not _SEMANTIC_SET.fullmatch(self.semantic_set_id):
            raise MalformedInput(
                field="semantic_set_id",
                found=self.semantic_set_id[:80],
                expected="semantic_set: and a name",
            )
        require_line(self.name, field="name")
        require_prose(self.description, field="description")
        require_count(self.axes, field="axes", most=ENTRIES_MAX, least=1)
        require_distinct([each.axis_id for each in self.axes], field="axes")
        for each in self.applicable_stages:
            parse_stage_id(each)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteForm:
    """What a note that steers an iteration has to say."""

    prompts: tuple[str, ...]
    severities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_count(self.prompts, field="prompts", most=ENTRIES_MAX, least=1)
        _require_lines(self.prompts, field="prompts")
        _require_lines(self.severities, field="severities")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceForm:
    """What a bundle of a kind of work has to hold."""

    oracle_suite_id: SuiteId
    artifacts: tuple[RequiredOutput, ...]

    def __post_init__(self) -> None:
        parse_suite_id(self.oracle_suite_id)
        require_count(self.artifacts, field="artifacts", most=ENTRIES_MAX, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeForm:
    """What a freeze of a kind of baseline fixes."""

    baseline_id: str
    artifact_ids: tuple[str, ...]
    verification_profile_id: ProfileId

    def __post_init__(self) -> None:
        require_line(self.baseline_id, field="baseline_id")
        _require_lines(self.artifact_ids, field="artifact_ids")
        parse_profile_id(self.verification_profile_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionForm:
    """What a waiver, deviation or deferral of a kind has to say (SPEC 6.5)."""

    target_description: str
    rationale: str
    risk: str
    mitigation: str
    resolution_criteria: str
    days_until_expiry: int

    def __post_init__(self) -> None:
        for name in (
            "target_description",
            "rationale",
            "risk",
            "mitigation",
            "resolution_criteria",
        ):
            require_prose(getattr(self, name), field=name)
        _require_number(self.days_until_expiry, field="days_until_expiry", least=1)


def _require_lines(lines: tuple[str, ...], *, field: str) -> None:
    require_count(lines, field=field, most=ENTRIES_MAX)
    for each in lines:
        require_line(each, field=field)


def _require_number(number: int, *, field: str, least: int = 0) -> None:
    if not least <= number <= 1_000_000_000:  # noqa: PLR2004 - the bound is the point
        raise MalformedInput(
            field=field, found=number, expected=f"a whole number from {least} up"
        )
